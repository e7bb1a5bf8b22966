"""Whole stories of training in plain text under masks: replicas agree, the audit is content, sums are exact.

Rules: E7, E8, E20, E27, A42.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import pytest

from agents.audit.replay import audit
from agents.core.enums import CouplePhase
from agents.core.hashing import set_bits
from agents.core.ids import subset_of
from agents.demo.cheats import LazyWorker
from agents.learning.data.canonical import digest, pack, unpack
from agents.learning.data.subset import Subset
from agents.learning.families.registry import family_of
from agents.learning.integers.update import Update
from agents.learning.plans.base import Plan
from agents.roles.cloud_owner import CloudOwner
from agents.roles.results import PublishedWeights
from agents.roles.tasks.cloud_owner import TrainModel
from agents.roles.tasks.model_owner import weights_key
from agents.workers.cloud_owner import CloudOwnerWorker, _Work
from testing.families import initial_state
from testing.world import CloudPart, World, single_results

EVERYTHING = (0, 1, 2, 3)


def plan_of(sums: Literal["dataset", "round"], rounds: int = 4) -> Plan:
    return single_results("wine", rounds).model_copy(update={"sums": sums})


def learnt(world: World, plan: Plan, sums: Sequence[Sequence[int]]) -> bytes:
    """The digest of the model that these sums come to, from a cloud owner's own files."""
    owner, family, state = world.cloud_owners[0], family_of(plan), initial_state(plan)
    subsets = {
        subset_of(instance.id): Subset.from_bytes((owner.folder / f"subsets/{instance.id:x}").read_bytes())
        for instance in world.market.instances_at(owner.address)
    }
    for chosen in sums:
        parts = [family.local_update(state.weights, subsets[index].samples) for index in chosen]
        state = family.aggregate(state, Update.total(parts))
    return state.weights.digest()


def summed(world: World) -> list[int]:
    """Over how many subsets the sum was after each round; 0 if there was none."""
    made = [world.model_owner.journal[weights_key(world.couple.id, n)] for n in range(world.couple.round + 1)]
    return [one.summed for one in made if isinstance(one, PublishedWeights)]


def test_the_model_owner_learns_from_sums_over_the_dataset(tmp_path: Path) -> None:
    plan = plan_of("dataset")
    world = World(tmp_path, plan=plan)
    world.play()
    assert world.couple.phase is CouplePhase.COMPLETED
    assert summed(world) == [0, 0, 4, 0, 4]
    assert world.ends_with(learnt(world, plan, [EVERYTHING, EVERYTHING]))
    told = audit(world.chain.history, world.chain.domain)
    assert told.ok
    assert all(told.statements[co.address].accepted == 8 for co in world.cloud_owners)


def test_the_model_owner_learns_from_sums_over_rounds(tmp_path: Path) -> None:
    plan = plan_of("round", 3)
    world = World(tmp_path, plan=plan)
    world.play()
    drawn = [set_bits(record.drawn) for record in world.couple.rounds.values()]
    assert summed(world) == [0, 2, 2, 2]
    assert world.ends_with(learnt(world, plan, drawn))


def test_a_lazy_replica_is_faulty_and_changes_nothing(tmp_path: Path) -> None:
    plan = plan_of("dataset")
    world = World(tmp_path, plan=plan, cheats={2: (CloudOwner, LazyWorker)})
    world.play()
    lazy = audit(world.chain.history, world.chain.domain).statements[world.cloud_owners[2].address]
    assert (lazy.accepted, lazy.faulty) == (0, 4)
    assert world.ends_with(learnt(world, plan, [EVERYTHING, EVERYTHING]))


@pytest.mark.parametrize("secrecy", ["dataset", "round"])
def test_a_data_owner_that_asks_for_secrecy_declines_sums_that_can_be_crafted(
    tmp_path: Path,
    secrecy: Literal["dataset", "round"],
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An honest model owner's agent does not even ask."""
    monkeypatch.setattr("agents.workers.model_owner.objection", lambda *_: "")
    world = World(tmp_path, plan=plan_of("dataset"), secrecy=secrecy)
    world.play()
    assert world.couple.phase is CouplePhase.DECLINED
    assert "which only level none allows: its updates are not linear in the weights" in caplog.text


@dataclass(frozen=True)
class SpoilsTheFirstSum(CloudOwnerWorker):
    """Makes a number of its first results up: with a majority of its kind it is settled."""

    def _work(self, task: TrainModel, plan: Plan) -> _Work:
        work = super()._work(task, plan)
        if task.round > 2 or subset_of(task.ci):
            return work
        tensors, facts = unpack(work.result, "a result")
        spoilt = tensors["numbers"].copy()
        spoilt[0] += 2**60
        return replace(work, result=pack({"numbers": spoilt}, dict(facts)))  # type: ignore[arg-type]


def test_a_false_result_does_not_stay_in_the_sums_of_weights_that_are_published_again(tmp_path: Path) -> None:
    """The same weights have the same label: of each subset the latest result counts."""
    plan, cheat = plan_of("dataset"), (CloudOwner, SpoilsTheFirstSum)
    cheats: dict[int, CloudPart] = {1: cheat, 2: cheat}
    world = World(tmp_path, plan=plan, cheats=cheats, spare_rounds=4)
    world.play()
    rounds = list(world.couple.rounds.values())
    again = next(record.number for record in rounds[2:] if record.drawn & 1)
    assert summed(world)[:3] == [0, 0, 0]
    assert summed(world)[again] == 4
    assert len({record.model_hash for record in rounds[:again]}) == 1
    honest = learnt(world, plan, [EVERYTHING])
    weights = world.model_owner.folder / f"states/{world.couple.id:x}/{again}.weights"
    assert digest(weights.read_bytes()) == honest
