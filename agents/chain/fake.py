"""A market in memory, for tests of what stands on the chain: no node, no database, no waiting."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from agents.chain.client import BlockRef
from agents.chain.history import Batch
from agents.chain.sender import Outcome, Sent
from agents.chain.transactions import TransactionReceipt
from agents.core.calls import Call
from agents.core.errors import Refused
from agents.core.events import Logged, MarketEvent


class FakeMarket:
    """Stands for a `MarketClient`, its `EventStream` and a `Sender` at once.

    Attributes:
        history: all events.
        sent: all calls, in order.
        refusals: what to refuse, by the call's function.
    """

    def __init__(self, timestamp: int = 1_700_000_000) -> None:
        self.history: list[Logged] = []
        self.sent: list[Call] = []
        self.refusals: dict[str, Refused] = {}
        self._blocks = [BlockRef(0, _hash(0), timestamp)]
        self._delivered = 0
        self._rolled_back = False

    # --- what a test does ---

    def mine(self, *events: MarketEvent, seconds: int = 1) -> BlockRef:
        """Adds a block with these events, so many seconds after the last."""
        number = len(self._blocks)
        block = BlockRef(number, _hash(number), self._blocks[-1].timestamp + seconds)
        self._blocks.append(block)
        for index, event in enumerate(events):
            self.history.append(Logged(event, number, block.hash, block.timestamp, index, _hash(number)))
        return block

    def take_back(self, blocks: int) -> None:
        """Removes the last blocks, as a re-org does."""
        del self._blocks[-blocks:]
        self.history = [logged for logged in self.history if logged.block < len(self._blocks)]
        self._rolled_back = self._delivered > len(self.history)
        self._delivered = min(self._delivered, len(self.history))

    # --- what the runtime does ---

    @property
    def height(self) -> int:
        """See `Sender.height`: here every call is mined at once."""
        return 0

    def head(self) -> BlockRef:
        """See `MarketClient.head`."""
        return self._blocks[-1]

    def replay(self) -> Iterator[Logged]:
        """See `EventStream.replay`."""
        return iter(self.history[: self._delivered])

    def poll(self) -> Batch:
        """See `EventStream.poll`."""
        if self._rolled_back:
            self._rolled_back = False
            return Batch((), True, self.head(), 0)
        events = tuple(self.history[self._delivered :])
        self._delivered = len(self.history)
        return Batch(events, False, self.head(), 0)

    def resume(self) -> tuple[TransactionReceipt, ...]:
        """See `Sender.resume`."""
        return ()

    def send(self, calls: Sequence[Call]) -> Sent:
        """See `Sender.send`; every call that is not refused is a transaction, in the block that is next."""
        return Sent(tuple(map(self._send, calls)))

    def _send(self, call: Call) -> Outcome:
        self.sent.append(call)
        if call.function in self.refusals:
            return Outcome(call, None, self.refusals[call.function])
        receipt = TransactionReceipt(_hash(len(self.sent)), len(self._blocks), 21_000, 21_000, succeeded=True)
        return Outcome(call, receipt)


def _hash(number: int) -> bytes:
    return number.to_bytes(32, "big")
