"""One transaction after the other, each mined once, whenever we, the node or the network fail.

A transaction is in the outbox before it is sent. Nothing here waits: each look at the chain moves what is
open by what is known, and nothing is believed but what is in a block. So a crash neither loses nor doubles.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from agents.chain.broadcasts import Broadcasts
from agents.chain.outbox import Attempt, Outbox, Sending
from agents.chain.setbacks import Setbacks
from agents.chain.strangers import Strangers
from agents.chain.transactions import Look, Payload, TransactionReceipt, Transactions
from agents.core.errors import NodeUnavailable


@dataclass(frozen=True, slots=True)
class Delivered:
    """A transaction that came into a block, and what it was for."""

    sending: Sending
    payload: Payload
    receipt: TransactionReceipt


class Delivery:
    """Brings what is signed into blocks.

    Args:
        chain: the node's view of it.
        outbox: what is signed.
        broadcasts: send it.
        strangers: find out whether another process uses the wallet.
        setbacks: learn from what is mined.
    """

    def __init__(
        self,
        chain: Transactions,
        outbox: Outbox,
        broadcasts: Broadcasts,
        strangers: Strangers,
        setbacks: Setbacks,
    ) -> None:
        self._chain = chain
        self._outbox = outbox
        self._broadcasts = broadcasts
        self._strangers = strangers
        self._setbacks = setbacks
        self._asked: dict[int, bytes] = {}
        self._told: dict[int, bool] = {}
        self._rechecked = b""

    def advance(self, look: Look) -> list[Delivered]:
        """Moves all that is open by what a look at the chain tells.

        Returns:
            What came into blocks, each once.

        Raises:
            NodeUnavailable: the node did not answer, and nothing came; the rest is moved at the next look.
            StopAgent: another process uses the wallet.
            WrongNetwork: the chain was started anew.
        """
        self._strangers.require_none(look)
        self._recheck(look)
        delivered: list[Delivered] = []
        try:
            self._move(look, delivered)
        except NodeUnavailable:
            if not delivered:
                raise
        return delivered

    def _move(self, look: Look, delivered: list[Delivered]) -> None:
        """Adds to what is delivered, of which each is told once, also if the node then does not answer."""
        waiting = []
        for sending in self._outbox.open():
            found = self._found(sending.nonce, look)
            if found is not None:
                delivered += self._close(sending, *found, look)
            elif sending.nonce >= look.count:
                waiting.append(sending)
        if waiting:
            self._broadcasts.push(waiting, look)

    # --- what is open ---

    def _found(self, nonce: int, look: Look) -> tuple[Attempt, TransactionReceipt] | None:
        """The attempt that is in a block; None if none is, or it does not show yet."""
        used = nonce < look.count
        if used or self._asked.get(nonce) != look.head.hash:
            self._asked[nonce] = look.head.hash
            found = self._receipt(nonce)
            if found is not None:
                return found
        if used:
            return self._late(nonce, look)
        self._strangers.is_unused(nonce)
        return None

    def _late(self, nonce: int, look: Look) -> tuple[Attempt, TransactionReceipt] | None:
        late = self._strangers.late(nonce, look)
        if not self._outbox.attempts(nonce):  # it was given up
            self._broadcasts.ended(nonce)
        return late

    def _receipt(self, nonce: int) -> tuple[Attempt, TransactionReceipt] | None:
        """Whichever attempt was mined, with its receipt."""
        for attempt in self._outbox.attempts(nonce):
            receipt = self._chain.receipt(attempt.hash, attempt.fees.maximum)
            if receipt is not None:
                return attempt, receipt
        return None

    def _close(
        self, sending: Sending, attempt: Attempt, receipt: TransactionReceipt, look: Look
    ) -> list[Delivered]:
        """Notes that it is mined; empty if the same was told before a re-org."""
        nonce, keys, payload, now = sending.nonce, sending.keys or (), attempt.payload, look.head.timestamp
        again = self._told.get(nonce) is receipt.succeeded
        learn = partial(self._setbacks.note, keys, payload, receipt, now)
        self._outbox.close(nonce, receipt, None if again else learn)
        self._told[nonce] = receipt.succeeded
        self._asked.pop(nonce, None)
        self._broadcasts.ended(nonce)
        self._strangers.is_unused(nonce)
        return [] if again else [Delivered(sending, payload, receipt)]

    # --- what is in blocks ---

    def _recheck(self, look: Look) -> None:
        """Looks whether the chain still has what we know to be mined, from the last one down."""
        if look.head.hash == self._rechecked:
            return
        for sending in self._outbox.mined(look.head.number):
            if self._stands(sending, look):
                break
        self._rechecked = look.head.hash

    def _stands(self, sending: Sending, look: Look) -> bool:
        """Whether a transaction is where it was; else it is noted where it is, or open again."""
        assert sending.block is not None
        there = self._chain.block_hash(sending.block)
        if there is not None and there == sending.block_hash:
            return True
        found = self._receipt(sending.nonce)
        if found is not None:
            self._outbox.close(sending.nonce, found[1])
        elif look.count <= sending.nonce or (there is not None and sending.block_hash is not None):
            self._chain.require_same_chain()  # before we say on a new chain what we said on the old one
            self._outbox.reopen(sending.nonce)
            self._broadcasts.doubt()
        return False
