"""A market in memory, for tests of what stands on the chain: no node, no database, no waiting."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from agents.chain.client import BlockRef
from agents.chain.history import Batch
from agents.chain.intents import Intent, IntentState, Outcome
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
        self._mined: list[Outcome] = []

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

    @property
    def coins(self) -> int:
        """See `Sender.coins`: here everybody is rich."""
        return 2**96

    def advance(self) -> tuple[Outcome, ...]:
        """See `Sender.advance`: what was sent is mined by now."""
        outcomes, self._mined = tuple(self._mined), []
        return outcomes

    def submit(self, intents: Iterable[Intent]) -> tuple[Outcome, ...]:
        """See `Sender.submit`; every call that is not refused is a transaction, in the block that is next."""
        return tuple(map(self._send, intents))

    def _send(self, intent: Intent) -> Outcome:
        self.sent.append(intent.call)
        refusal = self.refusals.get(intent.call.function)
        if refusal is not None:
            return Outcome(intent.key, IntentState.REFUSED, refusal=refusal)
        number = len(self._blocks)
        receipt = TransactionReceipt(_hash(len(self.sent)), number, _hash(number), 21_000, 21_000, True)
        self._mined.append(Outcome(intent.key, IntentState.MINED, receipt))
        return Outcome(intent.key, IntentState.SENT)


def _hash(number: int) -> bytes:
    return number.to_bytes(32, "big")
