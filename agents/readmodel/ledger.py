"""Whose coins they are: each time that coins change hands, whose they were, whose they are and why.

Amounts are in wei. What a member locks, as the escrow of a train couple or as a bond, stays its own.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from enum import StrEnum

from agents.core import events as e
from agents.core.ids import Address
from agents.core.market import PAID, Market


class Reason(StrEnum):
    """Why coins change hands."""

    DEPOSIT = "deposit"
    WITHDRAWAL = "withdrawal"
    JOB = "job"
    SETTLED_SUBSET = "settled subset"
    VOID_SUBSET = "void subset"
    FORFEIT = "forfeit"


PAY = (Reason.JOB, Reason.SETTLED_SUBSET, Reason.VOID_SUBSET)
"""What a model owner pays out of its escrow: jobs to cloud owners, subsets to the data owner."""


@dataclass(frozen=True, slots=True)
class Movement:
    """Coins that change hands.

    Attributes:
        amount: in wei; it may be 0.
        payer: whose they were; None if they come into the market.
        payee: whose they are; None if they leave the market.
    """

    reason: Reason
    amount: int
    payer: Address | None
    payee: Address | None


def movement_of(event: e.MarketEvent, market: Market) -> Movement | None:
    """The coins that change hands by an event; None if none do.

    Args:
        event: just applied to `market`.
        market: the mirror.
    """
    match event:
        case e.Deposited():
            return Movement(Reason.DEPOSIT, event.amount, None, event.account)
        case e.Withdrawn():
            return Movement(Reason.WITHDRAWAL, event.amount, event.account, None)
        case e.JobJudged():
            cloud_owner = market.instances[event.ci].cloud_owner
            model_owner = market.couples[event.tc].model_owner
            if event.verdict in PAID:
                return Movement(Reason.JOB, event.amount, model_owner, cloud_owner)
            return Movement(Reason.FORFEIT, event.amount, cloud_owner, model_owner)
        case e.SubsetSettled() | e.SubsetVoided():
            couple = market.couples[event.tc]
            reason = Reason.SETTLED_SUBSET if isinstance(event, e.SubsetSettled) else Reason.VOID_SUBSET
            owner = market.dataset_of(couple).owner
            return Movement(reason, event.data_owner_share, couple.model_owner, owner)
        case e.CoupleAborted():
            couple = market.couples[event.tc]
            dataset = market.dataset_of(couple)
            return Movement(Reason.FORFEIT, dataset.terms.couple_bond, dataset.owner, couple.model_owner)
        case _:
            return None


@dataclass(frozen=True)
class Flows:
    """What came to a member and what went, in wei.

    Attributes:
        earned: for jobs that were accepted, or void and paid; a data owner's shares.
        compensated: what others forfeited to it.
        spent: what was paid out of its escrow.
    """

    paid_in: int = 0
    earned: int = 0
    compensated: int = 0
    spent: int = 0
    forfeited: int = 0
    taken_out: int = 0

    @property
    def left(self) -> int:
        """What the market must hold for it."""
        came = self.paid_in + self.earned + self.compensated
        return came - self.spent - self.forfeited - self.taken_out


class Ledger:
    """All movements so far, summed by member and by reason.

    Args:
        market: the mirror, which takes each event just before.
    """

    def __init__(self, market: Market) -> None:
        self._market = market
        self._came: defaultdict[Address, Counter[Reason]] = defaultdict(Counter)
        self._went: defaultdict[Address, Counter[Reason]] = defaultdict(Counter)

    def apply(self, logged: e.Logged) -> None:
        """Books what an event moves."""
        moved = movement_of(logged.event, self._market)
        if moved is None:
            return
        if moved.payee is not None:
            self._came[moved.payee][moved.reason] += moved.amount
        if moved.payer is not None:
            self._went[moved.payer][moved.reason] += moved.amount

    @property
    def members(self) -> tuple[Address, ...]:
        """Everyone whose coins have moved."""
        return tuple(dict.fromkeys((*self._came, *self._went)))

    def flows_of(self, member: Address) -> Flows:
        """What came to a member and what went; nothing if no coins of it have moved."""
        came, went = self._came.get(member, _NOTHING), self._went.get(member, _NOTHING)
        return Flows(
            paid_in=came[Reason.DEPOSIT],
            earned=sum(came[reason] for reason in PAY),
            compensated=came[Reason.FORFEIT],
            spent=sum(went[reason] for reason in PAY),
            forfeited=went[Reason.FORFEIT],
            taken_out=went[Reason.WITHDRAWAL],
        )

    def total(self, reason: Reason) -> int:
        """All coins that moved for a reason, in wei."""
        booked = self._went if reason is Reason.WITHDRAWAL else self._came
        return sum(member[reason] for member in booked.values())


_NOTHING: Counter[Reason] = Counter()
