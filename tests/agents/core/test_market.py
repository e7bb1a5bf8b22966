"""The mirror: what each event leaves, where the coins are, and what time makes of it.

Rules: L6, D23, T23, A18.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest

from agents.core import calls
from agents.core.assets import FLAGGED_OUT
from agents.core.enums import CouplePhase as Phase
from agents.core.enums import FlagReason, JobStatus, Role
from agents.core.enums import InstanceStatus as Status
from agents.core.events import Logged
from agents.core.hashing import full_set
from agents.core.ids import replica_of
from agents.core.market import Market, expected_draw
from testing.script import BALANCE, FORGED, LOCATION, METADATA, PLAN, Script


def balances(script: Script) -> dict[str, int]:
    """Free coins of the DO, the MO and each CO."""
    people = {"do": script.do, "mo": script.mo} | {f"co{i}": co for i, co in enumerate(script.cos)}
    return {name: script.coins(who) for name, who in people.items()}


def changes(script: Script, act: Callable[[], object]) -> dict[str, int]:
    """Whose free coins become more or less by an act; the market's total must stay."""
    before, total = balances(script), script.market.total()
    act()
    assert script.market.total() == total
    after = balances(script)
    return {name: after[name] - before[name] for name in after if after[name] != before[name]}


# --- ledger and members ---


def test_a_registration_makes_a_member_with_a_balance() -> None:
    script = Script(replicas=2)
    script.register()
    (data_owner,) = script.market.members_of(Role.DATA_OWNER)
    assert data_owner.address == script.do.address
    assert data_owner.encryption_key == script.do.encryption_key
    assert [co.address for co in script.market.members_of(Role.CLOUD_OWNER)] == [
        co.address for co in script.cos
    ]
    assert script.coins(script.do) == BALANCE


def test_deposits_and_withdrawals_move_the_balance_and_the_total() -> None:
    script = Script()
    script.register()
    total = script.market.total()
    script.send(script.stranger, calls.deposit(70))
    script.send(script.stranger, calls.withdraw(30))
    assert script.coins(script.stranger) == 40
    assert script.market.total() == total + 40


def test_an_object_that_is_no_event_changes_nothing() -> None:
    market, nonsense = Market(), Logged("nonsense", 1, bytes(32), 1, 0, bytes(32))  # type: ignore[arg-type]
    market.apply(nonsense)
    assert market.take_misfits() == [nonsense]
    assert market.take_misfits() == []
    assert (market.members, market.couples, market.total()) == ({}, {}, 0)


def test_the_clock_is_that_of_the_last_event() -> None:
    script = Script()
    script.now += 77
    script.register()
    assert script.market.timestamp == script.now


# --- distribution ---


def test_a_dataset_has_its_terms_and_empty_subsets() -> None:
    script = Script(subsets=3)
    script.register()
    script.offer()
    dataset = script.dataset
    assert (dataset.owner, dataset.terms) == (script.do.address, script.terms)
    assert (dataset.metadata_hash, dataset.metadata_location) == (METADATA, LOCATION)
    assert [subset.places for subset in dataset.subsets] == [[], [], []]
    assert dataset.pool_version == 0
    assert script.market.covered(script.ds) == 0


def test_a_named_instance_is_free_and_holds_the_next_place() -> None:
    script = Script(replicas=2)
    script.register()
    script.offer()
    script.now += 5
    script.name()
    first, second = script.cis()
    assert [replica_of(ci) for ci in (first, second)] == [1, 2]
    instance = script.instance(first)
    assert (instance.status, instance.since, instance.bond) == (Status.FREE, script.now, 0)
    assert (instance.cloud_owner, instance.sealed_location) == (script.cos[0].address, LOCATION)
    assert list(script.market.instances_at(script.cos[1].address)) == [script.instance(second)]


