"""The cloud owner: what it does in each situation, and that it then has nothing left to do.

Rules: A1, A2, A3, A30, A31, A32, A33, A34, A35, A36, A37, A38, A39, A72, A74, A75.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from agents.core import calls
from agents.core.calls import Call
from agents.core.enums import CouplePhase as Phase
from agents.core.enums import FlagReason, InstanceStatus, Role
from agents.core.hashing import data_receipt, training_receipt
from agents.core.ids import CoupleId, InstanceId, dataset_id, instance_id, subset_of
from agents.roles.acts import Act, AgainstPolicy, Send
from agents.roles.cloud_owner import CloudOwner
from agents.roles.common import data_nonce, training_nonce
from agents.roles.policy import CloudOwnerPolicy
from agents.roles.results import (
    Flagged,
    Forgotten,
    OpenedPackage,
    RefusedPackage,
    TaskResult,
    TrainingResult,
)
from agents.roles.tasks.cloud_owner import (
    ForgetKeys,
    ForgetReplica,
    OpenPackage,
    TrainModel,
    job_key,
    package_key,
)
from testing.policies import HOLDS
from testing.script import FORGED, LOCATION, METADATA, PLAN, Script, data_digest

BOND = 300


def role(script: Script, number: int = 0, opening_deposit: int = 0) -> CloudOwner:
    """One of the script's cloud owners."""
    return CloudOwner(script.cos[number], HOLDS, opening_deposit)


def opened(*cis: InstanceId, digest: bytes | None = None) -> dict[str, TaskResult]:
    """What the opened packages hold: what they should, or this."""
    return {package_key(ci): OpenedPackage(digest=digest or data_digest(subset_of(ci)), rows=1) for ci in cis}


def trained(script: Script, *cis: InstanceId, digest: bytes | None = None) -> dict[str, TaskResult]:
    """What training gave: what it should, or this."""
    return {
        job_key(script.tc, script.couple.round, ci): TrainingResult(
            digest=digest or script.model_digest(subset_of(ci)),
            sealed_location=LOCATION,
            seconds=1.0,
            keys=0,
            weights=1,
            result=1,
        )
        for ci in cis
    }


def sent(acts: list[Act]) -> list[Call]:
    """The calls, where there is no task among the acts."""
    assert all(isinstance(act, Send) for act in acts)
    return [act.call for act in acts if isinstance(act, Send)]


def calls_of(acts: list[Act]) -> list[str]:
    """What is sent."""
    return [act.call.function for act in acts if isinstance(act, Send)]


def named(replicas: int = 3, **terms: int) -> Script:
    """Every cloud owner is named, nobody has answered."""
    script = Script(replicas=replicas, **terms)
    script.register()
    script.offer()
    script.name()
    return script


def joins(script: Script, ci: InstanceId, digest: bytes | None = None) -> Call:
    """How an honest cloud owner joins."""
    co = script.owner(ci)
    nonce = data_nonce(co, ci)
    digest = digest or data_digest(subset_of(ci))
    receipt = data_receipt(script.chain.domain, script.ds, subset_of(ci), co.address, digest, nonce)
    return calls.join_ci(ci, receipt, nonce)


# --- becoming a cloud owner ---


def test_a_stranger_registers_first() -> None:
    script = Script()
    (register,) = sent(script.decide(role(script, opening_deposit=5)))
    assert register == calls.register(Role.CLOUD_OWNER, script.cos[0].encryption_key, 5)


def test_it_has_nothing_to_do_before_it_is_named() -> None:
    script = Script()
    script.register()
    script.offer()
    assert script.decide(role(script)) == []


# --- receiving data ---


def test_it_opens_its_package_within_three_quarters_of_the_window() -> None:
    script = named()
    ci = script.cis()[0]
    patience, deadline = script.now + 86_400 * 3 // 4, script.now + 86_400
    assert script.decide(role(script)) == [
        OpenPackage(ci, LOCATION, patience, METADATA, LOCATION, deadline=deadline)
    ]


def test_it_joins_with_a_receipt_of_what_it_holds() -> None:
    script = named()
    ci = script.cis()[0]
    assert script.decide(role(script), opened(ci)) == [Send(joins(script, ci), BOND)]
    script.send(script.cos[0], joins(script, ci))
    assert script.decide(role(script), opened(ci)) == []


