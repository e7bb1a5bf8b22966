"""From intents to transactions: what can be sent is sent, and what cannot holds up nothing else."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Sequence

from agents.chain.broadcasts import Broadcasts
from agents.chain.client import MarketClient
from agents.chain.database import ChainDatabase
from agents.chain.delivery import Delivered, Delivery
from agents.chain.fees import FeeLimits, FeeMarket
from agents.chain.intents import Intent, IntentState, Outcome
from agents.chain.outbox import Outbox, Sending
from agents.chain.patience import Patience
from agents.chain.preparing import PreparedTransaction, Preparing
from agents.chain.purse import Purse
from agents.chain.setbacks import Setbacks
from agents.chain.strangers import Strangers
from agents.chain.transactions import Head, Look, Transactions
from agents.chain.wallet import Signer
from agents.core.errors import NodeUnavailable

log = logging.getLogger(__name__)


class Sender:
    """Sends the calls of one wallet. It never waits: `advance`, then `submit` what is due, again and again.

    One nonce is under way at a time. What is submitted meanwhile is not remembered: it is decided anew, on
    what the chain says then, and what is decided again is the same intent.

    Args:
        client: of the market.
        signer: of the wallet. No other program may send from it.
        database: keeps what is signed.
        limits: the most that is paid for gas.
        patience: how long to wait for what.
        clock: seconds that only grow.

    Raises:
        BadInput: the database is of another wallet or market.
    """

    def __init__(
        self,
        client: MarketClient,
        signer: Signer,
        database: ChainDatabase,
        limits: FeeLimits | None = None,
        patience: Patience | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        client.claim(database)
        limits, patience = limits or FeeLimits(), patience or Patience()
        place, chain = client.deployment, Transactions(client, signer.address)
        fees = FeeMarket(chain, limits.tip)
        self._chain = chain
        self._clock = clock
        self._outbox = Outbox(database, signer.address)
        self._setbacks = Setbacks(database)
        self._purse = Purse(chain, patience.balance_seconds)
        self._strangers = Strangers(chain, signer.address, self._outbox, patience)
        self._broadcasts = Broadcasts(chain, place.chain_id, signer, self._outbox, fees, limits, patience)
        self._delivery = Delivery(chain, self._outbox, self._broadcasts, self._strangers, self._setbacks)
        self._preparing = Preparing(
            chain, client, signer.address, fees, limits, self._setbacks, self._purse, patience
        )
        self._last: Look | None = None
        self._advanced_at = b""
        self._wanted: dict[str, Intent] = {}
        self._alone: set[str] = set()

    # --- what is known ---

    @property
    def height(self) -> int:
        """The last block with a transaction of ours: decide only on events that reach up to it."""
        return self._outbox.height()

    @property
    def coins(self) -> int:
        """Wei that the wallet can pay into the market, as of the last `advance`."""
        return self._purse.coins

    @property
    def balance(self) -> int | None:
        """Wei in the wallet, as of the last look; None if it was never looked at."""
        return self._purse.balance if self._purse.is_known else None

    @property
    def in_flight(self) -> bool:
        """Whether a transaction is signed and in no block that we know."""
        return bool(self._outbox.open())

    @property
    def waiting(self) -> dict[str, str]:
        """What is wanted and cannot be paid now, by its key, and why."""
        return dict(self._preparing.waiting)

    @property
    def states(self) -> dict[str, IntentState]:
        """How far each intent has come that is wanted or signed, by its key."""
        states = dict.fromkeys(self._wanted, IntentState.WANTED)
        states |= dict.fromkeys(self._preparing.waiting, IntentState.PREPARED)
        for sending in self._outbox.open():
            answered = self._broadcasts.answered(sending.nonce)
            state = IntentState.SENT if answered else IntentState.SIGNED
            states |= dict.fromkeys(sending.keys or (), state)
        return states

    # --- what is signed ---

    def advance(self) -> tuple[Outcome, ...]:
        """Moves what is signed by what the chain says now; also what an earlier process signed.

        Returns:
            What came into blocks.

        Raises:
            NodeUnavailable: the node did not answer: call it again.
            StopAgent: another process uses the wallet.
            WrongNetwork: the chain was started anew.
        """
        outcomes: list[Outcome] = []
        for delivered in self._delivered():
            self._purse.was_paid_from()
            outcomes += self._told(delivered)
        try:
            self._purse.look_again(self._clock())
        except NodeUnavailable:
            if not outcomes:  # which are told once
                raise
        return tuple(outcomes)

    def _delivered(self) -> Sequence[Delivered]:
        """What came into blocks; the chain is not asked once all is final, nor twice about one block."""
        is_open = bool(self._outbox.open())
        if not is_open and not self._outbox.mined(self._last.head.number if self._last else 0):
            return ()
        head = self._chain.head()
        if not is_open and head.hash == self._advanced_at:
            return ()
        delivered = self._delivery.advance(self._look(head))
        self._advanced_at = head.hash
        return delivered

    def _told(self, delivered: Delivered) -> list[Outcome]:
        keys, receipt = delivered.sending.keys or (), delivered.receipt
        if receipt.succeeded or not keys:
            return [Outcome(key, IntentState.MINED, receipt) for key in keys]
        if len(keys) > 1:  # which of them is at fault the next estimates tell
            log.warning("a bundle of %d calls reverted in its block: each goes by itself now", len(keys))
            self._alone.update(keys)
            return []
        refusal = self._chain.refusal(delivered.payload, receipt.block)
        return [Outcome(key, IntentState.REVERTED, receipt, refusal) for key in keys]

    # --- what is wanted ---

    def submit(self, intents: Iterable[Intent]) -> tuple[Outcome, ...]:
        """Takes what is wanted now, in the order in which it should be sent, and sends the first of it.

        Calls without coins go together in one `multicall`, thirty at most, the others by themselves. What
        cannot be paid is skipped, and said once. Nothing is sent while something is under way, nor what is
        signed already and has no receipt yet: it counts as done.

        Returns:
            What was sent, and what would be rejected and was not.

        Raises:
            NodeUnavailable: the node did not answer: it is to be decided anew.
            StopAgent: another process uses the wallet.
        """
        self._wanted = {}
        for intent in intents:
            self._wanted.setdefault(intent.key, intent)
        self._alone &= self._wanted.keys()
        self._preparing.forget_all_but(self._wanted.keys())
        ready = self._ready()
        if not ready:
            return ()
        look = self._look(self._chain.head())
        self._strangers.require_none(look)
        if not self._is_free(look):
            return ()
        awake = [i for i in ready if self._setbacks.rests_until(i.key) <= look.head.timestamp]
        prepared, refused = self._preparing.next(awake, self._alone, look)
        return (*refused, *(self._begin(prepared, look) if prepared else ()))

    def _ready(self) -> Sequence[Intent]:
        """What is wanted and not under way; nothing while something is that everything waits for."""
        open_ = self._outbox.open()
        if any(sending.keys is None or self._is_unmined(sending) for sending in open_):
            return ()
        under_way = {key for sending in open_ for key in sending.keys or ()}
        return [intent for key, intent in self._wanted.items() if key not in under_way]

    def _is_unmined(self, sending: Sending) -> bool:
        """Whether its nonce is not used, as of the last look."""
        return self._last is None or sending.nonce >= self._last.count

    def _is_free(self, look: Look) -> bool:
        """Whether the node shows all that we sent, so that the next nonce is ours to use."""
        unmined = any(sending.nonce >= look.count for sending in self._outbox.open())
        return not unmined and look.count == self._strangers.own_count(look)

    def _begin(self, prepared: PreparedTransaction, look: Look) -> list[Outcome]:
        intents, nonce = prepared.intents, self._strangers.own_count(look)
        sending = Sending(
            nonce,
            tuple(intent.key for intent in intents),
            min(intent.deadline for intent in intents),
            min(intent.urgent_from for intent in intents),
            signed_at=look.head.number,
        )
        self._broadcasts.begin(sending, prepared.payload, prepared.fees, look)
        self._strangers.signed(nonce)
        return [Outcome(intent.key, IntentState.SENT) for intent in intents]

    def _look(self, head: Head) -> Look:
        self._last = Look(head, self._chain.nonce(), self._clock())
        return self._last
