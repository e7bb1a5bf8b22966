"""The data owner: what it does in each situation, and that it then has nothing left to do.

Rules: A1, A2, A3, A20, A21, A22, A23, A24, A25, A26, A27, A28, A72, A74, A75.
"""

from __future__ import annotations

from dataclasses import replace
from typing import cast

import pytest

from agents.core import calls
from agents.core.calls import Call
from agents.core.enums import CouplePhase as Phase
from agents.core.enums import InstanceStatus, Role
from agents.core.hashing import next_tip
from agents.core.ids import CoupleId, ModelId, instance_id
from agents.roles.acts import Act, AgainstPolicy, Send, Unnameable
from agents.roles.common import seed_link
from agents.roles.data_owner import DataOwner
from agents.roles.policy import DataOwnerPolicy
from agents.roles.results import PackedReplica, PlanReview, RefusedKey, SplitDataset, TaskResult
from agents.roles.tasks.data_owner import PackReplica, ReviewPlan, SplitData
from testing.policies import LETS_TRAIN
from testing.portfolios import one_dataset
from testing.script import FORGED, LOCATION, METADATA, PLAN, Script, data_digest

ANSWER_WINDOW = 86_400


def role(script: Script, policy: DataOwnerPolicy = LETS_TRAIN, opening_deposit: int = 0) -> DataOwner:
    """The script's data owner; every cloud owner gets a replica of every subset."""
    owners = (tuple(co.address for co in script.cos),) * script.terms.subsets
    return DataOwner(script.do, one_dataset(owners), policy, opening_deposit)


def pack_tasks(script: Script) -> list[PackReplica]:
    """The tasks that pack for the script's cloud owners."""
    return [
        PackReplica(script.ds, i, co.address, co.encryption_key)
        for i in range(script.terms.subsets)
        for co in script.cos
    ]


def split(script: Script) -> dict[str, TaskResult]:
    """What the splitting found out."""
    return {
        SplitData(script.ds).key: SplitDataset(
            terms=script.terms,
            metadata_hash=METADATA,
            metadata_location=LOCATION,
            digests=tuple(data_digest(i) for i in range(script.terms.subsets)),
        )
    }


def packed(script: Script) -> dict[str, TaskResult]:
    """What splitting and packing found out."""
    return split(script) | {task.key: PackedReplica(sealed_location=LOCATION) for task in pack_tasks(script)}


def allowing(**lines: int) -> DataOwnerPolicy:
    """A policy with these lines, and else of a friend of all."""
    return LETS_TRAIN.model_copy(update=lines)


def reviewed(script: Script, problem: str = "") -> dict[str, TaskResult]:
    """The packing, and a review of the script's couple."""
    return packed(script) | {ReviewPlan(script.tc, PLAN, LOCATION).key: PlanReview(problem=problem)}


def sent(acts: list[Act]) -> list[Call]:
    """The calls, where there is no task among the acts."""
    assert all(isinstance(act, Send) for act in acts)
    return [act.call for act in acts if isinstance(act, Send)]


def calls_sent(acts: list[Act]) -> list[Call]:
    """The calls, beside what else there is."""
    return [act.call for act in acts if isinstance(act, Send)]


# --- becoming a data owner ---


def test_a_stranger_registers_first() -> None:
    script = Script()
    (register,) = sent(script.decide(role(script, opening_deposit=77)))
    assert register == calls.register(Role.DATA_OWNER, script.do.encryption_key, 77)


def test_it_splits_its_table_and_offers_it_before_there_is_any_cloud_owner() -> None:
    script = Script(replicas=2)
    script.send(script.do, calls.register(Role.DATA_OWNER, script.do.encryption_key))
    assert script.decide(role(script)) == [SplitData(script.ds)]
    (offer,) = sent(script.decide(role(script), split(script)))
    assert offer == calls.create_ds(script.terms, METADATA, LOCATION)
    script.send(script.do, offer)
    assert script.decide(role(script), split(script)) == []


