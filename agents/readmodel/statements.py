"""What each member did and did not do, and what it got and lost."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from agents.core import events as e
from agents.core.enums import JobStatus
from agents.core.ids import Address, CoupleId
from agents.core.market import Market
from agents.readmodel.ledger import Ledger


@dataclass(frozen=True)
class Statement:
    """What one member did and did not do, and what it got and lost; amounts in wei.

    Attributes:
        earned: for jobs that were accepted, or void and paid; a data owner's shares.
        accepted, faulty, missed, flagged: how many of its jobs were judged so, or flagged by it.
        void: how many of its jobs were paid though too many others flagged for a verdict.
        settled: how many subsets it settled for everybody.
        refused, rejected: how many of its instances were refused by it, or rejected by the data owner.
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

    @property
    def slashed(self) -> bool:
        """Whether the member was judged Faulty or Missed, rejected, or lost a bond."""
        return bool(self.faulty or self.missed or self.rejected or self.forfeited)


class Entry(StrEnum):
    """What a statement counts besides verdicts."""

    PAID_IN = "paid in"
    TOOK_OUT = "took out"
    REFUSED = "refused an instance"
    REJECTED = "had an instance rejected"
    FLAGGED = "flagged a job"
    SETTLED = "settled a subset"
    SOLD = "had a subset of its data settled"
    UNSOLD = "had a subset of its data void"
    WITHHELD = "withheld a seed"


class Statements:
    """The statements of all members so far.

    Args:
        market: the mirror, which takes each event just before.
        ledger: of the same events.
    """

    def __init__(self, market: Market, ledger: Ledger) -> None:
        self._market, self._ledger = market, ledger
        self._entries: defaultdict[Address, Counter[Entry | JobStatus]] = defaultdict(Counter)

    def apply(self, logged: e.Logged) -> None:
        """Enters what an event tells of members."""
        for member, entry in self._told(logged.event):
            self._entries[member][entry] += 1

    def of(self, member: Address) -> Statement:
        """A member's statement; an empty one if no event tells of it."""
        entries, flows = self._entries.get(member, _NOTHING), self._ledger.flows_of(member)
        return Statement(
            paid_in=flows.paid_in,
            taken_out=flows.taken_out,
            earned=flows.earned,
            forfeited=flows.forfeited,
            accepted=entries[JobStatus.ACCEPTED],
            faulty=entries[JobStatus.FAULTY],
            missed=entries[JobStatus.MISSED],
            flagged=entries[Entry.FLAGGED],
            void=entries[JobStatus.VOID],
            settled=entries[Entry.SETTLED],
            refused=entries[Entry.REFUSED],
            rejected=entries[Entry.REJECTED],
        )

    def all(self) -> dict[Address, Statement]:
        """By member, in the order in which events first tell of them."""
        return {member: self.of(member) for member in self._entries}

    def sold_by(self, data_owner: Address) -> int:
        """How many subsets of a data owner's data were settled, over all rounds."""
        return self._entries.get(data_owner, _NOTHING)[Entry.SOLD]

    def _told(self, event: e.MarketEvent) -> Iterator[tuple[Address, Entry | JobStatus]]:
        match event:
            case e.Deposited():
                yield event.account, Entry.PAID_IN
            case e.Withdrawn():
                yield event.account, Entry.TOOK_OUT
            case e.InstanceRefused():
                yield event.cloud_owner, Entry.REFUSED
            case e.InstanceRejected():
                yield self._market.instances[event.ci].cloud_owner, Entry.REJECTED
            case e.JobFlagged():
                yield event.cloud_owner, Entry.FLAGGED
            case e.JobJudged():
                yield self._market.instances[event.ci].cloud_owner, event.verdict
            case e.SubsetSettled():
                yield event.settler, Entry.SETTLED
                yield self._data_owner(event.tc), Entry.SOLD
            case e.SubsetVoided():
                yield self._data_owner(event.tc), Entry.UNSOLD
            case e.CoupleAborted():
                yield self._data_owner(event.tc), Entry.WITHHELD
            case _:
                pass

    def _data_owner(self, tc: CoupleId) -> Address:
        return self._market.dataset_of(self._market.couples[tc]).owner


_NOTHING: Counter[Entry | JobStatus] = Counter()
