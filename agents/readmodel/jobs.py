"""What each replica did in each round, and what the contract said of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from agents.core.assets import Couple, Instance, Report, Round
from agents.core.enums import InstanceStatus, JobStatus
from agents.core.ids import Address, CoupleId, DatasetId, InstanceId, dataset_of, replica_of, subset_of
from agents.core.market import Market, expected_receipt
from agents.readmodel.rounds import VERDICTS, Standing, standing_of


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
        member: its cloud owner.
        replica: its number within the subset, from 1.
        status: where the instance stands now.
        cells: by round, from the first.
    """

    member: Address
    ci: InstanceId
    subset: int
    replica: int
    status: InstanceStatus
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class JudgedJob:
    """A train job with a verdict.

    Attributes:
        amount: what its cloud owner was paid, or lost, in wei.
        price: what the dataset's terms offer for a job, in wei; an accepted one may be paid more.
    """

    ci: InstanceId
    round: int
    verdict: JobStatus
    amount: int
    price: int


def replicas_of(market: Market, ds: DatasetId, tc: CoupleId) -> tuple[Replica, ...]:
    """Every replica of a dataset that was ever named, by subset and replica, in the rounds of one couple."""
    couple = market.couples.get(tc)
    named = (instance for instance in market.instances.values() if dataset_of(instance.id) == ds)
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


def judged_jobs(market: Market, cloud_owner: Address) -> Iterator[JudgedJob]:
    """Every job of a cloud owner that has a verdict, couple by couple and round by round."""
    for couple in market.couples.values():
        price = market.dataset_of(couple).terms.job_price
        for record in couple.rounds.values():
            for ci, (verdict, amount) in record.verdicts.items():
                if market.instances[ci].cloud_owner == cloud_owner:
                    yield JudgedJob(ci, record.number, verdict, amount, price)


def mismatches(market: Market, domain: bytes) -> Iterator[Report]:
    """The reports whose receipt does not open to the digest that their subset was settled with.

    Args:
        market: the mirror.
        domain: what every receipt of the market begins with, 32 bytes.
    """
    for couple in market.couples.values():
        for record in couple.rounds.values():
            for ci, report in record.reports.items():
                digest = record.digests.get(subset_of(ci))
                if digest is None:
                    continue
                if report.hash != expected_receipt(couple, record, report, digest, domain):
                    yield report