def test_it_packs_for_the_keys_that_its_cloud_owners_registered() -> None:
    script = Script(replicas=2, subsets=2)
    script.register()
    script.offer()
    assert script.decide(role(script), split(script)) == pack_tasks(script)


def test_it_offers_and_names_at_once() -> None:
    script = Script(replicas=2, subsets=2)
    script.register()
    offer, name = sent(script.decide(role(script), packed(script)))
    assert offer == calls.create_ds(script.terms, METADATA, LOCATION)
    a, b = (co.address for co in script.cos)
    assert name == calls.create_ci(script.ds, [0, 0, 1, 1], [a, b, a, b], [LOCATION] * 4)
    script.send(script.do, offer)
    assert sent(script.decide(role(script), packed(script))) == [name]
    script.send(script.do, name)
    assert script.decide(role(script), packed(script)) == []


def test_a_cloud_owner_that_is_not_there_yet_keeps_no_other_waiting() -> None:
    script = Script(replicas=3)
    for who, kind in ((script.do, Role.DATA_OWNER), (script.cos[0], Role.CLOUD_OWNER)):
        script.send(who, calls.register(kind, who.encryption_key))
    script.offer()
    owners = [script.cos[0].address]
    assert sent(script.decide(role(script), packed(script))) == [
        calls.create_ci(script.ds, [0], owners, [LOCATION])
    ]
    script.name(script.cos[0])
    assert script.decide(role(script), packed(script)) == []
    late = script.cos[2]
    script.send(late, calls.register(Role.CLOUD_OWNER, late.encryption_key))
    assert sent(script.decide(role(script), packed(script))) == [
        calls.create_ci(script.ds, [0], [late.address], [LOCATION])
    ]


def test_an_object_that_cannot_be_put_keeps_only_its_own_replica_waiting() -> None:
    script = Script(replicas=2)
    script.register()
    script.offer()
    first, second = pack_tasks(script)
    some = split(script) | {second.key: PackedReplica(sealed_location=LOCATION)}
    acts = script.decide(role(script), some)
    name = calls.create_ci(script.ds, [0], [second.cloud_owner], [LOCATION])
    assert acts == [first, Send(name)]


def test_a_listed_cloud_owner_of_another_role_keeps_no_other_waiting() -> None:
    """By it alone a data owner never came to name anybody."""
    script = Script(replicas=2)
    bad, good = script.cos
    for who, kind in ((script.do, Role.DATA_OWNER), (bad, Role.MODEL_OWNER), (good, Role.CLOUD_OWNER)):
        script.send(who, calls.register(kind, who.encryption_key))
    script.offer()
    told, name = script.decide(role(script), packed(script))
    assert name == Send(calls.create_ci(script.ds, [0], [good.address], [LOCATION]))
    assert isinstance(told, Unnameable)
    assert told.words == (
        f"{bad.address} gets no replica: it registered as a model owner: name another cloud owner"
    )


def test_a_listed_cloud_owner_whose_key_is_no_point_keeps_no_other_waiting() -> None:
    script = Script(replicas=2)
    script.register()
    script.offer()
    bad, good = pack_tasks(script)
    results = packed(script) | {bad.key: RefusedKey(problem="it registered a key that is no point")}
    told, name = script.decide(role(script), results)
    assert name == Send(calls.create_ci(script.ds, [0], [good.cloud_owner], [LOCATION]))
    assert told == Unnameable(bad.cloud_owner, "it registered a key that is no point")


@pytest.mark.parametrize("hopeless", [True, False])
def test_it_approves_nobody_before_all_that_it_lists_are_named(hopeless: bool) -> None:
    """With one replica of three in the pool, that one's word would be the majority's."""
    script = Script(replicas=2)
    script.register()
    script.offer()
    script.name(script.cos[0])
    script.join(script.cis()[0])
    script.verify(script.cis()[0])
    script.request()
    results = reviewed(script)
    _, late = pack_tasks(script)
    if hopeless:
        results |= {late.key: RefusedKey(problem="no point")}
    half = script.now + ANSWER_WINDOW // 2
    assert calls_of(script.decide(role(script), results, now=half)) == (
        ["approveTC"] if hopeless else ["createCI"]
    )


