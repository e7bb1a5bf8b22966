"""The auditor: anyone who wants to know whether the market kept its rules, from its events alone.

`audit` replays the events, derives anew whatever a rule derives (draws, receipts, verdicts, payments) and
lists where an event says otherwise (`agents.audit.rules`). `agents.audit.live` then compares the rebuilt
market with the contract's own views.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field

from agents.audit.rules import broken_after, broken_before, is_solvent, receipt_of
from agents.core import events as e
from agents.core.enums import JobStatus
from agents.core.fit import can_follow
from agents.core.ids import Address
from agents.core.market import PAID, Market

__all__ = ["Audit", "Statement", "audit", "receipt_of"]


@dataclass
class Statement:
    """What one member did and did not do, and what it got and lost; amounts in wei.

    Attributes:
        void: how many of its jobs were paid though too many others flagged for a verdict.
    """

    paid_in: int = 0
    taken_out: int = 0
    earned: int = 0
    forfeited: int = 0
    accepted: int = 0
    faulty: int = 0
    missed: int = 0
    flagged: int = 0
    void: int = 0
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

    def find(self, logged: e.Logged, finding: str) -> None:
        """Notes that an event breaks a rule."""
        self.findings.append(f"block {logged.block}: {type(logged.event).__name__} {finding}")


def audit(history: Iterable[e.Logged], receipt_domain: bytes) -> Audit:
    """Replays `history`, the market's events from its first block, in order.

    It ends at an event that makes no sense after those before it: what follows would make none either.
    """
    result = Audit(Market())
    for logged in history:
        _find_broken_before(result, logged)
        if not can_follow(result.market, logged.event):
            result.find(logged, "speaks of what no event has made; the audit ends there")
            break
        _replay(result, logged, receipt_domain)
    return result


def _find_broken_before(result: Audit, logged: e.Logged) -> None:
    with suppress(LookupError, ValueError):  # it speaks of what is not there
        for finding in broken_before(result.market, logged):
            result.find(logged, finding)


def _replay(result: Audit, logged: e.Logged, domain: bytes) -> None:
    market, event = result.market, logged.event
    was_solvent = is_solvent(market)
    market.apply(logged)
    for finding in broken_after(market, event, domain):
        result.find(logged, finding)
    if was_solvent and not is_solvent(market):
        result.find(logged, "spends coins that are not there")
    _account(result, event)


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
        case e.SubsetVoided():
            owner = result.market.dataset_of(result.market.couples[event.tc]).owner
            of(owner).earned += event.data_owner_share
        case e.CoupleAborted():
            dataset = result.market.dataset_of(result.market.couples[event.tc])
            of(dataset.owner).forfeited += dataset.terms.couple_bond
        case _:
            pass


def _account_job(statement: Statement, event: e.JobJudged) -> None:
    if event.verdict in PAID:
        statement.accepted += event.verdict is JobStatus.ACCEPTED
        statement.void += event.verdict is JobStatus.VOID
        statement.earned += event.amount
    else:
        statement.forfeited += event.amount
        statement.faulty += event.verdict is JobStatus.FAULTY
        statement.missed += event.verdict is JobStatus.MISSED
