"""The auditor: anyone who wants to know whether the market kept its rules, from its events alone.

`audit` replays the events, derives anew whatever a rule derives (draws, receipts, verdicts, payments) and
lists where an event says otherwise. `differences` then compares the rebuilt market with the contract's own
views.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from agents.core import events as e
from agents.core.assets import Couple, Report, Round
from agents.core.enums import JobStatus
from agents.core.hashing import members, next_tip, training_receipt
from agents.core.ids import Address, InstanceId, short, subset_of
from agents.core.market import Market, expected_draw


@dataclass
class Statement:
    """What one member did and did not do, and what it got and lost; amounts in wei."""

    paid_in: int = 0
    taken_out: int = 0
    earned: int = 0
    forfeited: int = 0
    accepted: int = 0
    faulty: int = 0
    missed: int = 0
    flagged: int = 0
    settled: int = 0
    refused: int = 0
    rejected: int = 0


@dataclass
class Audit:
    """What came out.

    Attributes:
        market: rebuilt from the events.
        findings: where an event breaks a rule; none if the market kept them all.
        statements: by member.
    """

    market: Market
    findings: list[str] = field(default_factory=list)
    statements: dict[Address, Statement] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        """Whether nothing was found."""
        return not self.findings


def audit(history: Iterable[e.Logged], receipt_domain: bytes) -> Audit:
    """Replays `history`, the market's events from its first block, in order."""
    result = Audit(Market())
    for logged in history:
        _before(result, logged)
        result.market.apply(logged)
        _after(result, logged.event, receipt_domain)
        _account(result, logged.event)
    return result


# --- rules that an event must keep ---


def _before(result: Audit, logged: e.Logged) -> None:
    """What the event may claim in the state that it finds."""
    market, event = result.market, logged.event
    match event:
        case e.RoundStarted() | e.RoundDrawn():
            couple = market.couples[event.tc]
            tip, link = (
                (couple.mo_tip, event.mo_seed)
                if isinstance(event, e.RoundStarted)
                else (couple.do_tip, event.do_seed)
            )
            _expect(result, next_tip(link) == tip, event, "opens no link of its seed chain")
        case e.JobReported() | e.JobFlagged():
            couple, instance = market.couples[event.tc], market.instances[event.ci]
            drawn = couple.pending >> subset_of(event.ci) & 1 and instance.was_in_pool(couple.pool_version)
            _expect(result, bool(drawn), event, "was not drawn")
            _expect(result, event.round == couple.round, event, "answers another round")
            _expect(result, logged.timestamp <= couple.deadline, event, "comes after its deadline")
            _expect(result, not couple.current.answered(event.ci), event, "answers twice")
        case e.CoupleRequested():
            escrow = event.max_rounds * market.datasets[event.ds].terms.escrow_per_round
            _expect(result, event.escrow == escrow, event, f"locks another escrow than {escrow}")
        case e.CoupleCompleted():
            couple = market.couples[event.tc]
            _expect(result, event.refund == couple.escrow, event, "refunds another sum than was left")
        case _:
            pass


def _after(result: Audit, event: e.MarketEvent, domain: bytes) -> None:
    """What must hold in the state that the event leaves."""
    market = result.market
    match event:
        case e.RoundDrawn():
            couple = market.couples[event.tc]
            terms = market.dataset_of(couple).terms
            drawn = expected_draw(couple, couple.current, terms)
            _expect(result, event.drawn == drawn, event, f"is not the draw of its seeds, {drawn:b}")
            jobs = sum(len(market.pool_of(couple.ds, subset)) for subset in members(event.drawn))
            _expect(result, event.jobs == jobs, event, f"asks not all {jobs} replicas")
        case e.SubsetSettled():
            _check_settlement(result, event, domain)
        case e.SubsetVoided():
            couple = market.couples[event.tc]
            _check_silent(result, couple, couple.rounds[event.round], event.subset)
        case _:
            pass
    solvent = all(balance >= 0 for balance in market.balances.values())
    _expect(result, solvent, event, "leaves a balance below zero")


