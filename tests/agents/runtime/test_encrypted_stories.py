"""Whole stories of training on encrypted weights: void subsets, cheats, crashes; with a family that is quick.

Rules: A7, A42, E1, E7, E8, E13, E15, E28, R11.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cache, partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

import numpy as np
import pytest

from agents.audit.replay import audit
from agents.core.enums import CouplePhase as Phase
from agents.core.enums import FlagReason, InstanceStatus
from agents.core.hashing import set_bits
from agents.core.ids import subset_of
from agents.demo.cheats import LazyWorker, SilentCloudOwner, TrainingReceiptCopier
from agents.learning.data.canonical import pack, unpack
from agents.learning.data.subset import Subset
from agents.learning.families.encrypted_linear import EncryptedLogisticPlan
from agents.learning.integers.aggregate import strategy_of
from agents.learning.integers.update import Update
from agents.learning.plans.base import Plan
from agents.roles.cloud_owner import CloudOwner
from agents.roles.results import Flagged, PublishedWeights, TrainingResult
from agents.roles.tasks.cloud_owner import TrainModel
from agents.roles.tasks.model_owner import weights_key
from agents.workers.cloud_owner import CloudOwnerWorker, _Work
from testing.fake_family import FakeFamily
from testing.families import initial_state
from testing.workers import an_encrypted_plan
from testing.world import CloudPart, World

pytestmark = pytest.mark.usefixtures("fake_family")

Sums = Literal["dataset", "round"]


def a_plan(rounds: int = 4, sums: Sums = "dataset") -> EncryptedLogisticPlan:
    """For the data of a world."""
    return an_encrypted_plan(rounds, sums, features=13, classes=3)


def a_world(folder: Path, plan: EncryptedLogisticPlan | None = None, **changes: object) -> World:
    return World(folder, plan=plan or a_plan(), secrecy="round", **changes)  # type: ignore[arg-type]


def subsets_of(world: World) -> dict[int, Subset]:
    """All subsets, from an honest cloud owner's own files."""
    owner = world.cloud_owners[0]
    return {
        subset_of(instance.id): Subset.from_bytes((owner.folder / f"subsets/{instance.id:x}").read_bytes())
        for instance in world.market.instances_at(owner.address)
    }


def learnt(world: World, plan: EncryptedLogisticPlan, *sums: tuple[int, ...]) -> bytes:
    """The digest of the model that these sums come to in the clear."""
    family, subsets, state = FakeFamily(plan), subsets_of(world), initial_state(plan)
    for chosen in sums:
        parts = [family.local_update(state.weights, subsets[index].samples) for index in chosen]
        change = {name: np.sum([part.change[name] for part in parts], axis=0) for name in parts[0].change}
        update = Update(change, sum(part.samples for part in parts))
        state = strategy_of(plan).aggregate(state, update)
    return state.weights.digest()


EVERYTHING = (0, 1, 2, 3)


def told(world: World, round_: int) -> PublishedWeights:
    """What the model owner made of a round."""
    result = world.model_owner.journal[weights_key(world.couple.id, round_)]
    assert isinstance(result, PublishedWeights)
    return result


# --- as it should be ---


def test_a_dataset_becomes_a_model_that_nobody_else_has_seen(tmp_path: Path) -> None:
    world = a_world(tmp_path)
    world.play()
    assert (world.couple.phase, world.couple.round) == (Phase.COMPLETED, 4)
    assert world.ends_with(learnt(world, a_plan(), EVERYTHING, EVERYTHING))
    hashes = [record.model_hash for record in world.couple.rounds.values()]
    assert hashes[0] == hashes[1] != hashes[2] == hashes[3]
    assert [told(world, round_).summed for round_ in range(5)] == [0, 0, 4, 0, 4]
    result = audit(world.chain.history, world.chain.domain)
    assert result.findings == []
    assert all(result.statements[co.address].accepted == 8 for co in world.cloud_owners)


def test_sums_over_a_round_move_the_model_each_round(tmp_path: Path) -> None:
    plan = a_plan(3, "round")
    world = a_world(tmp_path, plan)
    world.play()
    drawn = [set_bits(record.drawn) for record in world.couple.rounds.values()]
    assert len(drawn) == 3
    assert world.ends_with(learnt(world, plan, *drawn))


