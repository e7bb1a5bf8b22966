"""What was drawn, settled and judged in which round."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from agents.core import events as e
from agents.core.assets import Couple, Instance, Round
from agents.core.enums import InstanceStatus, JobStatus
from agents.core.hashing import members
from agents.core.ids import Address, InstanceId, dataset_of, replica_of, subset_of
from agents.demo.outcome import Outcome
from agents.demo.report.evidence import replicas
from agents.demo.report.words import Names
from agents.roles.auditor import receipt_of


class Standing(StrEnum):
    """Where a subset (`SETTLED`) or a replica (the verdicts) stands in a round; the rest is common."""

    SETTLED = "settled"
    ACCEPTED = "accepted"
    FAULTY = "faulty"
    MISSED = "missed"
    FLAGGED = "flagged"
    VOID = "void"
    OPEN = "open"
    NOT_DRAWN = "not drawn"
    NOT_IN_POOL = "not in the pool"


_VERDICTS = {
    JobStatus.ACCEPTED: Standing.ACCEPTED,
    JobStatus.FAULTY: Standing.FAULTY,
    JobStatus.MISSED: Standing.MISSED,
}


@dataclass(frozen=True)
class Settlement:
    """How one subset of one round was settled.

    Attributes:
        digest: opened, 32 bytes; `transaction` likewise.
        agreeing, asked: replicas.
        share: the data owner's, in wei.
    """

    subset: int
    digest: bytes
    settler: Address
    agreeing: int
    asked: int
    share: int
    transaction: bytes


@dataclass(frozen=True)
class RoundFacts:
    """One round.

    Attributes:
        subsets: the standing of each subset, by index.
        jobs: replicas asked.
        verdicts: how often each verdict was given, flags included.
    """

    round: int
    drawn: tuple[int, ...]
    subsets: tuple[Standing, ...]
    jobs: int
    verdicts: dict[str, int]
    settlements: tuple[Settlement, ...]
    closed: bool


@dataclass(frozen=True)
class Cell:
    """One replica in one round; `amount` is what it was paid, or lost, in wei."""

    round: int
    standing: Standing
    amount: int = 0


@dataclass(frozen=True)
class Replica:
    """One replica through all rounds.

    Attributes:
        status: where the instance stands at the end.
    """

    member: Address
    ci: InstanceId
    subset: int
    replica: int
    status: InstanceStatus
    cells: tuple[Cell, ...]


def rounds_of(outcome: Outcome) -> tuple[RoundFacts, ...]:
    """Every round that was started, in order."""
    couple = outcome.market.couples.get(outcome.tc)
    if couple is None:
        return ()
    settled = _settlements(outcome)
    return tuple(
        _facts(record, len(outcome.subset_rows), settled.get(record.number, ()))
        for _, record in sorted(couple.rounds.items())
    )


def _facts(record: Round, subsets: int, settlements: tuple[Settlement, ...]) -> RoundFacts:
    standings = [_standing(record, subset) for subset in range(subsets)]
    given = [_VERDICTS[verdict] for verdict, _ in record.verdicts.values()]
    verdicts = {verdict.value: given.count(verdict) for verdict in _VERDICTS.values()}
    verdicts[Standing.FLAGGED.value] = len(record.flags)
    drawn = members(record.drawn)
    return RoundFacts(
        record.number, drawn, tuple(standings), record.jobs, verdicts, settlements, record.closed
    )


def _standing(record: Round, subset: int) -> Standing:
    if not record.drawn >> subset & 1:
        return Standing.NOT_DRAWN
    if subset in record.digests:
        return Standing.SETTLED
    return Standing.VOID if subset in record.voided else Standing.OPEN


def _settlements(outcome: Outcome) -> dict[int, tuple[Settlement, ...]]:
    rounds = outcome.market.couples[outcome.tc].rounds
    found: dict[int, tuple[Settlement, ...]] = {}
    for logged in outcome.history:
        event = logged.event
        if isinstance(event, e.SubsetSettled) and event.tc == outcome.tc:
            agreeing, asked = replicas(rounds[event.round], event.subset)
            settlement = Settlement(
                event.subset,
                event.digest,
                event.settler,
                agreeing,
                asked,
                event.data_owner_share,
                logged.transaction,
            )
            found[event.round] = (*found.get(event.round, ()), settlement)
    return found


def replicas_of(outcome: Outcome) -> tuple[Replica, ...]:
    """Every replica that was ever named, by subset and replica."""
    couple = outcome.market.couples.get(outcome.tc)
    named = (i for i in outcome.market.instances.values() if dataset_of(i.id) == outcome.ds)
    return tuple(
        Replica(
            instance.cloud_owner,
            instance.id,
            subset_of(instance.id),
            replica_of(instance.id),
            instance.status,
            tuple(_cells(instance, couple)) if couple else (),
        )
        for instance in sorted(named, key=lambda instance: instance.id)
    )


def _cells(instance: Instance, couple: Couple) -> Iterator[Cell]:
    for number, record in sorted(couple.rounds.items()):
        verdict, amount = record.verdicts.get(instance.id, (None, 0))
        standing = _VERDICTS[verdict] if verdict else _unjudged(instance, record)
        yield Cell(number, standing, amount)


def _unjudged(instance: Instance, record: Round) -> Standing:
    if record.drawn and not instance.was_in_pool(record.pool_version):
        return Standing.NOT_IN_POOL
    if instance.id in record.flags:
        return Standing.FLAGGED
    return _standing(record, subset_of(instance.id))


def honest_mismatches(outcome: Outcome) -> int:
    """Over all settled subsets: honest reports whose receipt does not open to the settled digest."""
    names, domain = Names(outcome.parties), outcome.receipt_domain
    return sum(
        report.hash != receipt_of(couple, record, report, record.digests[subset_of(ci)], domain)
        for couple in outcome.market.couples.values()
        for record in couple.rounds.values()
        for ci, report in record.reports.items()
        if subset_of(ci) in record.digests and not names[report.cloud_owner].cheat
    )