def _check_settlement(result: Audit, event: e.SubsetSettled, domain: bytes) -> None:
    market, couple = result.market, result.market.couples[event.tc]
    record, terms = couple.rounds[event.round], market.dataset_of(couple).terms
    jobs = [instance.id for instance in market.summoned(couple, event.subset)]
    derived = {ci: _verdict(couple, record, ci, event.digest, domain) for ci in jobs}
    agreeing = sum(verdict is JobStatus.ACCEPTED for verdict in derived.values())
    needed = max(len(jobs) // 2 + 1, couple.quorum)
    _expect(result, agreeing >= needed, event, f"settles with {agreeing} of {needed} agreeing")
    share = terms.round_price // terms.subsets_per_round
    _expect(result, event.data_owner_share == share, event, f"pays the data owner other than {share}")

    pot = sum(
        max(0, amount - terms.job_price)
        for ci in jobs
        for verdict, amount in [record.verdicts.get(ci, (JobStatus.IDLE, 0))]
        if verdict is JobStatus.FAULTY
    )
    for ci, verdict in derived.items():
        said, amount = record.verdicts.get(ci, (JobStatus.FLAGGED, 0))
        _expect(result, said is verdict, event, f"judges {short(ci)} {said.name}, not {verdict.name}")
        if verdict is JobStatus.ACCEPTED:
            wage = terms.job_price + pot // max(agreeing, 1)
            _expect(result, amount == wage, event, f"pays {short(ci)} {amount}, not {wage}")
        if verdict is JobStatus.FAULTY:
            _expect(result, market.instances[ci].bond == 0, event, f"leaves {short(ci)} a bond")


def _check_silent(result: Audit, couple: Couple, record: Round, subset: int) -> None:
    for instance in result.market.summoned(couple, subset):
        missed = record.verdicts.get(instance.id, (None, 0))[0] is JobStatus.MISSED
        _expect(
            result, missed != record.answered(instance.id), "SubsetVoided", f"misjudges {short(instance.id)}"
        )


def _verdict(couple: Couple, record: Round, ci: InstanceId, digest: bytes, domain: bytes) -> JobStatus:
    if ci in record.flags:
        return JobStatus.FLAGGED
    report = record.reports.get(ci)
    if report is None:
        return JobStatus.MISSED
    agrees = report.hash == receipt_of(couple, record, report, digest, domain)
    return JobStatus.ACCEPTED if agrees else JobStatus.FAULTY


def receipt_of(couple: Couple, record: Round, report: Report, digest: bytes, domain: bytes) -> bytes:
    """The receipt that the reporter would have made of `digest`."""
    return training_receipt(
        domain, couple.id, record.number, report.ci, report.cloud_owner, digest, report.nonce
    )


def _expect(result: Audit, holds: bool, what: e.MarketEvent | str, finding: str) -> None:
    if not holds:
        name = what if isinstance(what, str) else type(what).__name__
        result.findings.append(f"{name} {finding}")


# --- what each member did ---


def _account(result: Audit, event: e.MarketEvent) -> None:
    def of(member: Address) -> Statement:
        return result.statements.setdefault(member, Statement())

    match event:
        case e.Deposited():
            of(event.account).paid_in += event.amount
        case e.Withdrawn():
            of(event.account).taken_out += event.amount
        case e.InstanceRefused():
            of(event.cloud_owner).refused += 1
        case e.InstanceRejected():
            of(result.market.instances[event.ci].cloud_owner).rejected += 1
        case e.JobFlagged():
            of(event.cloud_owner).flagged += 1
        case e.JobJudged():
            _account_job(of(result.market.instances[event.ci].cloud_owner), event)
        case e.SubsetSettled():
            of(event.settler).settled += 1
            owner = result.market.dataset_of(result.market.couples[event.tc]).owner
            of(owner).earned += event.data_owner_share
        case e.CoupleAborted():
            dataset = result.market.dataset_of(result.market.couples[event.tc])
            of(dataset.owner).forfeited += dataset.terms.couple_bond
        case _:
            pass


def _account_job(statement: Statement, event: e.JobJudged) -> None:
    if event.verdict is JobStatus.ACCEPTED:
        statement.accepted += 1
        statement.earned += event.amount
    else:
        statement.forfeited += event.amount
        statement.faulty += event.verdict is JobStatus.FAULTY
        statement.missed += event.verdict is JobStatus.MISSED