def test_it_names_at_most_32_replicas_a_call() -> None:
    script = Script(replicas=7, subsets=5)
    script.register()
    script.offer()
    first, second = sent(script.decide(role(script), packed(script)))
    assert [len(cast("list[int]", call.arguments[1])) for call in (first, second)] == [32, 3]
    script.send(script.do, first)
    assert sent(script.decide(role(script), packed(script))) == [second]
    script.send(script.do, second)
    assert script.decide(role(script), packed(script)) == []


def test_it_does_not_name_again_who_refused() -> None:
    script = Script(replicas=2)
    script.register()
    script.offer()
    script.name()
    script.send(script.cos[0], calls.refuse_ci(script.cis()[0]))
    assert script.decide(role(script), packed(script)) == []


# --- receipts ---


def test_it_verifies_right_receipts_and_rejects_wrong_ones_in_one_call() -> None:
    script = Script(replicas=3, subsets=2)
    script.register()
    script.offer()
    script.name()
    right, wrong, _ = script.cis(0)
    other = script.cis(1)[0]
    script.join(right)
    script.join(wrong, FORGED)
    script.join(other, data_digest(0))  # the right data of the wrong subset
    assert sent(script.decide(role(script), packed(script))) == [
        calls.verify_ci([right, wrong, other], [True, False, False])
    ]
    script.verify(right)
    script.verify(wrong, other, ok=False)
    assert script.decide(role(script), packed(script)) == []


def test_it_rejects_a_copied_receipt() -> None:
    script = Script(replicas=2)
    script.register()
    script.offer()
    script.name()
    honest, copier = script.cis()
    script.join(honest)
    receipt, nonce = script.data_receipt(honest)
    script.send(script.cos[1], calls.join_ci(copier, receipt, nonce))
    assert sent(script.decide(role(script), packed(script))) == [
        calls.verify_ci([honest, copier], [True, False])
    ]


def test_it_verifies_up_to_the_last_second() -> None:
    script = Script(replicas=1)
    script.register()
    script.offer()
    script.name()
    script.join(script.cis()[0])
    last = script.now + ANSWER_WINDOW
    assert len(script.decide(role(script), packed(script), now=last)) == 1
    assert script.decide(role(script), packed(script), now=last + 1) == []


# --- requests ---


def test_it_reviews_a_requested_plan_first() -> None:
    script = Script().bring_to(Phase.REQUESTED)
    deadline = script.couple.deadline
    patience = deadline - ANSWER_WINDOW // 4
    task = ReviewPlan(script.tc, PLAN, LOCATION, patience_until=patience, deadline=deadline)
    assert script.decide(role(script), packed(script)) == [task]


def test_it_approves_and_locks_its_bond() -> None:
    script = Script().bring_to(Phase.REQUESTED)
    tip = seed_link(script.do, script.tc, script.rounds, 0)
    assert script.decide(role(script), reviewed(script)) == [Send(calls.approve_tc(script.tc, tip), 500)]
    script.approve()
    assert script.decide(role(script), reviewed(script)) == []


def test_it_declines_a_bad_plan() -> None:
    script = Script().bring_to(Phase.REQUESTED)
    results = reviewed(script, "the plan is for 3 features")
    assert sent(script.decide(role(script), results)) == [calls.decline_tc(script.tc)]
    script.send(script.do, calls.decline_tc(script.tc))
    assert script.decide(role(script), results) == []


def test_it_pays_in_exactly_what_the_bond_lacks() -> None:
    script = Script().bring_to(Phase.REQUESTED)
    script.send(script.do, calls.withdraw(script.coins(script.do) - 120))
    deposit, approve = sent(script.decide(role(script), reviewed(script)))
    assert deposit == calls.deposit(380)
    script.send(script.do, deposit)
    assert sent(script.decide(role(script), reviewed(script))) == [approve]