TOO_OPEN = [("dataset", "round"), ("dataset", None), ("round", None)]


@pytest.mark.parametrize(("secrecy", "sums"), TOO_OPEN)
def test_a_model_owner_learns_before_it_pays_that_a_level_does_not_allow_its_plan(
    tmp_path: Path, secrecy: Literal["dataset", "round"], sums: Sums | None, caplog: pytest.LogCaptureFixture
) -> None:
    world = World(tmp_path, plan=a_plan(4, sums) if sums else None, secrecy=secrecy)
    world.settle_down()
    lines = [message for message in caplog.messages if "the plan shows the model owner" in message]
    assert lines
    assert all(f"are allowed at level {secrecy}: choose another dataset" in line for line in lines)
    assert not world.market.couples


@pytest.mark.parametrize(("secrecy", "sums"), TOO_OPEN)
def test_a_data_owner_declines_a_plan_that_shows_more_than_it_allows(
    tmp_path: Path,
    secrecy: Literal["dataset", "round"],
    sums: Sums | None,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The model owner asks all the same."""
    monkeypatch.setattr("agents.workers.model_owner.objection", lambda *_: "")
    world = World(tmp_path, plan=a_plan(4, sums) if sums else None, secrecy=secrecy)
    world.play()
    assert world.couple.phase is Phase.DECLINED
    lines = [record.getMessage() for record in caplog.records if "the plan shows" in record.getMessage()]
    assert len(lines) == 1


# --- void subsets ---


@dataclass(frozen=True)
class FlagsOnce(CloudOwnerWorker):
    """Cannot do its first job."""

    flagged: list[str] = field(default_factory=list)

    def _train(self, task: TrainModel) -> TrainingResult | Flagged:
        if self.flagged:
            return super()._train(task)
        self.flagged.append(task.key)
        return Flagged(flag=FlagReason.WEIGHTS_UNAVAILABLE, why="the network is down")


def test_a_void_subset_adds_its_part_when_it_is_drawn_again(tmp_path: Path) -> None:
    world = a_world(tmp_path, cloud_owners=1, cheats={0: (CloudOwner, FlagsOnce)}, spare_rounds=4)
    world.play()
    rounds = list(world.couple.rounds.values())
    assert [len(record.voided) for record in rounds[:2]] == [1, 0]
    (void,) = rounds[0].voided
    again = next(record for record in rounds[2:] if record.drawn >> void & 1)
    before = [record for record in rounds if record.number <= again.number]
    assert len({record.model_hash for record in before}) == 1, "the same weights until it has answered"
    assert told(world, again.number).summed == 4
    assert world.couple.phase is Phase.COMPLETED
    whole = sum(bool(told(world, record.number).summed) for record in rounds)
    assert world.ends_with(learnt(world, a_plan(), *[EVERYTHING] * whole))


def test_a_round_with_a_void_subset_sums_to_nothing(tmp_path: Path) -> None:
    plan = a_plan(3, "round")
    world = a_world(tmp_path, plan, cloud_owners=1, cheats={0: (CloudOwner, FlagsOnce)})
    world.play()
    rounds = list(world.couple.rounds.values())
    assert len(rounds[0].voided) == 1
    assert rounds[0].model_hash == rounds[1].model_hash
    drawn = [set_bits(record.drawn) for record in rounds[1:]]
    assert world.ends_with(learnt(world, plan, *drawn))


# --- cheats ---


@pytest.mark.parametrize(
    "part", [(CloudOwner, LazyWorker), (TrainingReceiptCopier, CloudOwnerWorker)], ids=["lazy", "copier"]
)
def test_a_dishonest_minority_is_faulty_and_changes_nothing(tmp_path: Path, part: CloudPart) -> None:
    world = a_world(tmp_path, cheats={2: part})
    world.play()
    result = audit(world.chain.history, world.chain.domain)
    own = result.statements[world.cloud_owners[2].address]
    assert (own.accepted, own.faulty) == (0, 4)
    assert {i.status for i in world.market.instances_at(world.cloud_owners[2].address)} == {
        InstanceStatus.RETIRING
    }
    assert world.ends_with(learnt(world, a_plan(), EVERYTHING, EVERYTHING))


def test_a_lying_majority_spoils_a_sum_and_no_more(tmp_path: Path) -> None:
    """Two make the same rows up: their result is settled, and weighs in the sum as any other would."""
    lazy: CloudPart = (CloudOwner, LazyWorker)
    world = a_world(tmp_path, cheats={1: lazy, 2: lazy})
    world.play()
    assert world.couple.phase is Phase.COMPLETED
    assert not world.ends_with(learnt(world, a_plan(), EVERYTHING, EVERYTHING))


@dataclass(frozen=True)
class SpoilsTheLastSum(CloudOwnerWorker):
    """Adds something to its results of the last two rounds: with a majority of its kind it is settled.

    Attributes:
        added: to one number of the result.
    """

    added: int = 0

    def _work(self, task: TrainModel, plan: Plan) -> _Work:
        work = super()._work(task, plan)
        if task.round < 3 or subset_of(task.ci):
            return work
        tensors, facts = unpack(work.result, "a result")
        tensors["output"][0, 0] += self.added
        return replace(work, result=pack(tensors, {"kind": "fake result", "label": str(facts["label"])}))


def as_cloud_owners_see_it(world: World) -> list[tuple[str, int]]:
    """All events but those that carry what is random or sealed: of which kind, and when."""
    return [(type(logged.event).__name__, logged.timestamp) for logged in world.chain.history]


def test_a_refused_last_sum_ends_a_couple_as_an_accepted_one_does(tmp_path: Path) -> None:
    """COs with a majority of a subset add a little, or so much that the sum is refused: they see the same."""
    stories = []
    for name, added in (("honest", 0), ("accepted", 2**35), ("refused", 2**55)):
        cheat: CloudPart = (CloudOwner, partial(SpoilsTheLastSum, added=added))
        stories.append(a_world(tmp_path / name, cheats={1: cheat, 2: cheat}, spare_rounds=3))
        stories[-1].play()
    assert [[told(world, round_).summed for round_ in (2, 4)] for world in stories] == [
        [4, 4],
        [4, 4],
        [4, 0],
    ]
    assert as_cloud_owners_see_it(stories[1]) == as_cloud_owners_see_it(stories[2])
    honest, accepted, refused = (world.outcome() for world in stories)
    assert len({story["model"] for story in (honest, accepted, refused)}) == 3
    assert accepted["coins"] == refused["coins"]
    assert [world.couple.round for world in stories] == [4, 4, 4]


def test_the_silent_cost_the_others_nothing(tmp_path: Path) -> None:
    world = a_world(tmp_path, cheats={0: (SilentCloudOwner, CloudOwnerWorker)})
    world.play()
    assert world.couple.phase is Phase.COMPLETED
    assert world.ends_with(learnt(world, a_plan(), EVERYTHING, EVERYTHING))


# --- crashes ---


def small_world(folder: Path, rounds: int) -> World:
    """One cloud owner: nobody can stand in for it."""
    return a_world(folder, a_plan(rounds), cloud_owners=1)


def outcome(world: World) -> dict[str, object]:
    """Digests differ from run to run: weights are encrypted afresh."""
    return {name: value for name, value in world.outcome().items() if name != "digests"}


@cache
def undisturbed(rounds: int) -> dict[str, object]:
    with TemporaryDirectory() as folder:
        world = small_world(Path(folder), rounds)
        world.play()
        return outcome(world)


def test_agents_that_die_at_every_step_come_through_two_sums(tmp_path: Path) -> None:
    world = small_world(tmp_path, rounds=4)
    for agent in world.agents:
        agent.dies_everywhere = True
    world.play()
    assert all(agent.lives > 10 for agent in world.agents)
    assert outcome(world) == undisturbed(4)
    assert audit(world.chain.history, world.chain.domain).ok


@pytest.mark.parametrize("moment", ["first sum", "second sum"])
def test_a_chain_that_takes_blocks_back_changes_no_story(tmp_path: Path, moment: str) -> None:
    world = small_world(tmp_path, rounds=4)
    reached: dict[str, Callable[[], bool]] = {
        "first sum": lambda: bool(world.market.couples) and world.couple.round == 2,
        "second sum": lambda: bool(world.market.couples) and world.couple.round == 4,
    }
    world.step_until(reached[moment])
    world.chain.take_back(3)
    world.play()
    assert outcome(world) == undisturbed(4)
    assert audit(world.chain.history, world.chain.domain).ok