def test_joining_locks_the_bond_and_keeps_the_receipt() -> None:
    script = Script(replicas=1)
    script.register()
    script.offer()
    script.name()
    (ci,) = script.cis()
    script.now += 9
    assert changes(script, lambda: script.join(ci)) == {"co0": -300}
    instance = script.instance(ci)
    assert (instance.status, instance.since, instance.bond) == (Status.JOINED, script.now, 300)
    assert (instance.data_hash, instance.nonce) == script.data_receipt(ci)


def test_a_refusal_frees_the_place() -> None:
    script = Script(replicas=2)
    script.register()
    script.offer()
    script.name()
    first, second = script.cis()
    script.send(script.cos[0], calls.refuse_ci(first))
    assert script.instance(first).status is Status.REFUSED
    assert script.cis() == [second]


def test_a_rejection_frees_place_and_bond() -> None:
    script = Script(replicas=1)
    script.register()
    script.offer()
    script.name()
    (ci,) = script.cis()
    script.join(ci)
    assert changes(script, lambda: script.verify(ci, ok=False)) == {"co0": 300}
    assert (script.instance(ci).status, script.instance(ci).bond) == (Status.REJECTED, 0)
    assert script.cis() == []
    assert script.dataset.pool_version == 0


def test_the_pool_counts_who_enters_and_who_leaves() -> None:
    script = Script(replicas=2).open()
    first, second = map(script.instance, script.cis())
    assert (first.verified_at, second.verified_at, script.dataset.pool_version) == (1, 2, 2)
    script.send(script.cos[0], calls.retire_ci(first.id))
    assert (first.status, first.left_at, script.dataset.pool_version) == (Status.RETIRING, 3, 3)
    assert script.market.pool_of(script.ds, 0) == [second]
    assert script.market.covered(script.ds) == 1
    script.send(script.cos[1], calls.retire_ci(second.id))
    assert script.market.covered(script.ds) == 0


@pytest.mark.parametrize(("version", "was_in"), [(0, False), (1, True), (2, True), (3, False), (4, False)])
def test_an_instance_was_in_the_pool_between_its_two_counts(version: int, was_in: bool) -> None:
    script = Script(replicas=2).open()
    first = script.instance(script.cis()[0])
    script.send(script.cos[0], calls.retire_ci(first.id))
    assert first.was_in_pool(version) is was_in


def test_an_instance_that_never_entered_was_never_in_the_pool() -> None:
    script = Script(replicas=1)
    script.register()
    script.offer()
    script.name()
    assert not script.instance(script.cis()[0]).was_in_pool(0)


def test_a_retired_instance_gives_back_bond_and_place() -> None:
    script = Script(replicas=1).open()
    (ci,) = script.cis()
    script.send(script.cos[0], calls.retire_ci(ci))
    assert script.cis() == [ci]  # it may still be judged
    script.now += script.terms.unbonding_seconds + 1
    assert changes(script, lambda: script.send(script.stranger, calls.release_ci(ci))) == {"co0": 300}
    assert script.cis() == []
    assert (script.instance(ci).status, script.instance(ci).bond) == (Status.RETIRED, 0)


def test_the_last_place_moves_into_the_one_that_falls_free() -> None:
    script = Script(replicas=4)
    script.register()
    script.offer()
    script.name()
    one, two, three, four = script.cis()
    script.send(script.cos[1], calls.refuse_ci(two))
    assert script.cis() == [one, four, three]
    script.send(script.cos[2], calls.refuse_ci(three))
    assert script.cis() == [one, four]
    script.name(script.cos[1])
    assert [replica_of(ci) for ci in script.cis()] == [1, 4, 5]
    assert script.dataset.subsets[0].named == 5