def holding(**lines: int) -> CloudOwnerPolicy:
    """A policy with these lines, and else of a friend of all."""
    return HOLDS.model_copy(update=lines)


@pytest.mark.parametrize(
    ("line", "allowed"),
    [
        ("min_job_price", 100),
        ("max_bond_jobs", 3),
        ("max_instances", 1),
        ("max_instances_each", 1),
        ("at_stake", BOND),
        ("at_stake_each", BOND),
        ("max_hold_seconds", Script().terms.unbonding_seconds),
    ],
)
def test_a_naming_that_the_policy_rules_out_is_ignored_for_free(line: str, allowed: int) -> None:
    """It is not even refused: that would cost gas each time, and the naming lapses."""
    script = named()
    ci, forbidden = script.cis()[0], allowed + (1 if line.startswith("min") else -1)
    friend, other = (CloudOwner(script.cos[0], holding(**{line: value})) for value in (allowed, forbidden))
    assert calls_of(script.decide(friend, opened(ci))) == ["joinCI"]
    (told,) = script.decide(other, opened(ci))
    assert isinstance(told, AgainstPolicy)
    assert (told.asset, told.breach.line) == (f"instance {ci:x}", line)


def test_a_stranger_s_naming_is_ignored_for_free() -> None:
    script = named()
    (told,) = script.decide(CloudOwner(script.cos[0], CloudOwnerPolicy()))
    assert isinstance(told, AgainstPolicy)
    assert str(told.breach) == f"members: {script.do.address} is not one of them"
    friend = CloudOwnerPolicy(members=(script.do.address,), max_bond_jobs=3)
    assert [type(act) for act in script.decide(CloudOwner(script.cos[0], friend))] == [OpenPackage]


def test_what_it_has_agreed_to_hold_counts_before_it_has_joined() -> None:
    script = Script(subsets=3)
    script.register()
    script.offer()
    script.name()
    acts = script.decide(CloudOwner(script.cos[0], holding(max_instances=2)))
    assert [type(act) for act in acts] == [OpenPackage, OpenPackage, AgainstPolicy]
    acts = script.decide(CloudOwner(script.cos[0], holding(at_stake=BOND)))
    assert [type(act) for act in acts] == [OpenPackage, AgainstPolicy, AgainstPolicy]


def test_bonds_that_are_locked_count() -> None:
    script = Script(subsets=2)
    script.register()
    script.offer()
    script.name()
    first, second = script.cis(0)[0], script.cis(1)[0]
    script.join(first)
    cloud_owner = CloudOwner(script.cos[0], holding(at_stake_each=2 * BOND - 1))
    (told,) = script.decide(cloud_owner, opened(second))
    assert isinstance(told, AgainstPolicy)
    assert told.breach.line == "at_stake_each"


def test_it_deletes_the_rows_of_an_instance_that_is_over() -> None:
    script = Script(replicas=1).bring_to(Phase.APPROVED)
    ci = script.cis()[0]
    results = opened(ci)
    script.send(script.cos[0], calls.retire_ci(ci))
    assert script.decide(role(script), results) == [], "a round may still need them"
    script.now += script.terms.unbonding_seconds + 1
    script.send(script.cos[0], calls.release_ci(ci))
    assert script.decide(role(script), results) == [ForgetReplica(ci)]
    assert script.decide(role(script), results | {ForgetReplica(ci).key: Forgotten()}) == []
    assert script.decide(role(script)) == [], "it never had any"


def test_it_deletes_the_keys_of_a_couple_that_has_ended() -> None:
    script = Script(replicas=2, rounds=1).bring_to(Phase.TRAINING)
    script.answer("AA")
    script.settle(0)
    assert script.decide(role(script)) == []
    script.complete()
    task = ForgetKeys(script.tc)
    assert script.decide(role(script)) == [task]
    assert script.decide(role(script), {task.key: Forgotten()}) == []


def test_it_deletes_the_rows_of_a_naming_that_has_lapsed() -> None:
    script = named()
    ci = script.cis()[0]
    late = script.now + 86_401
    assert script.decide(role(script), opened(ci), now=late) == [ForgetReplica(ci)]


