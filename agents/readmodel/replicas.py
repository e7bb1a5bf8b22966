"""What each replica did in each round, and what the contract said of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from agents.audit.replay import receipt_of
from agents.core.assets import Couple, Instance, Round
from agents.core.enums import InstanceStatus
from agents.core.ids import Address, InstanceId, dataset_of, replica_of, subset_of
from agents.demo.outcome import DemoOutcome
from agents.readmodel.rounds import VERDICTS, Standing, standing_of
from agents.report.words import Names


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


def replicas_of(outcome: DemoOutcome) -> tuple[Replica, ...]:
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
        standing = VERDICTS[verdict] if verdict else _unjudged(instance, record)
        yield Cell(number, standing, amount)


def _unjudged(instance: Instance, record: Round) -> Standing:
    if record.drawn and not instance.was_in_pool(record.pool_version):
        return Standing.NOT_IN_POOL
    if instance.id in record.flags:
        return Standing.FLAGGED
    return standing_of(record, subset_of(instance.id))


def honest_mismatches(outcome: DemoOutcome) -> int:
    """Over all settled subsets: honest reports whose receipt does not open to the settled digest."""
    names, domain = Names(outcome.parties), outcome.receipt_domain
    return sum(
        report.hash != receipt_of(couple, record, report, record.digests[subset_of(ci)], domain)
        for couple in outcome.market.couples.values()
        for record in couple.rounds.values()
        for ci, report in record.reports.items()
        if subset_of(ci) in record.digests and not names[report.cloud_owner].cheat
    )