@pytest.mark.parametrize("status", [Status.FREE, Status.JOINED, Status.VERIFIED, Status.RETIRING])
def test_anyone_may_release_an_instance_only_after_its_second(status: Status) -> None:
    script = Script(replicas=1)
    script.register()
    script.offer()
    script.name()
    (ci,) = script.cis()
    if status is not Status.FREE:
        script.join(ci)
    if status in (Status.VERIFIED, Status.RETIRING):
        script.verify(ci)
    if status is Status.RETIRING:
        script.send(script.cos[0], calls.retire_ci(ci))
    instance, terms = script.instance(ci), script.terms
    expected = {
        Status.FREE: instance.since + terms.answer_window_seconds,
        Status.JOINED: instance.since + terms.answer_window_seconds,
        Status.VERIFIED: terms.ends_at,
        Status.RETIRING: instance.since + script.terms.unbonding_seconds,
    }
    assert instance.status is status
    assert script.market.releasable_after(instance) == expected[status]


def test_nobody_ever_releases_who_is_gone() -> None:
    script = Script(replicas=1)
    script.register()
    script.offer()
    script.name()
    (ci,) = script.cis()
    script.send(script.cos[0], calls.refuse_ci(ci))
    assert script.market.releasable_after(script.instance(ci)) == math.inf


# --- the request ---


def test_a_model_is_kept_as_it_was_registered() -> None:
    script = Script()
    script.register()
    model = script.market.models[script.mod]
    assert (model.owner, model.model_type) == (script.mo.address, "linear")
    assert (model.plan_hash, model.plan_location) == (PLAN, LOCATION)


def test_a_request_locks_the_whole_escrow() -> None:
    script = Script(replicas=3, rounds=2, subsets=2, subsets_per_round=2, quorum=2).open()
    escrow = 2 * (1_000 + 2 * 3 * 100)
    assert changes(script, script.request) == {"mo": -escrow}
    couple = script.couple
    assert (couple.escrow, couple.max_rounds, couple.quorum, couple.round) == (escrow, 2, 2, 0)
    assert couple.deadline == script.now + script.terms.answer_window_seconds
    assert couple.window_ends_at == couple.deadline + script.terms.couple_window_seconds
    assert (couple.ds, couple.mod, couple.do_tip) == (script.ds, script.mod, bytes(32))


def test_an_approval_locks_the_data_owners_bond() -> None:
    script = Script().bring_to(Phase.REQUESTED)
    assert changes(script, script.approve) == {"do": -500}
    assert (script.couple.phase, script.couple.deadline) == (Phase.APPROVED, 0)
    assert script.couple.do_tip != bytes(32)


@pytest.mark.parametrize("how", ["decline", "cancel", "expire"])
def test_a_request_that_comes_to_nothing_frees_the_escrow(how: str) -> None:
    script = Script(rounds=1).bring_to(Phase.LAPSED if how == "expire" else Phase.REQUESTED)
    end = {
        "decline": lambda: script.send(script.do, calls.decline_tc(script.tc)),
        "cancel": lambda: script.send(script.mo, calls.cancel_tc(script.tc)),
        "expire": lambda: script.send(script.stranger, calls.expire_request(script.tc)),
    }
    assert changes(script, end[how]) == {"mo": 1_300}
    assert script.couple.phase is (Phase.DECLINED if how == "decline" else Phase.CANCELLED)
    assert (script.couple.escrow, script.couple.deadline) == (0, 0)


# --- a round ---


def test_a_started_round_waits_for_the_data_owner() -> None:
    script = Script().bring_to(Phase.APPROVED)
    script.now += 3
    script.start()
    couple, record = script.couple, script.couple.current
    assert (couple.phase, couple.round) == (Phase.DRAWING, 1)
    assert couple.deadline == script.now + script.terms.draw_window_seconds
    assert couple.mo_tip == record.mo_seed
    assert (record.model_hash, record.model_location, record.drawn) == (LOCATION, LOCATION, 0)


