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
from agents.roles.common import training_nonce
from agents.roles.results import TrainingResult
from agents.roles.tasks.cloud_owner import job_key
from testing.adversaries import UnfetchableWeightsWorker
from testing.agent_network import FINNEY, TERMS, AgentNetwork, with_terms
from tests.adversarial.test_seven_questions import is_sound

Gather = Callable[..., AgentNetwork]


def test_a_silent_co_loses_its_penalty_and_then_its_place(gather: Gather) -> None:
    network = gather(
        cheats={0: Conduct(role=SilentCloudOwner)}, terms=with_terms(miss_penalty=6 * FINNEY), rounds=3
    )
    network.play()

    cheat = network.cloud_owners[0]
    assert network.verdicts(cheat) == [JobStatus.MISSED] * 3, "one for each subset that it holds"
    gone = {InstanceStatus.RETIRING, InstanceStatus.RETIRED}
    assert {i.status for i in network.instances(cheat)} <= gone, "none can cover another miss"
    left = network.market.balances[cheat.address] + sum(i.bond for i in network.instances(cheat))
    assert left == 3 * (10 - 6) * FINNEY
    for member in network.cloud_owners[1:]:
        assert network.verdicts(member) == [JobStatus.ACCEPTED] * 3
    assert is_sound(network)


def test_a_silent_do_forfeits_its_bond_and_ends_the_couple(gather: Gather) -> None:
    network = gather()
    network.play_until(CouplePhase.DRAWING)
    mo, before = network.model_owner, network.couple.escrow
    everyone_else = [member for member in network.everybody if member is not network.data_owner]
    network.play(lambda: network.couple.phase is CouplePhase.ABORTED, *everyone_else)

    assert network.market.balances[mo.address] == before + TERMS.couple_bond
    assert network.market.balances[network.data_owner.address] == 0
    assert is_sound(network)


def test_when_the_mo_vanishes_whoever_trained_is_paid_and_all_coins_come_free(gather: Gather) -> None:
    network = gather()
    network.play_until(CouplePhase.TRAINING)
    others = [member for member in network.everybody if member is not network.model_owner]
    network.play(lambda: network.couple.current.closed, *others)

    assert all(network.verdicts(member) == [JobStatus.ACCEPTED] for member in network.cloud_owners)
    settler = next(iter(network.couple.current.settlers.values()))
    assert settler in {member.address for member in network.cloud_owners}

    network.travel(TERMS.couple_window_seconds + TERMS.answer_window_seconds)
    network.play(lambda: network.couple.phase is CouplePhase.COMPLETED, *others)
    network.travel(TERMS.ends_at)
    network.settle_down(*others)
    market = network.market
    assert sum(market.balances.values()) == market.total(), "every coin is in somebody's free balance"
    assert is_sound(network)


def test_an_mo_that_publishes_weights_nobody_can_fetch_pays_with_a_void_round(gather: Gather) -> None:
    network = gather()
    mo = network.model_owner.executor
    mo.worker = UnfetchableWeightsWorker(**vars(mo.worker))
    network.play()

    couple = network.couple
    assert all(
        record.closed and record.voided == set(set_bits(record.drawn)) for record in couple.rounds.values()
    )
    assert all(network.verdicts(member) == [] for member in network.cloud_owners)
    assert {i.bond for i in network.market.instances.values()} == {TERMS.instance_bond}
    assert couple.phase is CouplePhase.COMPLETED
    escrow = couple.max_rounds * TERMS.escrow_per_round
    assert network.market.balances[network.model_owner.address] == escrow, "nobody was paid either"
    assert is_sound(network)


def test_front_running_a_report_harms_only_the_runner(gather: Gather) -> None:
    """Who sees a report in flight and sends the same first gets a receipt that opens to nothing for it."""
    network = gather()
    network.play_until(CouplePhase.TRAINING)
    victim, runner = network.cloud_owners[0], network.cloud_owners[1]
    couple = network.couple
    (subset,) = set_bits(couple.pending)
    mine, theirs = (
        next(i for i in network.instances(member) if subset_of(i.id) == subset) for member in (victim, runner)
    )
    nonce = training_nonce(victim.identity, couple.id, 1, mine.id)
    in_flight = training_receipt(
        victim.identity.receipt_domain, couple.id, 1, mine.id, victim.address, bytes(32), nonce
    )
    network.settle_down(network.cloud_owners[2])
    runner.send(calls.update_tj(couple.id, theirs.id, 1, in_flight, nonce, b""))
    network.play(lambda: network.couple.round == 2 or network.couple.phase is CouplePhase.COMPLETED)

    record = network.couple.rounds[1]
    assert record.verdicts[mine.id] == (JobStatus.ACCEPTED, FINNEY + 9 * FINNEY // 2)
    assert record.verdicts[theirs.id] == (JobStatus.FAULTY, TERMS.instance_bond)
    assert is_sound(network)


def test_a_report_is_worthless_in_another_round_and_another_market(gather: Gather) -> None:
    """A receipt binds chain, market, couple, round, instance and reporter: replayed, it is Faulty at best."""
    network = gather()
    network.play_until(CouplePhase.TRAINING)
    network.settle_down(*network.cloud_owners)
    member = network.cloud_owners[0]
    (old,) = [r for r in network.couple.current.reports.values() if r.cloud_owner == member.address]
    network.play_until(CouplePhase.TRAINING, round_=2)
    couple = network.couple
    (subset,) = set_bits(couple.pending)
    instance = next(i for i in network.instances(member) if subset_of(i.id) == subset)

    late = member.refusal(calls.update_tj(couple.id, instance.id, 1, old.hash, old.nonce, b""))
    assert late is not None
    assert late.error == "Training_WrongRound"
    assert member.refusal(calls.update_tj(couple.id, instance.id, 2, old.hash, old.nonce, b"")) is None
    network.play()
    assert network.couple.rounds[2].verdicts[instance.id][0] is JobStatus.FAULTY

    elsewhere = gather("elsewhere")
    assert elsewhere.client.deployment.market != network.client.deployment.market
    assert elsewhere.cloud_owners[0].identity.receipt_domain != member.identity.receipt_domain
    assert is_sound(network)


def test_a_settler_can_neither_omit_nor_alter_nor_add_a_report(gather: Gather) -> None:
    network = gather()
    network.play_until(CouplePhase.TRAINING)
    network.settle_down(*network.cloud_owners)
    couple, settler = network.couple, network.model_owner
    (subset,) = set_bits(couple.pending)
    reports = network.market.reports_of(couple, subset)
    result = network.cloud_owners[0].runner.journal[job_key(couple.id, 1, reports[0].ci)]
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
    assert is_sound(network)
