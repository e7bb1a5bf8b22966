"""Where each member stands, and who keeps whom waiting, at every step of a couple."""

from __future__ import annotations

import pytest

from agents.core.enums import CouplePhase
from agents.core.ids import Address, subset_of
from agents.readmodel.status import AssetNames, MemberStatus, Unanswered, status_of
from testing.script import Script


def standing(script: Script, member: Address, names: AssetNames | None = None) -> MemberStatus:
    return status_of(script.market, member, script.now, names or AssetNames())


def silent(script: Script) -> list[Unanswered]:
    """Who has not answered, as the model owner sees it."""
    return list(standing(script, script.mo.address).unanswered)


STEPS: list[tuple[CouplePhase, str]] = [
    (CouplePhase.REQUESTED, "approve or decline"),
    (CouplePhase.DRAWING, "open its seed"),
]


@pytest.mark.parametrize(("phase", "what"), STEPS)
def test_the_data_owner_is_waited_for(phase: CouplePhase, what: str) -> None:
    script = Script().bring_to(phase)
    (late,) = silent(script)
    assert (late.who, late.what) == (script.do.address, what)
    assert late.since <= script.now <= late.deadline == script.couple.deadline
    (line,) = (one for one in standing(script, script.do.address).assets if one.kind == "couple")
    assert line.awaits == f"1 to {what}"


def test_who_was_drawn_and_has_not_reported_is_told_one_by_one() -> None:
    script = Script().bring_to(CouplePhase.TRAINING)
    drawn = [ci for subset in script.drawn for ci in script.cis(subset)]
    late = silent(script)
    assert {one.who for one in late} == {script.owner(ci).address for ci in drawn}
    assert len(late) == len(drawn)
    assert {one.what for one in late} == {f"report on subset {subset_of(ci)}" for ci in drawn}
    assert {one.since for one in late} == {script.now}


def test_replicas_are_waited_for() -> None:
    script = Script()
    script.register()
    script.offer()
    script.name(script.cos[0], subsets=[0])
    (ci,) = script.cis()
    (named,) = standing(script, script.do.address).unanswered
    assert (named.who, named.what) == (script.cos[0].address, "join or refuse")
    script.join(ci)
    (joined,) = standing(script, script.cos[0].address).unanswered
    assert (joined.who, joined.what) == (script.do.address, "verify")
    script.verify(ci)
    assert not standing(script, script.do.address).unanswered
    (line,) = (one for one in standing(script, script.cos[0].address).assets)
    assert (line.kind, line.state, line.awaits) == ("replica", "verified", "")
    assert line.locked == script.instance(ci).bond > 0


def test_a_name_is_told_with_the_id_that_it_stands_for() -> None:
    script = Script().bring_to(CouplePhase.REQUESTED)
    ds = script.dataset.id
    lines = standing(script, script.do.address, AssetNames({ds: "fair"})).assets
    (dataset,) = (one for one in lines if one.kind == "dataset")
    assert dataset.name.startswith("fair (")


def test_who_has_no_part_sees_nothing() -> None:
    script = Script().bring_to(CouplePhase.TRAINING)
    nobody = standing(script, Address("0x" + "11" * 20))
    assert (nobody.assets, nobody.unanswered, nobody.free, nobody.over) == ((), (), 0, ())
