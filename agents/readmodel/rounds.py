"""What was drawn and settled in which round."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from agents.core import events as e
from agents.core.assets import Couple, Round
from agents.core.enums import JobStatus
from agents.core.hashing import set_bits
from agents.core.ids import Address, CoupleId, subset_of
from agents.core.market import Market


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
        digest: opened, 32 bytes.
        settler: who opened it.
        agreeing, asked: replicas.
        share: the data owner's, in wei.
        transaction: hash, 32 bytes.
    """

    subset: int
    digest: bytes
    settler: Address
    agreeing: int
    asked: int
    share: int
    transaction: bytes


@dataclass(frozen=True)
class RoundSummary:
    """One round.

    Attributes:
        drawn: the subsets, in order; none before the draw.
        subsets: the standing of each subset, by index.
        jobs: replicas asked.
        verdicts: how often each verdict was given, flags included. Of void jobs only the paid have one.
        settlements: in the order in which they came.
        closed: whether every drawn subset is settled or void.
    """

    round: int
    drawn: tuple[int, ...]
    subsets: tuple[Standing, ...]
    jobs: int
    verdicts: dict[str, int]
    settlements: tuple[Settlement, ...]
    closed: bool


class Rounds:
    """The rounds of all train couples so far.

    The mirror knows them; what it does not keep is which transaction settled a subset.

    Args:
        market: the mirror, which takes each event just before.
    """

    def __init__(self, market: Market) -> None:
        self._market = market
        self._settled_in: dict[tuple[CoupleId, int, int], bytes] = {}

    def apply(self, logged: e.Logged) -> None:
        """Notes the transaction of a settlement."""
        event = logged.event
        if isinstance(event, e.SubsetSettled):
            self._settled_in[event.tc, event.round, event.subset] = logged.transaction

    def of(self, tc: CoupleId) -> tuple[RoundSummary, ...]:
        """Every round of a couple that was started, in order; none if there is no such couple."""
        couple = self._market.couples.get(tc)
        if couple is None:
            return ()
        return tuple(self._summary(couple, record) for _, record in sorted(couple.rounds.items()))

    def _summary(self, couple: Couple, record: Round) -> RoundSummary:
        subsets = range(self._market.dataset_of(couple).terms.subsets)
        given = [VERDICTS[verdict] for verdict, _ in record.verdicts.values()]
        verdicts = {verdict.value: given.count(verdict) for verdict in VERDICTS.values()}
        return RoundSummary(
            round=record.number,
            drawn=set_bits(record.drawn),
            subsets=tuple(standing_of(record, subset) for subset in subsets),
            jobs=record.jobs,
            verdicts=verdicts | {Standing.FLAGGED.value: len(record.flags)},
            settlements=tuple(self._settlements(couple, record)),
            closed=record.closed,
        )

    def _settlements(self, couple: Couple, record: Round) -> Iterator[Settlement]:
        for subset, digest in record.digests.items():
            agreeing, asked = agreement(record, subset)
            yield Settlement(
                subset,
                digest,
                record.settlers[subset],
                agreeing,
                asked,
                record.shares[subset],
                self._settled_in[couple.id, record.number, subset],
            )


def standing_of(record: Round, subset: int) -> Standing:
    """Where a subset stands in a round."""
    if not record.drawn >> subset & 1:
        return Standing.NOT_DRAWN
    if subset in record.digests:
        return Standing.SETTLED
    return Standing.VOID if subset in record.voided else Standing.OPEN


def agreement(record: Round, subset: int) -> tuple[int, int]:
    """How many replicas of a subset agreed in a round, and how many were asked and answered or missed."""
    verdicts = [verdict for ci, (verdict, _) in record.verdicts.items() if subset_of(ci) == subset]
    flagged = sum(subset_of(ci) == subset for ci in record.flags)
    return sum(verdict is JobStatus.ACCEPTED for verdict in verdicts), len(verdicts) + flagged