def test_a_draw_asks_the_whole_pool_of_its_subsets() -> None:
    script = Script(replicas=3, subsets=4, subsets_per_round=2).bring_to(Phase.DRAWING)
    script.draw()
    couple, record = script.couple, script.couple.current
    assert len(script.drawn) == 2
    assert record.drawn == expected_draw(couple, record, script.terms)
    assert couple.pending == couple.drawn_this_epoch == record.drawn
    assert (couple.rem, couple.flags_left, record.jobs) == (6, 3, 6)
    assert couple.deadline == script.now + script.terms.report_window_seconds
    assert couple.pool_version == record.pool_version == script.dataset.pool_version == 12
    assert couple.do_tip == record.do_seed


def test_an_epoch_ends_when_every_subset_was_drawn() -> None:
    script = Script(replicas=1, rounds=5, subsets=3, subsets_per_round=2).bring_to(Phase.APPROVED)
    drawn = []
    for _ in range(5):
        script.play_round(*("A",) * (1 if script.couple.drawn_this_epoch.bit_count() == 2 else 2))
        script.settle_all()
        drawn.append(script.couple.current.drawn)
    assert [word.bit_count() for word in drawn] == [2, 1, 2, 1, 2]
    assert drawn[0] | drawn[1] == drawn[2] | drawn[3] == full_set(3)
    assert script.couple.drawn_this_epoch == drawn[4]


def test_an_answer_is_kept_and_counted_down() -> None:
    script = Script(replicas=3).bring_to(Phase.TRAINING)
    reporting, flagging, silent = script.cis()
    script.report(reporting)
    script.flag(flagging)
    couple, record = script.couple, script.couple.current
    assert (couple.rem, couple.flags_left) == (1, 0)
    assert [record.answered(ci) for ci in (reporting, flagging, silent)] == [True, True, False]
    report = record.reports[reporting]
    assert (report.hash, report.nonce) == script.receipt(reporting)
    assert (report.cloud_owner, report.sealed_location) == (script.cos[0].address, LOCATION)
    assert record.flags == {flagging: FlagReason.WEIGHTS_UNAVAILABLE}


def test_a_round_is_overdue_when_more_than_half_flagged() -> None:
    script = Script(replicas=3).bring_to(Phase.TRAINING)
    first, second, third = script.cis()
    script.report(third)
    script.flag(first)
    assert not script.couple.current.closed
    script.now += 4
    assert changes(script, lambda: script.flag(second)) == {}
    couple = script.couple
    assert (script.phase, couple.flags_left, couple.pending) == (Phase.OVERDUE, FLAGGED_OUT, 1)
    assert script.market.overdue_since(couple) == couple.current.flagged_out_at == script.now
    assert couple.job_status(third) == (1, JobStatus.REPORTED)
    assert changes(script, script.close) == {"do": 1_000 + 2 * 100, "co2": 100}
    assert (couple.phase, couple.pending, couple.rem, couple.deadline) == (Phase.APPROVED, 0, 0, 0)
    assert couple.current.voided == {0}
    assert couple.current.closed_at == script.now
    assert couple.job_status(third) == (1, JobStatus.VOID)


def test_a_subset_of_which_some_flagged_pays_its_reports_and_fines_the_silent() -> None:
    script = Script(replicas=4, subsets=2, subsets_per_round=2).bring_to(Phase.TRAINING)
    script.answer("AAAA", "AGGM")
    couple, (settled, blocked) = script.couple, script.drawn
    script.settle(settled)
    assert [script.market.is_flagged(couple, subset) for subset in script.drawn] == [False, True]
    escrow, silent = couple.escrow, script.instance(script.cis(blocked)[3])
    assert changes(script, script.close) == {"do": 500 + 3 * 100, "co0": 100}
    assert (couple.escrow, silent.bond) == (escrow - 500 - 4 * 100 + 40, 260)