def test_it_refuses_a_package_that_is_of_no_use() -> None:
    script = named()
    ci = script.cis()[0]
    results: dict[str, TaskResult] = {package_key(ci): RefusedPackage(problem="not sealed to this key")}
    assert sent(script.decide(role(script), results)) == [calls.refuse_ci(ci)]
    script.send(script.cos[0], calls.refuse_ci(ci))
    assert script.decide(role(script), results) == []


def test_it_answers_up_to_the_last_second() -> None:
    script = named()
    ci, last = script.cis()[0], script.now + 86_400
    assert len(script.decide(role(script), opened(ci), now=last)) == 1
    assert script.decide(role(script), opened(ci), now=last + 1) == [ForgetReplica(ci)]
    assert script.decide(role(script), now=last + 1) == []


def test_one_deposit_covers_the_bonds_of_all_joins() -> None:
    script = named(subsets=3)
    mine = [script.cis(subset)[0] for subset in range(3)]
    script.send(script.cos[0], calls.withdraw(script.coins(script.cos[0]) - 250))
    deposit, *rest = sent(script.decide(role(script), opened(*mine)))
    assert deposit == calls.deposit(3 * BOND - 250)
    assert rest == [joins(script, ci) for ci in mine]
    script.send(script.cos[0], deposit)
    assert sent(script.decide(role(script), opened(*mine))) == rest


def test_it_pays_in_nothing_if_its_balance_is_just_enough() -> None:
    script = named()
    ci = script.cis()[0]
    script.send(script.cos[0], calls.withdraw(script.coins(script.cos[0]) - BOND))
    assert sent(script.decide(role(script), opened(ci))) == [joins(script, ci)]


# --- the cross-check ---


def pool(script: Script, *digests: bytes | None) -> list[InstanceId]:
    """The first replicas join with these digests and are vouched for by the data owner."""
    verified = script.cis()[: len(digests)]
    for ci, digest in zip(verified, digests, strict=True):
        script.join(ci, digest)
    if verified:
        script.verify(*verified)
    return verified


@pytest.mark.parametrize(
    ("siblings", "joins_them"),
    [
        ((), True),
        ((None,), True),
        ((FORGED,), False),  # one to one is no majority
        ((None, FORGED), True),
        ((FORGED, FORGED), False),
        ((None, FORGED, FORGED), False),
        ((None, None, FORGED, FORGED), True),
    ],
)
def test_it_joins_only_where_most_replicas_are_as_its_own(
    siblings: tuple[bytes | None, ...], joins_them: bool
) -> None:
    script = named(replicas=6)
    pool(script, *siblings)
    mine = script.cis()[5]
    (call,) = sent(script.decide(role(script, 5), opened(mine)))
    assert call == (joins(script, mine) if joins_them else calls.refuse_ci(mine))


def test_receipts_that_nobody_vouched_for_do_not_count() -> None:
    script = named(replicas=3)
    script.join(script.cis()[0], FORGED)
    mine = script.cis()[2]
    assert sent(script.decide(role(script, 2), opened(mine))) == [joins(script, mine)]


def test_it_leaves_a_subset_whose_other_replicas_turn_out_different() -> None:
    script = named(replicas=3)
    first, second, mine = script.cis()
    script.send(script.cos[2], joins(script, mine))
    script.join(first, FORGED)
    script.join(second, FORGED)
    script.verify(first, second)
    assert script.instance(mine).status is InstanceStatus.JOINED
    assert sent(script.decide(role(script, 2), opened(mine))) == [calls.retire_ci(mine)]
    script.send(script.cos[2], calls.retire_ci(mine))
    assert script.decide(role(script, 2), opened(mine)) == [ForgetReplica(mine)]


def test_a_verified_instance_leaves_as_well() -> None:
    script = named(replicas=3)
    mine, second, third = script.cis()
    script.send(script.cos[0], joins(script, mine))
    script.verify(mine)
    assert script.decide(role(script), opened(mine)) == []
    script.join(second, FORGED)
    script.join(third, FORGED)
    script.verify(second, third)
    assert sent(script.decide(role(script), opened(mine))) == [calls.retire_ci(mine)]
    script.send(script.cos[0], calls.retire_ci(mine))
    assert script.decide(role(script), opened(mine)) == []  # its bond is held for a while


# --- training ---


