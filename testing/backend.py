"""What a scripted life is played on: the rules in memory, the contract on an EVM or on a node."""

from __future__ import annotations

from abc import ABC, abstractmethod
from hashlib import sha256

from agents.core.calls import Call
from agents.core.events import DatasetTerms, Logged, MarketEvent
from agents.core.hashing import receipt_domain
from agents.core.ids import Address
from agents.core.market import Market

START = 1_700_000_000
CHAIN_ID = 31_337
MARKET = Address("0x5FbDB2315678afecb367f032d93F642f64180aa3")
"""Where the first contract of Anvil's first account comes to be."""
NOBODY = Address("0x" + "00" * 20)
TERMS = DatasetTerms(
    subsets=1,
    subsets_per_round=1,
    max_replicas=3,
    round_price=1_000,
    job_price=100,
    instance_bond=300,
    miss_penalty=40,
    couple_bond=500,
    answer_window_seconds=86_400,
    draw_window_seconds=3_600,
    report_window_seconds=7_200,
    settle_window_seconds=1_800,
    couple_window_seconds=604_800,
    ends_at=4_102_444_800,
)
"""Small and distinct amounts, so that a sum tells what it is made of."""


class Backend(ABC):
    """A market that takes calls from addresses, at a time that the test sets.

    Attributes:
        domain: what its receipts begin with; that of the market `MARKET`, unless it is another one.
        now: the next block's timestamp, in seconds.
        height: of the last block.
        history: all that happened, as logged. `mirror` is what it comes to.
        sender: of the last call.
    """

    domain = receipt_domain(CHAIN_ID, MARKET)

    def __init__(self, now: int = START) -> None:
        self.now = now
        self.height = 0
        self.history: list[Logged] = []
        self.mirror = Market()
        self.sender = NOBODY

    @abstractmethod
    def send(self, sender: Address, call: Call) -> list[MarketEvent]:
        """Mines a call; returns its events.

        Raises:
            Refused: with the error and the arguments that the contract gives.
        """

    def emit(self, event: MarketEvent) -> None:
        """Notes what happened in the last block."""
        name = sha256(b"block %d at %d" % (self.height, self.now)).digest()
        self.note(Logged(event, self.height, name, self.now, len(self.history), name))

    def note(self, logged: Logged) -> None:
        """Notes what a chain has logged."""
        self.history.append(logged)
        self.mirror.apply(logged)

    def take_back(self, blocks: int) -> None:
        """Undoes the last blocks, as a re-org does."""
        self.height -= blocks
        self.history = [logged for logged in self.history if logged.block <= self.height]
        self.mirror = Market(self.history)