@pytest.mark.parametrize(("quorum", "pays"), [(0, False), (3, False), (4, True), (5, True)])
def test_a_subset_of_which_more_than_a_majority_had_to_agree_pays_its_reports(
    quorum: int, pays: bool
) -> None:
    script = Script(replicas=5, quorum=quorum).bring_to(Phase.TRAINING)
    script.answer("AAFMM")
    couple = script.couple
    assert not script.market.is_flagged(couple, 0)
    assert script.market.majority_of(couple, 0) == 3
    assert script.market.pays_who_reported(couple, 0) is pays
    share = 1_000 + 2 * 100 if pays else 0
    assert script.market.void_share_of(couple, 0) == share
    escrow, reporters = couple.escrow, ("co0", "co1", "co2")
    due = {"do": share} | dict.fromkeys(reporters, 100) if pays else {}
    assert changes(script, script.close) == due
    assert couple.escrow == escrow + 2 * 40 - share - (300 if pays else 0)


def test_a_subset_without_reports_pays_nobody_whatever_its_quorum() -> None:
    script = Script(replicas=3, quorum=3).bring_to(Phase.TRAINING)
    script.answer("MMM")
    assert script.market.pays_who_reported(script.couple, 0)
    assert script.market.void_share_of(script.couple, 0) == 0
    assert changes(script, script.close) == {}


@pytest.mark.parametrize(("quorum", "needed"), [(0, 2), (1, 2), (2, 2), (3, 3), (4, 3), (5, 3)])
def test_a_quorum_is_a_majority_at_least_and_all_at_most(quorum: int, needed: int) -> None:
    script = Script(replicas=5, quorum=quorum).open()
    for ci in script.cis()[3:]:
        script.send(script.owner(ci), calls.retire_ci(ci))
    script.request()
    script.approve()
    script.start()
    script.draw()
    assert script.market.quorum_of(script.couple, 0) == needed


def test_assignments_are_of_the_pool_at_the_start() -> None:
    script = Script(replicas=3).bring_to(Phase.APPROVED)
    early, leaving, staying = map(script.instance, script.cis())
    script.send(script.owner(early.id), calls.retire_ci(early.id))
    script.start()
    script.send(script.owner(leaving.id), calls.retire_ci(leaving.id))
    script.draw()
    assert script.couple.current.jobs == 2
    assert script.market.assigned(script.couple, 0) == [leaving, staying]
    script.report(staying.id)
    script.report(leaving.id)
    reports = script.market.reports_of(script.couple, 0)
    assert [report.ci for report in reports] == [leaving.id, staying.id]  # by places, not by arrival


# --- settlement ---


def test_a_settled_subset_pays_its_jobs_and_the_data_owner() -> None:
    script = Script(replicas=3, subsets=2, subsets_per_round=2).bring_to(Phase.SETTLING)
    first, second = script.drawn
    escrow = script.couple.escrow
    paid = changes(script, lambda: script.settle(first))
    assert paid == {"do": 500, "co0": 100, "co1": 100, "co2": 100}
    couple, record = script.couple, script.couple.current
    assert couple.escrow == escrow - 800
    assert (couple.pending, record.closed) == (1 << second, False)
    assert record.digests == {first: script.model_digest(first)}
    assert record.shares == {first: 500}
    assert record.settlers == {first: script.mo.address}
    script.settle(second)
    assert (couple.pending, couple.phase, record.closed) == (0, Phase.APPROVED, True)


def test_the_faulty_pay_the_model_owner_first_and_then_the_accepted() -> None:
    script = Script(replicas=3, instance_bond=301).bring_to(Phase.TRAINING)
    script.answer("AFA")
    escrow, liar = script.couple.escrow, script.cis()[1]
    # of the bond of 301 a job's price goes to the escrow; of the other 201 each accepted gets 100
    assert changes(script, lambda: script.settle(0)) == {"do": 1_000, "co0": 200, "co2": 200}
    assert script.couple.escrow == escrow - 1_000 - 400 + 301
    assert (script.instance(liar).bond, script.instance(liar).status) == (0, Status.RETIRING)
    assert script.couple.current.verdicts[liar] == (JobStatus.FAULTY, 301)