def train_task(script: Script, ci: InstanceId) -> TrainModel:
    """What there is to train for an instance."""
    return TrainModel(
        script.tc,
        ci,
        script.couple.round,
        script.couple.current.drawn,
        script.terms.subsets,
        PLAN,
        LOCATION,
        LOCATION,
        LOCATION,
        script.mo.encryption_key,
        script.couple.deadline - 7_200 // 4,
        deadline=script.couple.deadline,
    )


def test_it_trains_what_is_drawn_and_nothing_else() -> None:
    script = Script(replicas=2, subsets=4, subsets_per_round=2).bring_to(Phase.TRAINING)
    mine = [script.cis(subset)[0] for subset in script.drawn]
    assert len(mine) == 2
    assert script.decide(role(script)) == [train_task(script, ci) for ci in mine]


def test_it_reports_what_it_trained() -> None:
    script = Script().bring_to(Phase.TRAINING)
    ci, co = script.cis()[0], script.cos[0]
    (report,) = sent(script.decide(role(script), trained(script, ci)))
    nonce = training_nonce(co, script.tc, 1, ci)
    digest = script.model_digest(0)
    receipt = training_receipt(script.chain.domain, script.tc, 1, ci, co.address, digest, nonce)
    assert report == calls.update_tj(script.tc, ci, 1, receipt, nonce, LOCATION)
    script.send(co, report)
    assert script.decide(role(script), trained(script, ci)) == []


@pytest.mark.parametrize("reason", FlagReason)
def test_it_flags_what_cannot_be_trained(reason: FlagReason) -> None:
    script = Script().bring_to(Phase.TRAINING)
    ci = script.cis()[0]
    results: dict[str, TaskResult] = {job_key(script.tc, 1, ci): Flagged(flag=reason, why="it is so")}
    (flag,) = sent(script.decide(role(script), results))
    assert flag == calls.flag_tj(script.tc, ci, 1, reason)
    script.send(script.cos[0], flag)
    assert script.decide(role(script), results) == []


@pytest.mark.parametrize(
    ("siblings", "trains"),
    [
        ((None, None), True),
        ((None, FORGED), True),
        ((FORGED, FORGED), False),
        ((FORGED, data_digest(7)), False),
        ((FORGED,), False),  # one to one is no majority
        ((None, FORGED, FORGED), False),
    ],
)
def test_it_flags_a_job_of_a_subset_whose_other_replicas_are_not_as_its_own(
    siblings: tuple[bytes | None, ...], trains: bool
) -> None:
    """They are vouched for all at once, in the block of the start: there was no time to leave."""
    script = named(replicas=len(siblings) + 1)
    mine = script.cis()[-1]
    for ci, digest in zip(script.cis(), (*siblings, None), strict=True):
        script.send(script.owner(ci), joins(script, ci, digest))
    script.verify(*script.cis())
    script.request()
    script.approve()
    script.start()
    script.draw()
    co = role(script, len(siblings))
    acts = script.decide(co, opened(mine))
    flag, leave = calls.flag_tj(script.tc, mine, 1, FlagReason.PLAN_REFUSED), calls.retire_ci(mine)
    if trains:
        assert acts == [train_task(script, mine)]
    else:
        assert sent(acts) == [flag, leave]
    results = opened(mine) | trained(script, mine)
    assert (flag in sent(script.decide(co, results))) is not trains


def test_who_comes_or_goes_after_the_start_changes_no_answer() -> None:
    script = named(replicas=3)
    mine, second, third = script.cis()
    for ci in (mine, second):
        script.send(script.owner(ci), joins(script, ci))
    script.join(third, FORGED)
    script.verify(mine, second)
    script.request()
    script.approve()
    script.start()
    script.verify(third)
    script.draw()
    script.send(script.owner(second), calls.retire_ci(second))
    assert train_task(script, mine) in script.decide(role(script), opened(mine))


def test_it_answers_a_round_up_to_its_last_second() -> None:
    script = Script().bring_to(Phase.TRAINING)
    ci, last = script.cis()[0], script.couple.deadline
    assert len(script.decide(role(script), trained(script, ci), now=last)) == 1
    assert script.decide(role(script), trained(script, ci), now=last + 1) == []
    assert script.decide(role(script), now=last + 1) == []


