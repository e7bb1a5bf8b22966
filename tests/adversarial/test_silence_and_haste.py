"""Members that fall silent, run ahead or publish nothing of use: none that is honest is harmed.

Rules: T20, T29, S3, S8, S21, S12, R5, A34, A35.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from agents.core import calls
from agents.core.enums import CouplePhase, InstanceStatus, JobStatus
from agents.core.hashing import set_bits, training_receipt
from agents.core.ids import subset_of
from agents.demo.cheats import SilentCloudOwner
from agents.demo.scenario import Conduct
from agents.roles.acts import job_key
from agents.roles.common import training_nonce
from agents.roles.results import TrainingResult
from testing.company import FINNEY, TERMS, Company, with_terms
from testing.villains import UnfetchableWeightsWorker
from tests.adversarial.test_seven_questions import is_sound

Gather = Callable[..., Company]


def test_a_silent_co_loses_its_penalty_and_then_its_place(gather: Gather) -> None:
    crew = gather(
        cheats={0: Conduct(role=SilentCloudOwner)}, terms=with_terms(miss_penalty=6 * FINNEY), rounds=3
    )
    crew.play()

    cheat = crew.cloud_owners[0]
    assert crew.verdicts(cheat) == [JobStatus.MISSED] * 3, "one for each subset that it holds"
    gone = {InstanceStatus.RETIRING, InstanceStatus.RETIRED}
    assert {i.status for i in crew.instances(cheat)} <= gone, "none can cover another miss"
    left = crew.market.balances[cheat.address] + sum(i.bond for i in crew.instances(cheat))
    assert left == 3 * (10 - 6) * FINNEY
    for member in crew.cloud_owners[1:]:
        assert crew.verdicts(member) == [JobStatus.ACCEPTED] * 3
    assert is_sound(crew)


def test_a_silent_do_forfeits_its_bond_and_ends_the_couple(gather: Gather) -> None:
    crew = gather()
    crew.play_until(CouplePhase.DRAWING)
    mo, before = crew.model_owner, crew.couple.escrow
    everyone_else = [member for member in crew.everybody if member is not crew.data_owner]
    crew.play(lambda: crew.couple.phase is CouplePhase.ABORTED, *everyone_else)

    assert crew.market.balances[mo.address] == before + TERMS.couple_bond
    assert crew.market.balances[crew.data_owner.address] == 0
    assert is_sound(crew)


def test_when_the_mo_vanishes_whoever_trained_is_paid_and_all_coins_come_free(gather: Gather) -> None:
    crew = gather()
    crew.play_until(CouplePhase.TRAINING)
    others = [member for member in crew.everybody if member is not crew.model_owner]
    crew.play(lambda: crew.couple.current.closed, *others)

    assert all(crew.verdicts(member) == [JobStatus.ACCEPTED] for member in crew.cloud_owners)
    settler = next(iter(crew.couple.current.settlers.values()))
    assert settler in {member.address for member in crew.cloud_owners}

    crew.travel(TERMS.couple_window_seconds + TERMS.answer_window_seconds)
    crew.play(lambda: crew.couple.phase is CouplePhase.COMPLETED, *others)
    crew.travel(TERMS.ends_at)
    crew.settle_down(*others)
    market = crew.market
    assert sum(market.balances.values()) == market.total(), "every coin is in somebody's free balance"
    assert is_sound(crew)


def test_an_mo_that_publishes_weights_nobody_can_fetch_pays_with_a_void_round(gather: Gather) -> None:
    crew = gather()
    mo = crew.model_owner.executor
    mo.worker = UnfetchableWeightsWorker(**vars(mo.worker))
    crew.play()

    couple = crew.couple
    assert all(
        record.closed and record.voided == set(set_bits(record.drawn)) for record in couple.rounds.values()
    )
    assert all(crew.verdicts(member) == [] for member in crew.cloud_owners)
    assert {i.bond for i in crew.market.instances.values()} == {TERMS.instance_bond}
    assert couple.phase is CouplePhase.COMPLETED
    escrow = couple.max_rounds * TERMS.escrow_per_round
    assert crew.market.balances[crew.model_owner.address] == escrow, "nobody was paid either"
    assert is_sound(crew)


def test_front_running_a_report_harms_only_the_runner(gather: Gather) -> None:
    """Who sees a report in flight and sends the same first gets a receipt that opens to nothing for it."""
    crew = gather()
    crew.play_until(CouplePhase.TRAINING)
    victim, runner = crew.cloud_owners[0], crew.cloud_owners[1]
    couple = crew.couple
    (subset,) = set_bits(couple.pending)
    mine, theirs = (
        next(i for i in crew.instances(member) if subset_of(i.id) == subset) for member in (victim, runner)
    )
    nonce = training_nonce(victim.identity, couple.id, 1, mine.id)
    in_flight = training_receipt(
        victim.identity.receipt_domain, couple.id, 1, mine.id, victim.address, bytes(32), nonce
    )
    crew.settle_down(crew.cloud_owners[2])
    runner.send(calls.update_tj(couple.id, theirs.id, 1, in_flight, nonce, b""))
    crew.play(lambda: crew.couple.round == 2 or crew.couple.phase is CouplePhase.COMPLETED)

    record = crew.couple.rounds[1]
    assert record.verdicts[mine.id] == (JobStatus.ACCEPTED, FINNEY + 9 * FINNEY // 2)
    assert record.verdicts[theirs.id] == (JobStatus.FAULTY, TERMS.instance_bond)
    assert is_sound(crew)


def test_a_report_is_worthless_in_another_round_and_another_market(gather: Gather) -> None:
    """A receipt binds chain, market, couple, round, instance and reporter: replayed, it is Faulty at best."""
    crew = gather()
    crew.play_until(CouplePhase.TRAINING)
    crew.settle_down(*crew.cloud_owners)
    member = crew.cloud_owners[0]
    (old,) = [r for r in crew.couple.current.reports.values() if r.cloud_owner == member.address]
    crew.play_until(CouplePhase.TRAINING, round_=2)
    couple = crew.couple
    (subset,) = set_bits(couple.pending)
    instance = next(i for i in crew.instances(member) if subset_of(i.id) == subset)

    late = member.refusal(calls.update_tj(couple.id, instance.id, 1, old.hash, old.nonce, b""))
    assert late is not None
    assert late.error == "Training_WrongRound"
    assert member.refusal(calls.update_tj(couple.id, instance.id, 2, old.hash, old.nonce, b"")) is None
    crew.play()
    assert crew.couple.rounds[2].verdicts[instance.id][0] is JobStatus.FAULTY

    elsewhere = gather("elsewhere")
    assert elsewhere.client.deployment.market != crew.client.deployment.market
    assert elsewhere.cloud_owners[0].identity.receipt_domain != member.identity.receipt_domain
    assert is_sound(crew)


def test_a_settler_can_neither_omit_nor_alter_nor_add_a_report(gather: Gather) -> None:
    crew = gather()
    crew.play_until(CouplePhase.TRAINING)
    crew.settle_down(*crew.cloud_owners)
    couple, settler = crew.couple, crew.model_owner
    (subset,) = set_bits(couple.pending)
    reports = crew.market.reports_of(couple, subset)
    result = crew.cloud_owners[0].runner.journal[job_key(couple.id, 1, reports[0].ci)]
    assert isinstance(result, TrainingResult)
    digest = result.digest
    forged = replace(reports[2], hash=bytes(32))
    for given, error in (
        (reports[:2], "Settlement_ReportMissing"),
        ([reports[0], reports[0], reports[2]], "Settlement_ReportMissing"),
        ([*reports[:2], forged], "Settlement_ReportAltered"),
        ([*reports, reports[2]], "Settlement_TooManyReports"),
    ):
        refused = settler.refusal(calls.settle_round(couple.id, subset, digest, given))
        assert refused is not None
        assert refused.error == error
    refused = settler.refusal(calls.settle_round(couple.id, subset, bytes(32), reports))
    assert refused is not None
    assert refused.error == "Settlement_NoQuorum", "a false digest does nothing"
    assert settler.refusal(calls.settle_round(couple.id, subset, digest, reports)) is None
    assert is_sound(crew)