def test_the_missed_pay_their_penalty_to_the_escrow_and_stay_while_they_can() -> None:
    script = Script(replicas=3, rounds=3, instance_bond=100).bring_to(Phase.TRAINING)
    silent = script.instance(script.cis()[2])
    script.answer("AAM")
    escrow = script.couple.escrow
    script.settle(0)
    assert script.couple.escrow == escrow - 1_200 + 40
    assert (silent.bond, silent.status) == (60, Status.VERIFIED)
    script.play_round("AAM")
    script.settle(0)
    assert (silent.bond, silent.status) == (20, Status.RETIRING)
    script.start()
    script.draw()
    assert script.couple.current.jobs == 2


def test_a_bond_that_is_used_up_gives_what_it_has() -> None:
    script = Script(replicas=3, rounds=2, instance_bond=100, miss_penalty=70).bring_to(Phase.TRAINING)
    other = script.cis()[2]
    script.answer("AAM")
    script.settle(0)
    assert script.couple.current.verdicts[other] == (JobStatus.MISSED, 70)
    assert (script.instance(other).bond, script.instance(other).status) == (30, Status.RETIRING)


def test_a_flag_costs_nothing() -> None:
    script = Script(replicas=3).bring_to(Phase.TRAINING)
    script.answer("AAG")
    script.settle(0)
    flagged = script.cis()[2]
    assert flagged not in script.couple.current.verdicts
    assert (script.instance(flagged).bond, script.coins(script.cos[2])) == (300, BALANCE - 300)
    assert script.couple.job_status(flagged) == (1, JobStatus.FLAGGED)


def test_a_void_subset_is_not_paid_for() -> None:
    script = Script(replicas=3).bring_to(Phase.TRAINING)
    script.answer("AFM")
    escrow = script.couple.escrow
    assert changes(script, script.close) == {}
    couple, record = script.couple, script.couple.current
    assert couple.escrow == escrow + 40
    assert (record.voided, record.closed, couple.pending) == ({0}, True, 0)
    assert (couple.phase, couple.rem) == (Phase.APPROVED, 0)
    assert [couple.job_status(ci)[1] for ci in script.cis()] == [
        JobStatus.VOID,
        JobStatus.VOID,
        JobStatus.MISSED,
    ]


# --- the end ---


def test_completion_frees_escrow_and_bond() -> None:
    script = Script(replicas=3).bring_to(Phase.SETTLING)
    script.settle(0)
    left = script.couple.escrow
    done = changes(script, lambda: script.send(script.mo, calls.complete_tc(script.tc, FORGED)))
    assert done == {"mo": left, "do": 500}
    assert (script.couple.phase, script.couple.final_model_hash) == (Phase.COMPLETED, FORGED)


def test_a_withheld_seed_costs_the_data_owner_its_bond() -> None:
    script = Script().bring_to(Phase.WITHHELD)
    left = script.couple.escrow
    aborted = changes(script, lambda: script.send(script.stranger, calls.expire_draw(script.tc)))
    assert aborted == {"mo": left + 500}
    assert script.couple.phase is Phase.ABORTED


# --- phases in time ---


@pytest.mark.parametrize(
    ("start", "second", "phase"),
    [
        (Phase.REQUESTED, 86_400, Phase.REQUESTED),
        (Phase.REQUESTED, 86_401, Phase.LAPSED),
        (Phase.APPROVED, 691_200, Phase.APPROVED),
        (Phase.APPROVED, 691_201, Phase.ENDED),
        (Phase.DRAWING, 3_600, Phase.DRAWING),
        (Phase.DRAWING, 3_601, Phase.WITHHELD),
        (Phase.TRAINING, 7_200, Phase.TRAINING),
        (Phase.TRAINING, 7_201, Phase.SETTLING),
        (Phase.TRAINING, 9_000, Phase.SETTLING),
        (Phase.TRAINING, 9_001, Phase.OVERDUE),
        (Phase.SETTLING, 0, Phase.SETTLING),
        (Phase.SETTLING, 9_000, Phase.SETTLING),
        (Phase.SETTLING, 9_001, Phase.OVERDUE),
    ],
)
def test_a_phase_ends_with_its_last_second(start: Phase, second: int, phase: Phase) -> None:
    script = Script().bring_to(start)
    assert script.market.phase_of(script.couple, script.now + second) is phase


