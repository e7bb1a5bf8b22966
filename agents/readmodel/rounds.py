"""What was drawn and settled in which round."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from agents.core import events as e
from agents.core.assets import Round
from agents.core.enums import JobStatus
from agents.core.hashing import set_bits
from agents.core.ids import Address
from agents.demo.outcome import DemoOutcome
from agents.readmodel.faults import replicas


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


VERDICTS = {
    JobStatus.ACCEPTED: Standing.ACCEPTED,
    JobStatus.FAULTY: Standing.FAULTY,
    JobStatus.MISSED: Standing.MISSED,
    JobStatus.VOID: Standing.VOID,
}
"""A verdict as a standing."""


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
        verdicts: how often each verdict was given, flags included. Of void jobs only the paid have one.
    """

    round: int
    drawn: tuple[int, ...]
    subsets: tuple[Standing, ...]
    jobs: int
    verdicts: dict[str, int]
    settlements: tuple[Settlement, ...]
    closed: bool


def rounds_of(outcome: DemoOutcome) -> tuple[RoundFacts, ...]:
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
    standings = [standing_of(record, subset) for subset in range(subsets)]
    given = [VERDICTS[verdict] for verdict, _ in record.verdicts.values()]
    verdicts = {verdict.value: given.count(verdict) for verdict in VERDICTS.values()}
    verdicts[Standing.FLAGGED.value] = len(record.flags)
    drawn = set_bits(record.drawn)
    return RoundFacts(
        record.number, drawn, tuple(standings), record.jobs, verdicts, settlements, record.closed
    )


def standing_of(record: Round, subset: int) -> Standing:
    """Where a subset stands in a round."""
    if not record.drawn >> subset & 1:
        return Standing.NOT_DRAWN
    if subset in record.digests:
        return Standing.SETTLED
    return Standing.VOID if subset in record.voided else Standing.OPEN


def _settlements(outcome: DemoOutcome) -> dict[int, tuple[Settlement, ...]]:
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
