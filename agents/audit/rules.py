"""The market's rules, as an auditor checks them: what an event may say, by the events before it.

Each finding is the end of a sentence that begins with the event's name.
"""

from __future__ import annotations

from collections.abc import Iterator

from agents.core import events as e
from agents.core.assets import Couple, Instance, Round
from agents.core.enums import CouplePhase, InstanceStatus, JobStatus
from agents.core.hashing import next_tip, set_bits
from agents.core.ids import Address, CoupleId, InstanceId, dataset_of, short, subset_of
from agents.core.market import Market, expected_draw, expected_receipt

_Phase, _Status = CouplePhase, InstanceStatus

PHASES: dict[type[e.MarketEvent], tuple[CouplePhase, ...]] = {
    e.CoupleApproved: (_Phase.REQUESTED,),
    e.CoupleDeclined: (_Phase.REQUESTED,),
    e.CoupleCancelled: (_Phase.REQUESTED, _Phase.LAPSED),
    e.RoundStarted: (_Phase.APPROVED,),
    e.RoundDrawn: (_Phase.DRAWING,),
    e.CoupleAborted: (_Phase.WITHHELD,),
    e.JobReported: (_Phase.TRAINING,),
    e.JobFlagged: (_Phase.TRAINING,),
    e.RoundVoided: (_Phase.TRAINING, _Phase.SETTLING),  # Settling: its last flag was the last answer
    e.JobJudged: (_Phase.SETTLING, _Phase.OVERDUE),
    e.SubsetSettled: (_Phase.SETTLING,),
    e.SubsetVoided: (_Phase.OVERDUE,),
    e.RoundClosed: (_Phase.SETTLING, _Phase.OVERDUE),
    e.CoupleCompleted: (_Phase.APPROVED, _Phase.ENDED),
}
"""Where a couple may stand, as of the event's second, just before an event."""

STATUSES: dict[type[e.MarketEvent], tuple[InstanceStatus, ...]] = {
    e.InstanceJoined: (_Status.FREE,),
    e.InstanceRefused: (_Status.FREE,),
    e.InstanceVerified: (_Status.JOINED,),
    e.InstanceRejected: (_Status.JOINED,),
    e.InstanceRetiring: (_Status.VERIFIED,),
    e.InstanceRetired: (_Status.FREE, _Status.JOINED, _Status.RETIRING),
}
"""Where an instance may stand just before an event."""

_Answer = e.JobReported | e.JobFlagged
_OfARound = (
    _Answer | e.RoundDrawn | e.RoundVoided | e.JobJudged | e.SubsetSettled | e.SubsetVoided | e.RoundClosed
)
_InTime = e.InstanceJoined | e.InstanceVerified | e.InstanceRejected


def broken_before(market: Market, logged: e.Logged) -> Iterator[str]:
    """Rules that an event breaks in the state that it finds.

    Raises:
        LookupError: it speaks of what no event has made.
    """
    event, now = logged.event, logged.timestamp
    if type(event) in PHASES:
        yield from _of_couple(market, event, now)
    if type(event) in STATUSES:
        yield from _of_instance(market, event, now)
    for said, party in _parties(market, event):
        if said != party:
            yield f"is by {said}, not by {party}"
    match event:
        case e.CoupleRequested():
            escrow = event.max_rounds * market.datasets[event.ds].terms.escrow_per_round
            if event.escrow != escrow:
                yield f"locks {event.escrow}, not {escrow}"
        case e.JobReported() | e.JobFlagged() | e.JobJudged():
            yield from _of_job(market, event)
        case e.InstanceRetired():
            bond = market.instances[event.ci].bond
            if event.bond != bond:
                yield f"frees a bond of {event.bond}, not {bond}"
        case _:
            pass


def broken_after(market: Market, event: e.MarketEvent, domain: bytes) -> Iterator[str]:
    """Rules that an event breaks with what it claims, seen in the state that it leaves."""
    match event:
        case e.RoundDrawn():
            yield from _of_draw(market, market.couples[event.tc], event)
        case e.RoundVoided():
            record = market.couples[event.tc].rounds[event.round]
            if 2 * len(record.flags) <= record.jobs:
                yield f"voids a round with {len(record.flags)} flags in {record.jobs} jobs"
        case e.SubsetSettled():
            yield from _of_settlement(market, event, domain)
            yield from _of_leaving(market, event.tc, event.subset)
        case e.SubsetVoided():
            yield from _of_void(market, event)
            yield from _of_leaving(market, event.tc, event.subset)
        case e.RoundClosed():
            if market.couples[event.tc].pending:
                yield "closes a round with subsets to settle"
        case _:
            pass


