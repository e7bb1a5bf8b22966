"""The faults of members, each with what proves it.

A fault is an event: a rejected data receipt, a job judged Faulty or Missed, a seed withheld. Each comes with
what anybody needs to see for himself that the event is right.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from agents.core import events as e
from agents.core.assets import Couple, Round
from agents.core.enums import JobStatus
from agents.core.ids import Address, CoupleId, InstanceId, subset_of
from agents.core.market import Market, expected_receipt
from agents.readmodel.rounds import agreement


class Fault(StrEnum):
    """How a member broke the rules, by the word of the market."""

    REJECTED = "data receipt rejected"
    FAULTY = "training receipt faulty"
    MISSED = "no answer when drawn"
    WITHHELD = "seed withheld"


_BY_VERDICT = {JobStatus.FAULTY: Fault.FAULTY, JobStatus.MISSED: Fault.MISSED}


@dataclass(frozen=True)
class ReceiptEvidence:
    """A receipt as published, beside the one that its maker would have made of the settled digest.

    Attributes:
        hash, nonce: as the event has them, 32 bytes each.
        digest, recomputed: 32 bytes each; None of a data receipt, whose digest stays secret.
        opens: whether the two receipts are the same; None if only the data owner can tell.
        copied_from: who published the same hash before.
    """

    hash: bytes
    nonce: bytes
    digest: bytes | None = None
    recomputed: bytes | None = None
    opens: bool | None = None
    copied_from: Address | None = None


@dataclass(frozen=True)
class ProvenFault:
    """One fault of one member.

    Attributes:
        event: which says so; it is in `transaction`, a hash of 32 bytes, in `block`.
        lost: wei.
        agreeing, asked: replicas of this subset in this round: whose receipts open to the digest, and all.
    """

    member: Address
    fault: Fault
    event: str
    transaction: bytes
    block: int
    lost: int
    tc: CoupleId | None = None
    ci: InstanceId | None = None
    subset: int | None = None
    round: int | None = None
    receipt: ReceiptEvidence | None = None
    agreeing: int = 0
    asked: int = 0


class Faults:
    """The faults of all members so far.

    Args:
        market: the mirror, which takes each event just before.
        domain: what every receipt of the market begins with, 32 bytes.
    """

    def __init__(self, market: Market, domain: bytes) -> None:
        self._market, self._domain = market, domain
        self._told: list[e.Logged] = []
        self._publisher: dict[bytes, Address] = {}

    def apply(self, logged: e.Logged) -> None:
        """Keeps what tells of a fault, and who published which receipt first."""
        match logged.event:
            case e.InstanceJoined(data_hash=published, cloud_owner=owner):
                self._publisher.setdefault(published, owner)
            case e.JobReported(hash=published, cloud_owner=owner):
                self._publisher.setdefault(published, owner)
            case e.InstanceRejected() | e.CoupleAborted():
                self._told.append(logged)
            case e.JobJudged(verdict=JobStatus.FAULTY | JobStatus.MISSED):
                self._told.append(logged)
            case _:
                pass

    def proven(self) -> tuple[ProvenFault, ...]:
        """Every fault of every member, in the order of history.

        To be asked between transactions: the digest that proves a verdict comes after it in the same one.
        """
        return tuple(self._proven())

    def _proven(self) -> Iterator[ProvenFault]:
        for logged in self._told:
            match logged.event:
                case e.InstanceRejected() as event:
                    yield self._rejected(logged, event)
                case e.JobJudged() as event:
                    yield self._judged(logged, event)
                case e.CoupleAborted() as event:
                    yield self._withheld(logged, event)

    def _rejected(self, logged: e.Logged, event: e.InstanceRejected) -> ProvenFault:
        instance = self._market.instances[event.ci]
        source = self._source(instance.data_hash, instance.cloud_owner)
        return ProvenFault(
            instance.cloud_owner,
            Fault.REJECTED,
            type(event).__name__,
            logged.transaction,
            logged.block,
            lost=0,
            ci=event.ci,
            subset=subset_of(event.ci),
            receipt=ReceiptEvidence(instance.data_hash, instance.nonce, copied_from=source),
        )

    def _judged(self, logged: e.Logged, event: e.JobJudged) -> ProvenFault:
        couple, subset = self._market.couples[event.tc], subset_of(event.ci)
        record = couple.rounds[event.round]
        agreeing, asked = agreement(record, subset)
        return ProvenFault(
            self._market.instances[event.ci].cloud_owner,
            _BY_VERDICT[event.verdict],
            type(event).__name__,
            logged.transaction,
            logged.block,
            event.amount,
            event.tc,
            event.ci,
            subset,
            event.round,
            self._receipt(couple, record, event.ci) if event.verdict is JobStatus.FAULTY else None,
            agreeing,
            asked,
        )

    def _withheld(self, logged: e.Logged, event: e.CoupleAborted) -> ProvenFault:
        couple = self._market.couples[event.tc]
        dataset = self._market.dataset_of(couple)
        return ProvenFault(
            dataset.owner,
            Fault.WITHHELD,
            type(event).__name__,
            logged.transaction,
            logged.block,
            lost=dataset.terms.couple_bond,
            tc=event.tc,
            round=couple.round,
        )

    def _receipt(self, couple: Couple, record: Round, ci: InstanceId) -> ReceiptEvidence:
        report, digest = record.reports[ci], record.digests[subset_of(ci)]
        recomputed = expected_receipt(couple, record, report, digest, self._domain)
        source = self._source(report.hash, report.cloud_owner)
        return ReceiptEvidence(
            report.hash, report.nonce, digest, recomputed, recomputed == report.hash, source
        )

    def _source(self, hash_: bytes, copier: Address) -> Address | None:
        """Who published this hash first, if it was somebody else."""
        first = self._publisher[hash_]
        return None if first == copier else first