def test_it_pays_in_nothing_for_acts_that_lock_nothing() -> None:
    script = Script().bring_to(Phase.DRAWING)
    script.send(script.do, calls.withdraw(script.coins(script.do)))
    assert [call.function for call in sent(script.decide(role(script), packed(script)))] == ["drawRound"]


def test_it_does_not_answer_a_lapsed_request() -> None:
    script = Script().bring_to(Phase.REQUESTED)
    last = script.couple.deadline
    assert len(script.decide(role(script), reviewed(script), now=last)) == 1
    assert script.decide(role(script), reviewed(script), now=last + 1) == []


def test_it_does_not_meddle_with_another_owners_couples() -> None:
    script = Script().bring_to(Phase.REQUESTED)
    other = replace(script.do, address=script.stranger.address)
    script.send(script.stranger, calls.register(Role.DATA_OWNER, other.encryption_key))
    assert script.decide(DataOwner(other, one_dataset(()), LETS_TRAIN))[1:] == []
    assert isinstance(script.decide(DataOwner(other, one_dataset(()), LETS_TRAIN))[0], SplitData)


# --- the policy ---


def requested_again(script: Script) -> None:
    """A second couple of the same model owner."""
    tip = bytes(32)
    script.send(script.mo, calls.request_tc(script.mod, script.ds, 1, tip, 0))


@pytest.mark.parametrize(("limit", "approves"), [(1, False), (2, True)])
def test_it_approves_so_many_couples_of_one_model_owner(limit: int, approves: bool) -> None:
    script = Script().bring_to(Phase.APPROVED)
    results = reviewed(script)
    requested_again(script)
    second = max(script.market.couples)
    results |= {ReviewPlan(second, PLAN, LOCATION).key: PlanReview(problem="")}
    (call,) = calls_sent(script.decide(role(script, allowing(max_couples_each=limit)), results))
    assert call.function == ("approveTC" if approves else "declineTC")
    assert call.arguments[0] == second


def test_requests_that_come_together_are_answered_one_by_one() -> None:
    script = Script().bring_to(Phase.REQUESTED)
    requested_again(script)
    second = max(script.market.couples)
    results = reviewed(script) | {ReviewPlan(second, PLAN, LOCATION).key: PlanReview(problem="")}
    data_owner = role(script, allowing(max_couples_each=1))
    assert [call.arguments[0] for call in sent(script.decide(data_owner, results))] == [script.tc]
    script.approve()
    assert calls_sent(script.decide(data_owner, results)) == [calls.decline_tc(second)]


def test_a_declined_request_does_not_count() -> None:
    script = Script().bring_to(Phase.REQUESTED)
    script.send(script.do, calls.decline_tc(script.tc))
    requested_again(script)
    second = max(script.market.couples)
    results = packed(script) | {ReviewPlan(second, PLAN, LOCATION).key: PlanReview(problem="")}
    (call,) = sent(script.decide(role(script, allowing(max_couples_each=1)), results))
    assert (call.function, call.arguments[0]) == ("approveTC", second)


def of_policy(acts: list[Act]) -> list[str]:
    """The lines that rule something out."""
    return [act.breach.line for act in acts if isinstance(act, AgainstPolicy)]


def calls_of(acts: list[Act]) -> list[str]:
    """What is sent."""
    return [call.function for call in calls_sent(acts)]


def test_whom_it_does_not_deal_with_is_left_alone_for_free() -> None:
    """Neither is a stranger's plan looked at, nor is it answered: its request lapses."""
    script = Script().bring_to(Phase.REQUESTED)
    acts = script.decide(role(script, DataOwnerPolicy()), packed(script))
    assert [str(act.breach) for act in acts if isinstance(act, AgainstPolicy)] == [
        f"members: {script.mo.address} is not one of them"
    ]
    assert len(acts) == 1
    friend = DataOwnerPolicy(members=(script.mo.address.lower(),))
    assert calls_of(script.decide(role(script, friend), reviewed(script))) == ["approveTC"]