def test_it_still_answers_for_an_instance_that_left_after_the_draw() -> None:
    script = Script().bring_to(Phase.TRAINING)
    ci = script.cis()[0]
    script.send(script.cos[0], calls.retire_ci(ci))
    assert script.decide(role(script)) == [train_task(script, ci)]


def test_it_is_not_asked_if_it_left_before_the_start() -> None:
    script = Script().bring_to(Phase.APPROVED)
    script.send(script.cos[0], calls.retire_ci(script.cis()[0]))
    script.start()
    script.draw()
    assert script.decide(role(script)) == []


def test_the_next_round_is_a_new_job() -> None:
    script = Script(rounds=2).bring_to(Phase.SETTLING)
    ci = script.cis()[0]
    results = trained(script, ci)
    script.settle(0)
    script.start()
    script.draw()
    assert script.decide(role(script), results) == [train_task(script, ci)]


@pytest.mark.parametrize("phase", [Phase.REQUESTED, Phase.APPROVED, Phase.DRAWING, Phase.OVERDUE])
def test_it_has_nothing_to_do_while_others_are_waited_for(phase: Phase) -> None:
    script = Script().bring_to(phase)
    assert script.decide(role(script)) == []


# --- being paid ---


def test_it_settles_for_itself_in_the_second_half_of_the_window() -> None:
    script = Script().bring_to(Phase.TRAINING)
    script.answer("AAM")
    results = trained(script, script.cis()[0])
    half = script.couple.deadline + 1_800 // 2
    assert script.decide(role(script), results, now=script.couple.deadline + 1) == []
    assert script.decide(role(script), results, now=half) == []
    (settle,) = sent(script.decide(role(script), results, now=half + 1))
    reports = script.market.reports_of(script.couple, 0)
    assert settle == calls.settle_round(script.tc, 0, script.model_digest(0), reports)
    assert sent(script.decide(role(script), results, now=half + 900)) == [settle]
    assert script.decide(role(script), results, now=half + 901) == []
    script.now = half + 1
    script.send(script.cos[0], settle)
    assert script.decide(role(script), results) == []


def test_early_answers_do_not_make_the_model_owners_half_shorter() -> None:
    script = Script().bring_to(Phase.SETTLING)
    assert script.now < script.couple.deadline
    results = trained(script, script.cis()[0])
    assert script.decide(role(script), results, now=script.couple.deadline + 900) == []


@pytest.mark.parametrize(
    ("letters", "quorum", "settles"),
    [("AAF", 0, True), ("AFF", 0, False), ("AMM", 0, False), ("AGA", 0, True), ("AAF", 3, False)],
)
def test_it_settles_only_with_a_quorum(letters: str, quorum: int, settles: bool) -> None:
    script = Script(quorum=quorum).bring_to(Phase.TRAINING)
    script.answer(letters)
    results = trained(script, script.cis()[0])
    acts = script.decide(role(script), results, now=script.couple.deadline + 901)
    assert bool(acts) is settles


def test_it_does_not_settle_for_a_result_that_is_not_the_quorums() -> None:
    script = Script().bring_to(Phase.TRAINING)
    script.answer("FAA")
    results = trained(script, script.cis()[0], digest=FORGED)
    assert script.decide(role(script), results, now=script.couple.deadline + 901) == []


@pytest.mark.parametrize(
    ("letters", "quorum", "closes"),
    [
        *[("AGGG", 0, True), ("AGGM", 0, True), ("AAMM", 0, False), ("AFGM", 0, True)],
        *[("AAFM", 3, False), ("AAFM", 4, True), ("AAAF", 4, True)],
    ],
)
def test_it_closes_what_pays_its_report_once_the_model_owner_had_time(
    letters: str, quorum: int, closes: bool
) -> None:
    script = Script(replicas=4, quorum=quorum).bring_to(Phase.TRAINING)
    script.now += 5
    script.answer(letters)
    since = script.now if letters == "AGGG" else script.market.settle_deadline(script.couple)
    assert script.decide(role(script), now=since + 900) == []
    acts = script.decide(role(script), now=since + 901)
    assert sent(acts) == ([calls.close_round(script.tc, [0])] if closes else [])
    script.now = since + 901
    script.send(script.stranger, calls.close_round(script.tc, [0]))
    assert script.decide(role(script)) == []