def is_solvent(market: Market) -> bool:
    """Whether no balance, bond or escrow is below zero."""
    bonds = (instance.bond for instance in market.instances.values())
    escrows = (couple.escrow for couple in market.couples.values())
    return all(amount >= 0 for amounts in (market.balances.values(), bonds, escrows) for amount in amounts)


# --- who and when ---


def _of_couple(market: Market, event: e.MarketEvent, now: int) -> Iterator[str]:
    couple = market.couples[event.tc]  # type: ignore[union-attr]  # all events of PHASES name a couple
    phase = market.phase_of(couple, now)
    if phase not in PHASES[type(event)]:
        yield f"comes in phase {phase.name}"
    if isinstance(event, _OfARound) and event.round != couple.round:
        yield f"is of round {event.round}, not {couple.round}"
    match event:
        case e.RoundStarted():
            if event.round != couple.round + 1:
                yield f"is of round {event.round}, not {couple.round + 1}"
            if next_tip(event.mo_seed) != couple.mo_tip:
                yield "opens no link of its seed chain"
        case e.RoundDrawn():
            if next_tip(event.do_seed) != couple.do_tip:
                yield "opens no link of its seed chain"
        case e.CoupleCompleted() | e.CoupleCancelled():
            if phase in (_Phase.APPROVED, _Phase.REQUESTED) and event.by != couple.model_owner:
                yield f"is by {event.by}, not by {couple.model_owner}"
            if isinstance(event, e.CoupleCompleted) and event.refund != couple.escrow:
                yield f"refunds {event.refund}, not {couple.escrow}"
        case _:
            pass


def _of_instance(market: Market, event: e.MarketEvent, now: int) -> Iterator[str]:
    instance = market.instances[event.ci]  # type: ignore[union-attr]  # all events of STATUSES name one
    dataset = market.datasets[dataset_of(instance.id)]
    if instance.status not in STATUSES[type(event)]:
        yield f"comes in status {instance.status.name}"
    if isinstance(event, _InTime) and now > instance.since + dataset.terms.answer_window_seconds:
        yield "comes after its window"
    if isinstance(event, e.InstanceRetired):
        own = event.by in (instance.cloud_owner, dataset.owner) and instance.status is not _Status.RETIRING
        # an instance that the offer's end released was Verified up to this very second
        ended = instance.since == now > dataset.terms.ends_at
        if not own and not ended and now <= market.releasable_after(instance):
            yield "comes too early"


def _parties(market: Market, event: e.MarketEvent) -> Iterator[tuple[Address, Address]]:
    """Who an event says did it, and who may."""
    match event:
        case e.InstanceJoined() | e.InstanceRefused() | e.JobReported() | e.JobFlagged():
            yield event.cloud_owner, market.instances[event.ci].cloud_owner
        case e.InstanceVerified() | e.InstanceRejected():
            yield event.data_owner, market.datasets[dataset_of(event.ci)].owner
        case e.CoupleApproved() | e.CoupleDeclined() | e.RoundDrawn():
            yield event.data_owner, market.dataset_of(market.couples[event.tc]).owner
        case e.RoundStarted():
            yield event.model_owner, market.couples[event.tc].model_owner
        case e.CoupleRequested():
            yield event.model_owner, market.models[event.mod].owner
        case _:
            pass


# --- a round ---


def _of_job(market: Market, event: _Answer | e.JobJudged) -> Iterator[str]:
    couple, instance = market.couples[event.tc], market.instances[event.ci]
    pending = couple.pending >> subset_of(event.ci) & 1 and dataset_of(event.ci) == couple.ds
    if not (pending and instance.was_in_pool(couple.pool_version)):
        yield f"is of {short(event.ci)}, which was not drawn"
    if isinstance(event, _Answer):
        if couple.current.answered(event.ci):
            yield f"answers twice for {short(event.ci)}"
    elif event.ci in couple.current.verdicts:
        yield f"judges {short(event.ci)} twice"
    else:
        yield from _of_amount(market, event, instance)