@pytest.mark.parametrize(("line", "value"), [("max_rounds", 1), ("max_couples", 0), ("max_couples_each", 0)])
def test_what_the_policy_rules_out_is_declined_before_it_is_looked_at(line: str, value: int) -> None:
    script = Script(rounds=2).bring_to(Phase.REQUESTED)
    acts = script.decide(role(script, allowing(**{line: value})), packed(script))
    assert (calls_of(acts), of_policy(acts)) == (["declineTC"], [line])
    assert calls_of(script.decide(role(script, allowing(**{line: 2})), reviewed(script))) == ["approveTC"]


@pytest.mark.parametrize("line", ["at_stake", "at_stake_each"])
def test_a_bond_over_what_may_be_at_stake_waits(line: str) -> None:
    script = Script().bring_to(Phase.REQUESTED)
    bond = script.terms.couple_bond
    acts = script.decide(role(script, allowing(**{line: bond - 1})), reviewed(script))
    assert (calls_of(acts), of_policy(acts)) == ([], [line])
    assert calls_of(script.decide(role(script, allowing(**{line: bond})), reviewed(script))) == ["approveTC"]


def test_a_line_may_be_another_for_one_member() -> None:
    script = Script().bring_to(Phase.REQUESTED)
    policy = DataOwnerPolicy(
        members=(script.mo.address,), max_rounds=1, with_member={script.mo.address: {"max_rounds": 9}}
    )
    assert calls_of(script.decide(role(script, policy), reviewed(script))) == ["approveTC"]


# --- stragglers ---


def with_a_straggler() -> Script:
    """A request for a dataset of which the second replica has not answered."""
    script = Script(replicas=2)
    script.register()
    script.offer()
    script.name()
    script.join(script.cis()[0])
    script.verify(script.cis()[0])
    script.request()
    return script


def test_it_waits_half_of_the_window_for_stragglers() -> None:
    script = with_a_straggler()
    half = script.now + ANSWER_WINDOW // 2
    assert script.decide(role(script), reviewed(script), now=half) == []
    (call,) = sent(script.decide(role(script), reviewed(script), now=half + 1))
    assert call.function == "approveTC"


def test_it_waits_no_longer_once_the_last_has_answered() -> None:
    script = with_a_straggler()
    script.send(script.cos[1], calls.refuse_ci(script.cis()[1]))
    assert len(script.decide(role(script), reviewed(script))) == 1


def test_it_verifies_a_straggler_before_it_approves() -> None:
    script = with_a_straggler()
    late = script.cis()[1]
    script.join(late)
    assert sent(script.decide(role(script), reviewed(script))) == [calls.verify_ci([late], [True])]
    script.verify(late)
    assert len(script.decide(role(script), reviewed(script))) == 1


def test_it_never_approves_while_a_subset_has_no_instance() -> None:
    script = Script(replicas=1, subsets=2).bring_to(Phase.REQUESTED)
    script.send(script.cos[0], calls.retire_ci(script.cis(0)[0]))
    last = script.couple.deadline
    assert script.decide(role(script), reviewed(script), now=last) == []


# --- rounds ---


def test_it_opens_its_seed_for_each_round_in_time() -> None:
    script = Script(rounds=2).bring_to(Phase.DRAWING)
    last = script.couple.deadline
    (draw,) = sent(script.decide(role(script), packed(script), now=last))
    assert draw.function == "drawRound"
    assert next_tip(cast("bytes", draw.arguments[1])) == script.couple.do_tip
    assert script.decide(role(script), packed(script), now=last + 1) == []
    script.send(script.do, draw)
    assert script.phase is Phase.TRAINING
    script.answer("AAA")
    script.settle(0)
    script.start()
    (second,) = sent(script.decide(role(script), packed(script)))
    assert second.arguments[1] != draw.arguments[1]
    script.send(script.do, second)
    assert script.phase is Phase.TRAINING


