"""Whether our wallet's nonces are used by somebody else: by another process that has the same key.

The sign is a nonce that is used, while none of our transactions is in its place. A node may count a
transaction long before it shows its receipt, so that is believed late: until then it may be ours. And a
server behind the node may have miscounted when we chose the nonce: what was counted long before shows that.
"""

from __future__ import annotations

import logging
from dataclasses import replace

from agents.chain.outbox import Attempt, Outbox
from agents.chain.patience import Patience
from agents.chain.transactions import Known, Look, TransactionReceipt, Transactions
from agents.core.errors import NodeUnavailable, StopAgent
from agents.core.ids import Address

log = logging.getLogger(__name__)

WELL_BEFORE = 12
"""Blocks: of what was counted so long before we signed, nothing is ours, though a server was ahead."""


class Strangers:
    """Watches over the nonces of one wallet.

    Args:
        chain: the node's view of them.
        wallet: its address.
        outbox: what we signed.
        patience: how long a receipt may be late.
    """

    def __init__(self, chain: Transactions, wallet: Address, outbox: Outbox, patience: Patience) -> None:
        self._chain = chain
        self._wallet = wallet
        self._outbox = outbox
        self._patience = patience
        self._count: int | None = None
        self._counted_at = 0
        self._since: dict[int, Look] = {}

    def own_count(self, look: Look) -> int:
        """How many transactions of the wallet there should be: the nonce of the next.

        What another program sent while this process was not there is only told.

        Raises:
            NodeUnavailable: two answers of the node differ.
        """
        if self._count is None:
            signed = self._outbox.next_nonce()
            if self._chain.nonce() != look.count:
                raise NodeUnavailable("the node counts the wallet's transactions in two ways")
            if 0 < signed < look.count:
                log.warning(
                    "%d transactions of %s were sent by another program while this one was away",
                    look.count - signed,
                    self._wallet,
                )
            self._count, self._counted_at = max(signed, look.count), look.head.number
        return self._count

    def signed(self, nonce: int) -> None:
        """We signed this nonce."""
        self._count = nonce + 1

    def require_none(self, look: Look) -> None:
        """Makes sure that the chain has no transaction of the wallet beyond ours.

        Raises:
            StopAgent: it has.
        """
        count = self.own_count(look)
        if look.count <= count:
            self.is_unused(count)
        elif count not in self._since and self._gives_up(count):
            return
        elif count not in self._since and (found := self._found(count, look)) is not None:
            raise self._used_by_another(found)
        elif self._is_over(count, look):
            self._judge(count, look)

    def is_unused(self, nonce: int) -> None:
        """The chain does not show this nonce used, or not any more."""
        self._since.pop(nonce, None)

    def late(self, nonce: int, look: Look) -> tuple[Attempt, TransactionReceipt] | None:
        """What to make of a nonce of ours that is used and has no receipt: nothing yet, or that it is ours.

        Raises:
            StopAgent: it is somebody else's.
        """
        if nonce not in self._since and self._gives_up(nonce):
            return None
        if not self._is_over(nonce, look):
            return None
        for attempt in self._outbox.attempts(nonce):
            receipt = self._chain.receipt_elsewhere(attempt.hash, attempt.fees.maximum)
            if receipt is not None:
                return attempt, receipt
            known = self._chain.known(attempt.hash)
            if known is not None and known.block is not None and known.block_hash is not None:
                return attempt, _assumed(attempt, known)
            if known is not None:  # a node that has it in its pool, and counts it: two that disagree
                self.is_unused(nonce)
                return None
        self._judge(nonce, look)
        return None

    def _judge(self, nonce: int, look: Look) -> None:
        """Believes that a nonce is another's if that one's transaction can be shown, and else waits anew.

        A server of another chain, or one that lies, has counts and no such transaction.

        Raises:
            StopAgent: it is another's.
        """
        found = self._found(nonce, look)
        if found is not None:
            self._outbox.drop(nonce)
            raise self._used_by_another(found)
        if self._gives_up(nonce):
            return
        log.warning(
            "the node counts transaction %d of %s, and shows none: it is waited for", nonce, self._wallet
        )
        self._since[nonce] = replace(
            self._since.get(nonce, look), now=look.now
        )  # searched from where it began

    def _gives_up(self, nonce: int) -> bool:
        """Whether a nonce was used well before we took it for the next: then all is counted anew.

        One server of another chain behind the node is enough for it, when the first count is its own.
        """
        chosen_at = self._outbox.signed_at(nonce) if self._outbox.attempts(nonce) else self._counted_at
        before = -1 if chosen_at is None else chosen_at - WELL_BEFORE
        if before < 0 or not all(self._chain.nonce_at(before) > nonce for _ in range(2)):  # not by one answer
            return False
        log.warning(
            "transaction %d of %s was made before we chose that number: the node miscounted; counting anew",
            nonce,
            self._wallet,
        )
        self._outbox.drop(nonce)
        self._count = None
        self.is_unused(nonce)
        return True

    def _is_over(self, nonce: int, look: Look) -> bool:
        """Whether the nonce was used without a sign of us for as long as we wait."""
        since, patience = self._since.setdefault(nonce, look), self._patience
        seconds, blocks = look.now - since.now, look.head.number - since.head.number
        enough = seconds >= patience.late_seconds and blocks >= patience.late_blocks
        return enough or seconds >= patience.late_without_blocks

    def _found(self, nonce: int, look: Look) -> bytes | None:
        """The hash of whoever's transaction of a used nonce, if it is in a block before we saw that."""
        return self._chain.mined_with(nonce, self._since.get(nonce, look).head)

    def _used_by_another(self, found: bytes) -> StopAgent:
        return StopAgent(
            f"{self._wallet} is used by another process, in transaction 0x{found.hex()}: stop one"
        )


def _assumed(attempt: Attempt, known: Known) -> TransactionReceipt:
    """The receipt of what is in a block, and of which the node shows no receipt.

    Whether it reverted the market's events tell: if it did, the same is decided again.
    """
    assert known.block is not None
    assert known.block_hash is not None
    price = attempt.fees.maximum if known.gas_price is None else known.gas_price
    fee = attempt.payload.gas * price
    return TransactionReceipt(
        attempt.hash, known.block, known.block_hash, 0, fee, succeeded=True, fee_is_estimated=True
    )
