"""What a member was paid and fined, from the mirror alone; amounts in wei."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum

from agents.core.assets import Couple, Round
from agents.core.enums import CouplePhase, JobStatus
from agents.core.ids import Address, CoupleId
from agents.core.market import PAID, Market


class Cause(StrEnum):
    """For what coins are taken: a result of its own, no answer in time, a seed that was withheld."""

    FAULTY = "faulty"
    MISSED = "missed"
    WITHHELD = "withheld"


@dataclass(frozen=True)
class Booking:
    """Coins that came to a member, or were taken.

    Attributes:
        round: of the couple; 0 if it concerns all of it.
        cause: of a fine; None of pay.
    """

    tc: CoupleId
    round: int
    amount: int
    cause: Cause | None = None


@dataclass(frozen=True)
class Income:
    """The sums, with the last fine.

    Attributes:
        earned: in all. `by_couple` is the same for each.
        fined: by cause.
        last_fine: None if there was none.
    """

    earned: int = 0
    by_couple: dict[CoupleId, int] = field(default_factory=dict)
    fined: dict[Cause, int] = field(default_factory=dict)
    last_fine: Booking | None = None


def income_of(market: Market, member: Address) -> Income:
    """All that a member was paid and fined so far."""
    earned: Counter[CoupleId] = Counter()
    fined: Counter[Cause] = Counter()
    last = None
    for booking in bookings_of(market, member):
        if booking.cause is None:
            earned[booking.tc] += booking.amount
        else:
            fined[booking.cause] += booking.amount
            last = booking
    return Income(earned.total(), dict(earned), {cause: fined[cause] for cause in Cause}, last)


def bookings_of(market: Market, member: Address) -> Iterator[Booking]:
    """Each of them, couple by couple and round by round."""
    for couple in market.couples.values():
        for record in couple.rounds.values():
            yield from _in_round(market, member, couple, record)
        dataset = market.dataset_of(couple)
        if couple.phase is CouplePhase.ABORTED and dataset.owner == member:
            yield Booking(couple.id, 0, dataset.terms.couple_bond, Cause.WITHHELD)


def _in_round(market: Market, member: Address, couple: Couple, record: Round) -> Iterator[Booking]:
    if market.dataset_of(couple).owner == member:
        share = sum(record.shares.values())
        if share:
            yield Booking(couple.id, record.number, share)
    for ci, (verdict, amount) in record.verdicts.items():
        if market.instances[ci].cloud_owner == member and amount:
            cause = None if verdict in PAID else _CAUSES[verdict]
            yield Booking(couple.id, record.number, amount, cause)


_CAUSES = {JobStatus.FAULTY: Cause.FAULTY, JobStatus.MISSED: Cause.MISSED}
