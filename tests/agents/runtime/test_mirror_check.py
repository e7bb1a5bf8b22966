"""The mirror is compared with what the contract says of a member's own assets.

Rules: A18, A98.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, cast

import pytest

from agents.audit.live import expected_views, views_of
from agents.chain.client import BlockRef, MarketClient
from agents.chain.views import View
from agents.core.enums import CouplePhase, Role
from agents.core.events import CoupleApproved, JobReported, Logged
from agents.core.ids import Address
from agents.core.market import Market
from agents.runtime.mirror_check import SECONDS, MirrorCheck
from testing.script import Script, identity


@dataclass
class Contract:
    """Answers views as a market of all the events would."""

    history: Sequence[Logged]
    now: int
    asked: list[View[Any]] = field(default_factory=list)

    def read_all(self, views: Sequence[View[Any]], _block: int) -> list[Any]:
        self.asked += views
        truth = {
            (view.function, view.arguments): answer
            for _, view, answer in expected_views(Market(self.history), self.now)
        }
        return [truth[view.function, view.arguments] for view in views]


@pytest.fixture
def script() -> Script:
    return Script(replicas=2, rounds=3).bring_to(CouplePhase.TRAINING)


def check(script: Script, member: Address, clock: list[float] | None = None) -> tuple[MirrorCheck, Contract]:
    contract = Contract(script.chain.history, script.now)
    times = clock or [0.0]
    return MirrorCheck(cast("MarketClient", contract), member, lambda: times[0]), contract


def block(script: Script, number: int = 100) -> BlockRef:
    return BlockRef(number, number.to_bytes(32, "big"), script.now)


def members(script: Script) -> Iterator[Address]:
    yield from (script.do.address, script.mo.address, *(co.address for co in script.cos))


def test_a_mirror_of_all_events_holds_for_everybody(script: Script) -> None:
    for member in members(script):
        found, contract = check(script, member)
        assert found.holds(Market(script.chain.history), block(script))
        assert contract.asked


def test_a_missing_event_shows(script: Script, caplog: pytest.LogCaptureFixture) -> None:
    report = script.assigned(script.drawn[0])[0]
    script.report(report)
    without = [logged for logged in script.chain.history if not isinstance(logged.event, JobReported)]
    for member in (script.do.address, script.mo.address, script.owner(report).address):
        found, _ = check(script, member)
        assert not found.holds(Market(without), block(script))
    assert all("the events say" in message for message in caplog.messages)


def test_coins_that_were_locked_unseen_show(script: Script) -> None:
    without = [logged for logged in script.chain.history if not isinstance(logged.event, CoupleApproved)]
    found, _ = check(script, script.do.address)
    assert not found.holds(Market(without), block(script))


def test_a_difference_is_told_once(script: Script, caplog: pytest.LogCaptureFixture) -> None:
    without = [logged for logged in script.chain.history if not isinstance(logged.event, CoupleApproved)]
    found, _ = check(script, script.do.address)
    for number in range(100, 103):
        assert not found.holds(Market(without), block(script, number))
    assert len(caplog.messages) == len(set(caplog.messages))


def test_only_what_concerns_the_member_is_asked_for(script: Script) -> None:
    stranger, contract = check(script, identity("somebody else").address)
    with pytest.raises(KeyError):
        stranger.holds(Market(script.chain.history), block(script))
    assert [view.function for view in contract.asked] == ["roleOf", "balanceOf"]
    one, contract = check(script, script.cos[0].address)
    assert one.holds(Market(script.chain.history), block(script))
    instances = [view.arguments[0] for view in contract.asked if view.function == "cloudInstance"]
    assert instances == [instance.id for instance in script.market.instances_at(script.cos[0].address)]


def test_what_is_over_is_not_asked_for(script: Script) -> None:
    couple = script.couple
    couple.phase = CouplePhase.COMPLETED
    asked = {view.function for _, view, _ in views_of(script.mo.address, script.market, script.now)}
    assert asked == {"roleOf", "balanceOf"}


def test_a_stranger_has_no_role_and_no_coins() -> None:
    expected = list(views_of(identity("somebody").address, Market(), 0))
    assert [(view.function, answer) for _, view, answer in expected] == [
        ("roleOf", Role.NONE),
        ("balanceOf", 0),
    ]


def test_is_compared_once_a_block_and_every_ten_minutes(script: Script) -> None:
    times = [0.0]
    found, contract = check(script, script.mo.address, times)
    assert found.is_due()
    market = Market(script.chain.history)
    for _ in range(3):
        assert found.holds(market, block(script))
    once = len(contract.asked)
    assert found.holds(market, replace(block(script), hash=bytes(32)))
    assert len(contract.asked) == 2 * once
    times[0] = SECONDS - 1
    assert not found.is_due()
    times[0] = SECONDS
    assert found.is_due()
