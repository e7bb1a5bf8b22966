"""Whole stories of honest agents, cheats and those that vanish, with real data, models and keys.

Rules: L6, T20, T29, S7, S8, R9, A22, A24, A27, A35, A37, A42.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from agents.audit.replay import audit
from agents.core.enums import CouplePhase as Phase
from agents.core.enums import InstanceStatus, JobStatus, Role
from agents.core.events import CoupleApproved, CoupleRequested
from agents.core.ids import Address
from agents.demo.cheats import DataReceiptCopier, LazyWorker, SilentCloudOwner, TrainingReceiptCopier
from agents.learning.data.prepare import partition
from agents.learning.data.subset import Subset
from agents.learning.data.tables import load_table
from agents.learning.evaluate import score
from agents.learning.families.registry import family_of, parse_plan
from agents.learning.integers.aggregate import ServerState
from agents.learning.integers.update import Update
from agents.learning.plans.base import Plan
from agents.readmodel.statements import Statement
from agents.roles.cloud_owner import CloudOwner
from agents.vault.store import ObjectId
from agents.workers.cloud_owner import CloudOwnerWorker
from testing.families import initial_state, train
from testing.policies import LETS_TRAIN
from testing.world import WORLD_TERMS, Agent, World


def audited(world: World) -> dict[Address, Statement]:
    """The auditor finds nothing, and no coin is made or lost; what it says of each member."""
    result = audit(world.chain.history, world.chain.domain)
    assert result.findings == []
    paid_in = sum(own.paid_in - own.taken_out for own in result.statements.values())
    assert world.market.total() == result.market.total() == paid_in
    return result.statements


def statuses(world: World, agent: Agent) -> set[InstanceStatus]:
    """Where an agent's instances stand."""
    return {instance.status for instance in world.market.instances_at(agent.address)}


# --- as it should be ---


def test_a_dataset_becomes_a_model(tmp_path: Path) -> None:
    world = World(tmp_path, rounds=4)
    world.play()
    assert (world.couple.phase, world.couple.round) == (Phase.COMPLETED, 4)
    statements = audited(world)
    for cloud_owner in world.cloud_owners:
        own = statements[cloud_owner.address]
        assert (own.accepted, own.faulty, own.missed, own.flagged) == (8, 0, 0, 0)
    assert statements[world.data_owner.address].earned == 4 * WORLD_TERMS.round_price
    assert world.couple.escrow == 0


def test_the_model_is_what_its_rounds_make_of_the_data(tmp_path: Path) -> None:
    world = World(tmp_path, rounds=3)
    world.play()
    plan, state = replayed(world)
    assert world.ends_with(state.weights.digest())
    test = partition(load_table("wine"), 0).test
    assert score(plan, state.weights, test) > 0.8


def replayed(world: World) -> tuple[Plan, ServerState]:
    """Trains and aggregates anew what each round drew, from a cloud owner's own files."""
    plan = parse_plan((world.folder / "model owner" / "plan.json").read_bytes())
    state = initial_state(plan)
    mine = {
        instance.id >> 16 & 0xFFFF: Subset.from_bytes(
            (world.folder / "cloud owner 0" / f"subsets/{instance.id:x}").read_bytes()
        )
        for instance in world.market.instances_at(world.cloud_owners[0].address)
    }
    for record in world.couple.rounds.values():
        results = {
            subset: train(plan, state.weights, mine[subset]) for subset in mine if record.drawn >> subset & 1
        }
        assert {subset: result.digest() for subset, result in results.items()} == record.digests
        state = family_of(plan).aggregate(state, Update.of(state.weights, list(results.values())))
    return plan, state


