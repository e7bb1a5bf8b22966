"""Replicas that are lost are named anew: who, when, how often, and who not.

Rules: A107.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from agents.core import calls
from agents.core.enums import CouplePhase as Phase
from agents.core.enums import JobStatus
from agents.core.ids import Address
from agents.roles.acts import Send
from agents.roles.data_owner import DataOwner
from agents.roles.healing import DAY, HealingRules, Ward, bare_since
from agents.roles.portfolio import OfferedDataset
from agents.roles.results import PackedReplica, RefusedKey, SplitDataset, TaskResult
from agents.roles.tasks.data_owner import PackReplica, SplitData
from testing.policies import LETS_TRAIN
from testing.script import LOCATION, METADATA, Script, data_digest

KEPT = 2
"""Replicas that a subset should have; a third place is spare."""


def with_three() -> Script:
    """Three cloud owners, of whom the first two hold the subset."""
    script = Script(replicas=3, subsets=1)
    script.register()
    script.offer()
    return script


def name(script: Script, *numbers: int) -> None:
    owners = [script.cos[number].address for number in numbers]
    script.send(script.do, calls.create_ci(script.ds, [0] * len(owners), owners, [LOCATION] * len(owners)))


def settled(script: Script) -> Script:
    """Two good replicas."""
    name(script, 0, 1)
    for ci in script.cis():
        script.join(ci)
        script.verify(ci)
    return script


def owners(script: Script) -> tuple[Address, ...]:
    return tuple(co.address for co in script.cos)


def ward(script: Script, rules: HealingRules | None = None) -> Ward:
    found = rules or HealingRules(KEPT)
    return Ward(script.market, script.dataset, found, (owners(script),), script.now)


def test_a_subset_that_has_all_its_replicas_is_left_alone() -> None:
    script = settled(with_three())
    assert ward(script).lacks(0) == 0
    assert ward(script).next_owners(0) == []
    assert list(ward(script).overdue(0)) == []


def test_one_that_may_still_join_is_waited_for_and_then_let_go_of() -> None:
    script = with_three()
    name(script, 0, 1)
    script.join(script.cis()[0])
    script.verify(script.cis()[0])
    assert ward(script).next_owners(0) == []
    late = script.cis()[1]
    script.now += script.terms.answer_window_seconds + 1
    assert ward(script).lacks(0) == 1
    assert list(ward(script).overdue(0)) == [late]
    assert ward(script).next_owners(0) == [owners(script)[2]]


@pytest.mark.parametrize("how", ["refused", "rejected", "retiring"])
def test_one_that_is_lost_is_replaced_by_the_next_of_the_list(how: str) -> None:
    script = with_three()
    name(script, 0, 1)
    first, second = script.cis()
    script.join(second)
    script.verify(second)
    if how == "refused":
        script.send(script.cos[0], calls.refuse_ci(first))
    else:
        script.join(first)
        script.send(script.do, calls.verify_ci([first], [how == "retiring"]))
    if how == "retiring":
        script.send(script.cos[0], calls.retire_ci(first))
    assert ward(script).next_owners(0) == [owners(script)[2]]


def test_who_left_is_asked_again_when_it_has_cooled_down() -> None:
    script = with_three()
    name(script, 0)
    script.send(script.cos[0], calls.refuse_ci(script.cis()[0]))
    rules = HealingRules(1, cooldown=100)
    assert ward(script, rules).next_owners(0) == [owners(script)[1]]
    script.now += 101
    assert ward(script, rules).next_owners(0) == [owners(script)[0]]


def test_a_day_has_its_limit() -> None:
    script = with_three()
    name(script, 0)
    script.send(script.cos[0], calls.refuse_ci(script.cis()[0]))
    name(script, 1)
    script.send(script.cos[1], calls.refuse_ci(script.cis()[0]))
    assert ward(script, HealingRules(1, a_day=2)).next_owners(0) == [owners(script)[2]]
    assert ward(script, HealingRules(1, a_day=1)).next_owners(0) == []
    script.now += DAY + 1
    assert ward(script, HealingRules(1, a_day=1)).next_owners(0) == [owners(script)[2]]
    assert ward(script, HealingRules(1, a_day=0)).next_owners(0) == []


def test_nobody_is_named_without_a_place() -> None:
    script = settled(with_three())
    script.send(script.cos[0], calls.retire_ci(script.cis()[0]))
    name(script, 2)
    script.now += script.terms.answer_window_seconds + 1
    assert ward(script).lacks(0) == 1
    assert ward(script).next_owners(0) == [], "who leaves holds its place"


def test_the_last_numbers_are_for_a_lost_majority() -> None:
    script = settled(with_three())
    script.dataset.subsets[0].named = 255 - 32
    lost = script.cis()[0]
    script.send(script.cos[0], calls.retire_ci(lost))
    three = HealingRules(3)
    assert ward(script, HealingRules(1)).next_owners(0) == []
    assert ward(script, replace(three, replicas=2)).next_owners(0) == [owners(script)[2]]
    script.dataset.subsets[0].named = 255
    assert ward(script).next_owners(0) == []


def test_who_lied_about_the_dataset_is_never_asked_again() -> None:
    script = Script(replicas=3, subsets=1, rounds=2).bring_to(Phase.APPROVED)
    script.play_round("AAF")
    script.settle_all()
    verdicts = script.couple.current.verdicts.items()
    lied = [script.owner(ci).address for ci, (verdict, _) in verdicts if verdict is JobStatus.FAULTY]
    assert lied == [owners(script)[2]]
    found = ward(script, HealingRules(3, cooldown=1))
    assert not found._is_able(0, lied[0], 0)


def test_who_is_no_cloud_owner_or_unusable_is_passed_over() -> None:
    script = with_three()
    name(script, 0)
    script.send(script.cos[0], calls.refuse_ci(script.cis()[0]))
    first, second, third = owners(script)
    order = ((script.mo.address, first, second, third),)
    found = Ward(script.market, script.dataset, HealingRules(1), order, script.now, frozenset({second}))
    assert found.next_owners(0) == [third]


def test_since_when_a_subset_has_nobody() -> None:
    script = settled(with_three())
    assert bare_since(script.market, script.dataset) is None
    for number, ci in enumerate(script.cis()):
        script.now += 10
        script.send(script.cos[number], calls.retire_ci(ci))
    assert bare_since(script.market, script.dataset) == script.now


# --- the data owner ---


def healer(script: Script) -> DataOwner:
    dealt = (owners(script)[:2],)
    offered = OfferedDataset("fair", dealt, 1, replicas=2, spares=(owners(script),))
    return DataOwner(script.do, (offered,), LETS_TRAIN)


def results(script: Script, **refused: int) -> dict[str, TaskResult]:
    found: dict[str, TaskResult] = {
        SplitData(script.ds).key: SplitDataset(
            terms=script.terms, metadata_hash=METADATA, metadata_location=LOCATION, digests=(data_digest(0),)
        )
    }
    for number, co in enumerate(script.cos):
        task = PackReplica(script.ds, 0, co.address, co.encryption_key)
        bad = number in refused.values()
        found[task.key] = RefusedKey(problem="x") if bad else PackedReplica(sealed_location=LOCATION)
    return found


def calls_of(script: Script, done: dict[str, TaskResult]) -> list[calls.Call]:
    return [act.call for act in script.decide(healer(script), done) if isinstance(act, Send)]


def test_a_data_owner_names_the_next_when_one_is_lost() -> None:
    script = settled(with_three())
    assert calls_of(script, results(script)) == []
    script.send(script.cos[0], calls.retire_ci(script.cis()[0]))
    third = calls.create_ci(script.ds, [0], [owners(script)[2]], [LOCATION])
    assert calls_of(script, results(script)) == [third]
    script.send(script.do, third)
    assert calls_of(script, results(script)) == []


def test_a_data_owner_lets_go_of_who_never_came() -> None:
    script = with_three()
    name(script, 0, 1)
    script.join(script.cis()[0])
    script.verify(script.cis()[0])
    script.now += script.terms.answer_window_seconds + 1
    release, create = calls_of(script, results(script))
    assert release == calls.release_ci(script.cis()[1])
    assert create.function == "createCI"


def test_a_key_that_is_none_does_not_keep_the_next_waiting() -> None:
    script = with_three()
    name(script, 0)
    script.join(script.cis()[0])
    script.verify(script.cis()[0])
    (create,) = calls_of(script, results(script, bad=1))
    assert create == calls.create_ci(script.ds, [0], [owners(script)[2]], [LOCATION])
