"""How often an agent looks: with the blocks while something is due or under way, seldom else."""

from __future__ import annotations

import pytest

from agents.chain.blocks import BlockRef
from agents.core.enums import CouplePhase
from agents.runtime.pace import QUICKEST, REST_SECONDS, Pace
from testing.script import Script


def look(pace: Pace, script: Script, member: object = None, *, due: bool = False, block: int = 1) -> None:
    address = (member or script.mo).address  # type: ignore[attr-defined]
    pace.look(script.market, address, BlockRef(block, b"", script.now), due=due)


@pytest.fixture
def script() -> Script:
    return Script(answer_window_seconds=3600, draw_window_seconds=3600, report_window_seconds=3600)


def test_it_rests_once_nothing_is_due(script: Script) -> None:
    pace = Pace()
    assert (pace.resting, pace.seconds) == (False, QUICKEST)
    look(pace, script.open(), due=True)
    assert not pace.resting
    look(pace, script)
    assert (pace.resting, pace.seconds) == (True, REST_SECONDS)


@pytest.mark.parametrize("phase", [CouplePhase.APPROVED, CouplePhase.DRAWING, CouplePhase.TRAINING])
def test_all_who_have_a_part_in_a_couple_under_way_are_quick(phase: CouplePhase, script: Script) -> None:
    script.bring_to(phase)
    pace = Pace()
    for member in (script.do, script.mo, script.cos[0]):
        look(pace, script, member)
        assert not pace.resting
    look(pace, script, script.stranger)
    assert pace.resting


def test_a_request_may_wait(script: Script) -> None:
    pace = Pace()
    look(pace, script.bring_to(CouplePhase.REQUESTED))
    assert pace.resting


def test_who_may_have_to_answer_in_haste_rests_less() -> None:
    script = Script(answer_window_seconds=32, draw_window_seconds=64, report_window_seconds=64).open()
    pace = Pace()
    look(pace, script, script.cos[0])
    assert (pace.resting, pace.seconds) == (True, 2.0)
    look(pace, script, script.do)
    assert pace.seconds == 2.0


def test_slow_blocks_are_looked_for_four_times(script: Script) -> None:
    pace = Pace()
    look(pace, script.open(), due=True)
    script.wait_until(script.now + 12)
    look(pace, script, due=True, block=2)
    assert pace.seconds == 3.0
    script.wait_until(script.now + 600)
    look(pace, script, due=True, block=3)
    assert pace.seconds == REST_SECONDS


def test_what_is_fixed_stays(script: Script) -> None:
    pace = Pace(0.25)
    look(pace, script.open())
    assert (pace.resting, pace.seconds) == (False, 0.25)