def test_a_couple_has_ended_once_its_rounds_are_used() -> None:
    script = Script(rounds=1).bring_to(Phase.SETTLING)
    script.settle(0)
    assert script.couple.phase is Phase.APPROVED
    assert script.phase is Phase.ENDED


@pytest.mark.parametrize("call", [calls.decline_tc, calls.cancel_tc])
def test_an_end_stays_an_end(call: Callable[..., calls.Call]) -> None:
    script = Script().bring_to(Phase.REQUESTED)
    script.send(script.do if call is calls.decline_tc else script.mo, call(script.tc))
    ended = script.phase
    assert script.market.phase_of(script.couple, script.now + 10**9) is ended


# --- jobs ---


def test_a_job_is_idle_until_it_is_answered() -> None:
    script = Script().bring_to(Phase.TRAINING)
    assert script.couple.job_status(script.cis()[0]) == (0, JobStatus.IDLE)


def test_a_silent_job_is_idle_until_it_is_judged() -> None:
    script = Script(replicas=3).bring_to(Phase.TRAINING)
    honest, liar, silent = script.cis()
    script.report(honest)
    assert script.couple.job_status(honest) == (1, JobStatus.REPORTED)
    script.report(liar, FORGED)
    script.now = script.couple.deadline + 1
    assert script.couple.job_status(liar) == (1, JobStatus.REPORTED)
    assert script.couple.job_status(silent) == (0, JobStatus.IDLE)
    script.close()
    assert script.couple.job_status(silent) == (1, JobStatus.MISSED)


def test_verdicts_are_told_by_round() -> None:
    script = Script(replicas=3, rounds=2).bring_to(Phase.TRAINING)
    first, second, third = script.cis()
    script.answer("AAF")
    script.settle(0)
    assert [script.couple.job_status(ci) for ci in (first, second, third)] == [
        (1, JobStatus.ACCEPTED),
        (1, JobStatus.ACCEPTED),
        (1, JobStatus.FAULTY),
    ]
    script.start()
    script.draw()
    script.report(first)
    assert script.couple.job_status(first) == (2, JobStatus.REPORTED)
    assert script.couple.job_status(second) == (1, JobStatus.ACCEPTED)


# --- whole stories ---


@pytest.mark.parametrize("letters", ["AAA", "AAF", "AAM", "AAG", "AFM", "AGG", "MMM", "FFF"])
def test_no_story_makes_or_loses_a_coin(letters: str) -> None:
    script = Script(replicas=3, rounds=3, instance_bond=311, round_price=997).bring_to(Phase.APPROVED)
    total = 5 * BALANCE
    script.play_round(letters)
    if letters.count("A") >= 2:
        script.settle(0)
    elif script.phase is not Phase.APPROVED:
        script.close()
    assert script.market.total() == total
    script.send(script.mo, calls.complete_tc(script.tc, FORGED))
    script.now = script.terms.ends_at + 1
    for ci in script.cis():
        script.send(script.stranger, calls.release_ci(ci))
    assert sum(script.market.balances.values()) == script.market.total() == total


def test_the_history_alone_rebuilds_the_market() -> None:
    script = Script(replicas=3, rounds=2, subsets=2, subsets_per_round=1).bring_to(Phase.SETTLING)
    script.settle_all()
    rebuilt = Market(script.chain.history)
    for name in ("members", "datasets", "instances", "models", "couples", "timestamp"):
        assert getattr(rebuilt, name) == getattr(script.market, name)
    assert rebuilt.total() == script.market.total()