def test_it_closes_nothing_in_which_it_did_not_report() -> None:
    script = Script(replicas=4).bring_to(Phase.TRAINING)
    script.answer("GAGG")
    assert script.decide(role(script), now=script.now + 10_000) == []


def test_it_settles_nothing_that_it_did_not_train() -> None:
    script = Script().bring_to(Phase.TRAINING)
    script.answer("GAA")
    late = script.couple.deadline + 901
    flagged: dict[str, TaskResult] = {
        job_key(script.tc, 1, script.cis()[0]): Flagged(flag=FlagReason.WEIGHTS_UNAVAILABLE, why="gone")
    }
    assert script.decide(role(script), flagged, now=late) == []
    assert script.decide(role(script), {}, now=late) == []


def test_it_settles_each_of_its_subsets() -> None:
    script = Script(subsets=2, subsets_per_round=2).bring_to(Phase.SETTLING)
    results = trained(script, script.cis(0)[0], script.cis(1)[0])
    late = script.couple.deadline + 901
    assert [call.arguments[1] for call in sent(script.decide(role(script), results, now=late))] == [0, 1]
    script.now = late
    script.settle(0)
    assert [call.arguments[1] for call in sent(script.decide(role(script), results))] == [1]


# --- leaving ---


def test_it_takes_its_bond_back_from_a_data_owner_that_does_not_answer() -> None:
    script = named()
    ci = script.cis()[0]
    script.join(ci)
    last = script.now + 86_400
    assert script.decide(role(script), opened(ci), now=last) == []
    assert sent(script.decide(role(script), opened(ci), now=last + 1)) == [calls.release_ci(ci)]
    script.now = last + 1
    script.send(script.cos[0], calls.release_ci(ci))
    assert script.decide(role(script), opened(ci)) == [ForgetReplica(ci)]


def test_it_takes_its_bond_back_once_no_round_needs_it() -> None:
    script = Script().open()
    ci = script.cis()[0]
    script.send(script.cos[0], calls.retire_ci(ci))
    held = script.now + script.terms.unbonding_seconds
    assert script.decide(role(script), now=held) == []
    assert sent(script.decide(role(script), now=held + 1)) == [calls.release_ci(ci)]


def test_it_leaves_when_the_offer_ends() -> None:
    script = Script().open()
    ci, end = script.cis()[0], script.terms.ends_at
    assert script.decide(role(script), opened(ci), now=end) == []
    assert sent(script.decide(role(script), opened(ci), now=end + 1)) == [calls.release_ci(ci)]


def test_answers_come_before_the_care_of_replicas() -> None:
    script = Script(replicas=2, subsets=2, subsets_per_round=2).bring_to(Phase.TRAINING)
    mine = [script.cis(subset)[0] for subset in (0, 1)]
    script.send(script.cos[0], calls.retire_ci(mine[1]))
    script.now = script.couple.deadline
    later = script.instance(mine[1]).since + script.terms.unbonding_seconds + 1
    results = trained(script, *mine)
    assert [call.function for call in sent(script.decide(role(script), results))] == ["updateTJ"] * 2
    assert [call.function for call in sent(script.decide(role(script), results, now=later))] == ["releaseCI"]


# --- what goes wrong ---


def test_a_couple_that_makes_no_sense_stops_no_other(caplog: pytest.LogCaptureFixture) -> None:
    script = Script().bring_to(Phase.TRAINING)
    (task,) = script.decide(role(script))
    strange = CoupleId(script.tc + 1)
    nonsense = replace(script.couple, id=strange, rounds={})
    script.market.couples = {strange: nonsense, **script.market.couples}
    assert script.decide(role(script)) == [task]
    (told,) = [record.getMessage() for record in caplog.records]
    assert told.startswith(f"couple {strange:x} is left alone: KeyError: 1 (")


def test_a_replica_that_makes_no_sense_stops_no_other(caplog: pytest.LogCaptureFixture) -> None:
    script = named()
    strange = instance_id(dataset_id(script.do.address, 9), 0, 1)
    other = replace(script.instance(script.cis()[0]), id=strange)
    acts = script.decide(role(script))
    script.market.instances[strange] = other
    assert script.decide(role(script)) == acts
    (told,) = [record.getMessage() for record in caplog.records]
    assert told.startswith(f"instance {strange:x} is left alone: KeyError: ")
