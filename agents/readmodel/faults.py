"""Finds the faults in a history.

A fault is an event: a rejected data receipt, a job judged Faulty or Missed, a seed withheld. Each comes with
what anybody needs to see for himself that the event is right.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from agents.audit.replay import receipt_of
from agents.core import events as e
from agents.core.assets import Couple, Round
from agents.core.enums import JobStatus
from agents.core.ids import Address, InstanceId, subset_of
from agents.demo.outcome import DemoOutcome
from agents.readmodel.evidence import Fault, Finding, ReceiptRecord
from agents.report.words import Names


def findings(outcome: DemoOutcome) -> tuple[Finding, ...]:
    """Every fault of every member, honest ones too, in the order of history."""
    return tuple(_Evidence(outcome).findings())


def replicas(record: Round, subset: int) -> tuple[int, int]:
    """How many replicas of a subset agreed in a round, and how many were asked and answered or missed."""
    verdicts = [verdict for ci, (verdict, _) in record.verdicts.items() if subset_of(ci) == subset]
    flagged = sum(subset_of(ci) == subset for ci in record.flags)
    return sum(verdict is JobStatus.ACCEPTED for verdict in verdicts), len(verdicts) + flagged


class _Evidence:
    def __init__(self, outcome: DemoOutcome) -> None:
        self.history, self.market = outcome.history, outcome.market
        self.domain, self.names = outcome.receipt_domain, Names(outcome.parties)
        self.first_with = _first_with(outcome.history)

    def findings(self) -> Iterator[Finding]:
        for logged in self.history:
            match logged.event:
                case e.InstanceRejected():
                    yield self._rejected(logged, logged.event)
                case e.JobJudged(verdict=JobStatus.FAULTY):
                    yield self._faulty(logged, logged.event)
                case e.JobJudged(verdict=JobStatus.MISSED):
                    yield self._missed(logged, logged.event)
                case e.CoupleAborted():
                    yield self._withheld(logged, logged.event)
                case _:
                    pass

    def _rejected(self, logged: e.Logged, event: e.InstanceRejected) -> Finding:
        instance = self.market.instances[event.ci]
        source = self._source(instance.data_hash, instance.cloud_owner)
        if source:
            told = (
                f"Declared the data receipt of {self.names[source].name}, bit for bit. A receipt names its "
                "maker, so it cannot be right for a second one. The data owner rejected it."
            )
        else:
            told = "Declared a data receipt that the data owner found wrong: it does not open to the subset."
        return Finding(
            instance.cloud_owner,
            Fault.REJECTED,
            "InstanceRejected",
            logged.transaction,
            logged.block,
            0,
            told,
            ci=event.ci,
            subset=subset_of(event.ci),
            receipt=ReceiptRecord(instance.data_hash, instance.nonce, copied_from=source),
        )

    def _faulty(self, logged: e.Logged, event: e.JobJudged) -> Finding:
        couple, record, subset = self._job(event)
        receipt = self._receipt(couple, record, event.ci)
        agreeing, asked = replicas(record, subset)
        if receipt.copied_from:
            told = (
                f"Reported the training receipt of {self.names[receipt.copied_from].name}, bit for bit. "
                "Made anew for its own address from the settled digest, the receipt is another."
            )
        else:
            told = (
                f"Reported a receipt that does not open to the digest on which {agreeing} of the {asked} "
                "replicas agree: it trained something else, or nothing."
            )
        return self._judged(logged, event, Fault.FAULTY, told, receipt)

    def _missed(self, logged: e.Logged, event: e.JobJudged) -> Finding:
        told = "Was drawn and had not answered when the deadline passed."
        return self._judged(logged, event, Fault.MISSED, told, None)

    def _judged(
        self, logged: e.Logged, event: e.JobJudged, fault: Fault, told: str, receipt: ReceiptRecord | None
    ) -> Finding:
        _, record, subset = self._job(event)
        agreeing, asked = replicas(record, subset)
        return Finding(
            self.market.instances[event.ci].cloud_owner,
            fault,
            "JobJudged",
            logged.transaction,
            logged.block,
            event.amount,
            told,
            event.tc,
            event.ci,
            subset,
            event.round,
            receipt,
            agreeing,
            asked,
        )

    def _withheld(self, logged: e.Logged, event: e.CoupleAborted) -> Finding:
        couple = self.market.couples[event.tc]
        dataset = self.market.dataset_of(couple)
        return Finding(
            dataset.owner,
            Fault.WITHHELD,
            "CoupleAborted",
            logged.transaction,
            logged.block,
            dataset.terms.couple_bond,
            "Did not open its seed in time. Its bond and the rest of the escrow went to the model owner.",
            tc=event.tc,
            round=couple.round,
        )

    def _job(self, event: e.JobJudged) -> tuple[Couple, Round, int]:
        couple = self.market.couples[event.tc]
        return couple, couple.rounds[event.round], subset_of(event.ci)

    def _receipt(self, couple: Couple, record: Round, ci: InstanceId) -> ReceiptRecord:
        report, digest = record.reports[ci], record.digests[subset_of(ci)]
        recomputed = receipt_of(couple, record, report, digest, self.domain)
        source = self._source(report.hash, report.cloud_owner)
        return ReceiptRecord(report.hash, report.nonce, digest, recomputed, recomputed == report.hash, source)

    def _source(self, hash_: bytes, copier: Address) -> Address | None:
        """Who published this hash first, if it was somebody else."""
        first = self.first_with[hash_]
        return None if first == copier else first


def _first_with(history: Iterable[e.Logged]) -> dict[bytes, Address]:
    """By the hash of a receipt: who published it first."""
    first: dict[bytes, Address] = {}
    for logged in history:
        match logged.event:
            case e.InstanceJoined(data_hash=published, cloud_owner=owner):
                first.setdefault(published, owner)
            case e.JobReported(hash=published, cloud_owner=owner):
                first.setdefault(published, owner)
            case _:
                pass
    return first