def _of_amount(market: Market, event: e.JobJudged, instance: Instance) -> Iterator[str]:
    terms = market.dataset_of(market.couples[event.tc]).terms
    due = {JobStatus.FAULTY: instance.bond, JobStatus.MISSED: min(instance.bond, terms.miss_penalty)}
    if event.verdict in due and event.amount != due[event.verdict]:
        yield f"takes {event.amount} from {short(event.ci)}, not {due[event.verdict]}"
    if event.verdict is JobStatus.VOID and event.amount != terms.job_price:
        yield f"pays {short(event.ci)} {event.amount}, not {terms.job_price}"


def _of_draw(market: Market, couple: Couple, event: e.RoundDrawn) -> Iterator[str]:
    drawn = expected_draw(couple, couple.current, market.dataset_of(couple).terms)
    if event.drawn != drawn:
        yield f"draws {event.drawn:b} where its seeds draw {drawn:b}"
    jobs = sum(len(market.assigned(couple, subset)) for subset in set_bits(event.drawn))
    if event.jobs != jobs:
        yield f"asks {event.jobs} replicas of {jobs}"


# --- settlement ---


def _of_settlement(market: Market, event: e.SubsetSettled, domain: bytes) -> Iterator[str]:
    couple = market.couples[event.tc]
    record, terms = couple.rounds[event.round], market.dataset_of(couple).terms
    verdicts = {
        instance.id: _verdict(couple, record, instance.id, event.digest, domain)
        for instance in market.assigned(couple, event.subset)
    }
    agreeing = sum(verdict is JobStatus.ACCEPTED for verdict in verdicts.values())
    needed = market.quorum_of(couple, event.subset)
    if agreeing < needed:
        yield f"settles with {agreeing} of {needed} agreeing"
    share = terms.round_price // terms.subsets_per_round
    if event.data_owner_share != share:
        yield f"pays the data owner {event.data_owner_share}, not {share}"

    judged = {ci: record.verdicts.get(ci, (JobStatus.FLAGGED, 0)) for ci in verdicts}
    pot = sum(
        max(0, amount - terms.job_price) for verdict, amount in judged.values() if verdict is JobStatus.FAULTY
    )
    wage = terms.job_price + pot // max(agreeing, 1)
    for ci, verdict in verdicts.items():
        said, amount = judged[ci]
        if said is not verdict:
            yield f"judges {short(ci)} {said.name}, not {verdict.name}"
        elif verdict is JobStatus.ACCEPTED and amount != wage:
            yield f"pays {short(ci)} {amount}, not {wage}"


def _verdict(couple: Couple, record: Round, ci: InstanceId, digest: bytes, domain: bytes) -> JobStatus:
    if ci in record.flags:
        return JobStatus.FLAGGED
    report = record.reports.get(ci)
    if report is None:
        return JobStatus.MISSED
    agrees = report.hash == expected_receipt(couple, record, report, digest, domain)
    return JobStatus.ACCEPTED if agrees else JobStatus.FAULTY


def _of_void(market: Market, event: e.SubsetVoided) -> Iterator[str]:
    """The silent are fined unless the round was flagged out; reports are paid if the MO may be the reason."""
    couple = market.couples[event.tc]
    record = couple.rounds[event.round]
    of_reported = JobStatus.VOID if market.pays_who_reported(couple, event.subset) else JobStatus.IDLE
    of_silent = JobStatus.IDLE if record.flagged_out else JobStatus.MISSED
    for instance in market.assigned(couple, event.subset):
        said, _ = record.verdicts.get(instance.id, (JobStatus.IDLE, 0))
        if instance.id in record.reports:
            due = of_reported
        else:
            due = JobStatus.IDLE if instance.id in record.flags else of_silent
        if said is not due:
            yield f"judges {short(instance.id)} {said.name}, not {due.name}"
    share = market.void_share_of(couple, event.subset)
    if event.data_owner_share != share:
        yield f"pays the data owner {event.data_owner_share}, not {share}"


def _of_leaving(market: Market, tc: CoupleId, subset: int) -> Iterator[str]:
    """Who lost its bond, or has too little left to miss again, is not in the pool."""
    couple = market.couples[tc]
    penalty = market.dataset_of(couple).terms.miss_penalty
    for instance in market.assigned(couple, subset):
        verdict, _ = couple.current.verdicts.get(instance.id, (JobStatus.IDLE, 0))
        spent = verdict is JobStatus.FAULTY or (verdict is JobStatus.MISSED and instance.bond < penalty)
        if spent and instance.status is _Status.VERIFIED:
            yield f"leaves {short(instance.id)} in the pool"