@pytest.mark.parametrize("phase", [Phase.APPROVED, Phase.TRAINING, Phase.SETTLING, Phase.OVERDUE])
def test_it_has_nothing_to_do_while_others_are_waited_for(phase: Phase) -> None:
    script = Script().bring_to(phase)
    assert script.decide(role(script), packed(script)) == []


def test_seeds_come_before_anything_else() -> None:
    script = Script(replicas=2).bring_to(Phase.APPROVED)
    script.send(script.cos[1], calls.retire_ci(script.cis()[1]))
    script.now += script.terms.unbonding_seconds + 1
    script.send(script.cos[1], calls.release_ci(script.cis()[1]))
    script.name(script.cos[1])
    late = instance_id(script.ds, 0, 3)
    script.join(late)
    script.start()
    assert script.instance(late).status is InstanceStatus.JOINED
    draw, verify = sent(script.decide(role(script), packed(script), now=script.couple.deadline))
    assert (draw.function, verify.function) == ("drawRound", "verifyCI")


@pytest.mark.parametrize(("replicas", "quorum"), [(3, 3), (4, 4), (5, 4)])
def test_it_declines_a_quorum_over_a_strict_majority(replicas: int, quorum: int) -> None:
    script = Script(replicas, quorum=quorum).bring_to(Phase.REQUESTED)
    results = reviewed(script)
    assert calls_sent(script.decide(role(script), results)) == [calls.decline_tc(script.tc)]
    for allowed, answer in ((quorum - 1, "declineTC"), (quorum, "approveTC"), (16, "approveTC")):
        (call,) = calls_sent(script.decide(role(script, allowing(max_quorum=allowed)), results))
        assert call.function == answer


@pytest.mark.parametrize(("replicas", "quorum"), [(1, 1), (3, 2), (4, 3), (5, 3)])
def test_it_approves_a_strict_majority_whatever_it_allows(replicas: int, quorum: int) -> None:
    script = Script(replicas, quorum=quorum).bring_to(Phase.REQUESTED)
    results = reviewed(script)
    (call,) = sent(script.decide(role(script, allowing(max_quorum=1)), results))
    assert call.function == "approveTC"


# --- the end ---


def test_it_frees_its_bond_once_the_couples_window_is_over() -> None:
    script = Script(rounds=1).bring_to(Phase.SETTLING)
    script.settle(0)
    over = script.couple.window_ends_at
    assert script.phase is Phase.ENDED
    assert script.decide(role(script), packed(script), now=over) == []  # the model owner may still complete
    assert sent(script.decide(role(script), packed(script), now=over + 1)) == [calls.expire_tc(script.tc)]
    script.now = over + 1
    script.send(script.do, calls.expire_tc(script.tc))
    assert script.decide(role(script), packed(script)) == []


def test_it_closes_a_round_that_a_model_owner_left_behind() -> None:
    script = Script(rounds=2, subsets=2, subsets_per_round=2).bring_to(Phase.OVERDUE)
    over = script.couple.window_ends_at
    assert script.decide(role(script), packed(script), now=over) == []
    (close,) = sent(script.decide(role(script), packed(script), now=over + 1))
    assert close == calls.close_round(script.tc, [0, 1])
    script.now = over + 1
    script.send(script.do, close)
    assert sent(script.decide(role(script), packed(script))) == [calls.expire_tc(script.tc)]


# --- what goes wrong ---


def test_a_couple_that_makes_no_sense_stops_no_other(caplog: pytest.LogCaptureFixture) -> None:
    script = Script().bring_to(Phase.REQUESTED)
    strange = CoupleId(script.tc - 1)
    nonsense = replace(script.couple, id=strange, mod=ModelId(7), model_owner=script.stranger.address)
    script.market.couples = {strange: nonsense, **script.market.couples}
    (approve,) = sent(script.decide(role(script), reviewed(script)))
    assert approve.function == "approveTC"
    (told,) = [record.getMessage() for record in caplog.records]
    assert told.startswith(f"couple {strange:x} is left alone: KeyError: 7 (")