def test_nothing_is_due_once_the_story_is_over(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.play()
    blocks = world.chain.height
    world.chain.now += 3_600
    world.settle_down()
    assert world.chain.height == blocks


def test_all_coins_come_home_when_the_offer_ends(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.play()
    world.chain.now += WORLD_TERMS.ends_at + 1
    world.settle_down()
    assert sum(world.market.balances.values()) == world.market.total()
    assert all(statuses(world, co) == {InstanceStatus.RETIRED} for co in world.cloud_owners)
    audited(world)


# --- cheats ---


def test_a_copied_data_receipt_earns_nothing(tmp_path: Path) -> None:
    world = World(tmp_path, cheats={1: (DataReceiptCopier, CloudOwnerWorker)})
    world.play()
    cheat = world.cloud_owners[1]
    assert statuses(world, cheat) == {InstanceStatus.REJECTED}
    own = audited(world)[cheat.address]
    assert (own.rejected, own.accepted, own.earned, own.forfeited) == (4, 0, 0, 0)
    assert world.couple.phase is Phase.COMPLETED
    assert all(record.jobs == 4 for record in world.couple.rounds.values())


@pytest.mark.parametrize(
    "part", [(CloudOwner, LazyWorker), (TrainingReceiptCopier, CloudOwnerWorker)], ids=["lazy", "copier"]
)
def test_who_did_not_train_pays_for_it(
    tmp_path: Path, part: tuple[type[CloudOwner], type[CloudOwnerWorker]]
) -> None:
    world = World(tmp_path, cheats={2: part})
    world.play()
    cheat = world.cloud_owners[2]
    statements = audited(world)
    own = statements[cheat.address]
    assert own.accepted == 0
    assert own.faulty == 4  # each of its replicas was drawn once in two rounds
    assert own.forfeited == 4 * WORLD_TERMS.instance_bond
    assert statuses(world, cheat) == {InstanceStatus.RETIRING}
    honest = statements[world.cloud_owners[0].address]
    assert honest.earned == 4 * (100 + 100)  # its job's price and half of what the bond leaves
    _, state = replayed(world)
    assert world.ends_with(state.weights.digest())


def test_silence_costs_a_penalty_each_time(tmp_path: Path) -> None:
    world = World(tmp_path, cheats={0: (SilentCloudOwner, CloudOwnerWorker)})
    world.play()
    own = audited(world)[world.cloud_owners[0].address]
    assert (own.missed, own.forfeited, own.earned) == (4, 160, 0)
    assert world.couple.phase is Phase.COMPLETED


def test_two_lazy_replicas_of_three_win_nothing(tmp_path: Path) -> None:
    """Each makes up another model: there is no quorum, and the subset is void."""
    lazy = (CloudOwner, LazyWorker)
    world = World(tmp_path, cheats={0: lazy, 1: (SilentCloudOwner, CloudOwnerWorker)}, rounds=1)
    world.play()
    audited(world)
    assert all(not record.digests for record in world.couple.rounds.values())
    assert all(
        verdict is JobStatus.MISSED
        for record in world.couple.rounds.values()
        for verdict, _ in record.verdicts.values()
    )


# --- those that vanish ---


def test_cloud_owners_are_paid_though_the_model_owner_vanished(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.step_until(lambda: _in(world, Phase.TRAINING))
    world.gone.append(world.model_owner)
    world.play(until=lambda: world.couple.current.closed)
    statements = audited(world)
    for cloud_owner in world.cloud_owners:
        assert statements[cloud_owner.address].earned == 200
    assert sum(statements[co.address].settled for co in world.cloud_owners) == 2
    assert world.chain.now > world.couple.deadline
    world.chain.now = world.couple.window_ends_at + 1
    world.settle_down()
    assert world.couple.phase is Phase.COMPLETED  # the data owner has its bond back
    assert world.market.balances[world.model_owner.address] > 0


def test_the_data_owner_clears_up_after_everybody_vanished(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.step_until(lambda: _in(world, Phase.TRAINING))
    world.gone += [world.model_owner, *world.cloud_owners]
    world.play(until=lambda: world.is_over, most=3_000)
    assert world.couple.phase is Phase.COMPLETED
    assert world.couple.current.voided
    audited(world)


def test_a_data_owner_that_vanishes_before_it_answers(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.step_until(lambda: bool(world.market.models))
    world.gone.append(world.data_owner)
    world.play()
    assert world.couple.phase is Phase.CANCELLED
    statements = audited(world)
    own = statements[world.model_owner.address]
    assert world.market.balances[world.model_owner.address] == own.paid_in


def test_a_data_owner_that_withholds_its_seed(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.step_until(lambda: _in(world, Phase.APPROVED, Phase.DRAWING))
    world.gone.append(world.data_owner)
    world.play()
    assert world.couple.phase is Phase.ABORTED
    assert audited(world)[world.data_owner.address].forfeited == WORLD_TERMS.couple_bond


def test_a_cloud_owner_that_vanishes_before_it_joins_does_not_hold_up_the_others(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.step_until(lambda: len(world.market.members_of(Role.CLOUD_OWNER)) == 3)
    world.gone.append(world.cloud_owners[1])
    world.play()
    assert world.couple.phase is Phase.COMPLETED
    assert statuses(world, world.cloud_owners[1]) == {InstanceStatus.FREE}
    assert world.couple.rounds[1].jobs == 4
    requested, approved = (
        next(logged.timestamp for logged in world.chain.history if isinstance(logged.event, kind))
        for kind in (CoupleRequested, CoupleApproved)
    )
    assert 2 * (approved - requested) > WORLD_TERMS.answer_window_seconds
    audited(world)


def _in(world: World, *phases: Phase) -> bool:
    """Whether the couple is in one of these phases."""
    return any(couple.phase in phases for couple in world.market.couples.values())


# --- what the store loses ---


def test_weights_that_cannot_be_fetched_void_the_round_at_no_cost(tmp_path: Path) -> None:
    world = World(tmp_path, rounds=1)
    world.step_until(lambda: _in(world, Phase.DRAWING))
    del world.store.objects[ObjectId(world.couple.current.model_location)]
    world.play()
    first, second = world.couple.rounds.values()
    assert first.voided
    assert not first.verdicts
    assert second.digests  # the spare round
    statements = audited(world)
    assert all(statements[co.address].forfeited == 0 for co in world.cloud_owners)
    assert sum(statements[co.address].flagged for co in world.cloud_owners) == 4
    assert world.couple.phase is Phase.COMPLETED


def test_who_trained_before_the_weights_were_gone_sees_to_its_pay(tmp_path: Path) -> None:
    """The model owner, which has the results, does nothing more."""
    world = World(tmp_path, rounds=1)
    world.step_until(lambda: _in(world, Phase.TRAINING))
    early, *others = world.cloud_owners
    world.gone += [world.model_owner, *others]
    world.settle_down()
    del world.store.objects[ObjectId(world.couple.current.model_location)]
    world.gone[:] = [world.model_owner]
    world.play(until=lambda: any(record.voided for record in world.couple.rounds.values()))
    record = world.couple.rounds[1]
    assert record.flagged_out
    price = WORLD_TERMS.job_price
    paid = {ci: verdict for ci, verdict in record.verdicts.items() if ci in record.reports}
    assert paid
    assert set(record.verdicts.values()) == {(JobStatus.VOID, price)}
    statements = audited(world)
    assert statements[early.address].earned == price * len(paid)


def test_a_lost_package_is_refused(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.step_until(lambda: bool(world.market.instances))
    world.store.objects.clear()
    world.play(until=lambda: all(i.status != InstanceStatus.FREE for i in world.market.instances.values()))
    assert all(statuses(world, co) == {InstanceStatus.REFUSED} for co in world.cloud_owners)
    audited(world)


def test_results_that_the_store_lost_are_paid_for_and_done_without(tmp_path: Path) -> None:
    world = World(tmp_path, rounds=1)
    world.step_until(lambda: _in(world, Phase.TRAINING) and world.couple.rem == 0)
    world.store.objects.clear()
    world.play()
    assert world.couple.phase is Phase.COMPLETED
    record = world.couple.rounds[1]
    assert len(record.digests) == 2
    assert set(record.settlers.values()) <= {co.address for co in world.cloud_owners}
    audited(world)


# --- the policy ---


def test_a_data_owner_that_wants_nobody_declines(tmp_path: Path) -> None:
    world = World(tmp_path, policy=LETS_TRAIN.model_copy(update={"max_couples_each": 0}))
    world.play()
    assert world.couple.phase is Phase.DECLINED
    audited(world)


def test_one_subset_a_round_goes_through_all_of_them(tmp_path: Path) -> None:
    world = World(tmp_path, terms=replace(WORLD_TERMS, subsets_per_round=1), rounds=4)
    world.play()
    drawn = [record.drawn for record in world.couple.rounds.values()]
    assert sorted(drawn) == [1, 2, 4, 8]
    audited(world)
