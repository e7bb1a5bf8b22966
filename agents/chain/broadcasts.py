"""What is signed and in no block: sent again, as pools forget, and at a higher fee if blocks pass it by."""

from __future__ import annotations

import logging
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from eth_utils.crypto import keccak

from agents.chain.fees import FeeLimits, FeeMarket, Fees, within
from agents.chain.outbox import Attempt, Outbox, Sending
from agents.chain.patience import Patience
from agents.chain.transactions import Look, Payload, Transactions
from agents.chain.wallet import Signer

log = logging.getLogger(__name__)

TRANSFER_GAS = 21_000
MOST_GAPS = 16  # that a re-org can leave: a node that tells of more is wrong
_LACKS_COINS = re.compile(r"insufficient (funds|balance)|enough funds", re.IGNORECASE)
_NOT_REPLACED = re.compile(r"same nonce|replacement", re.IGNORECASE)


@dataclass
class _Watch:
    """What this process has done for an open nonce.

    Attributes:
        answered: a node has answered to the bytes that were sent last.
        sent_at, sent_in: when they were sent, and at which block; `first_in`: when the first were.
        passed: blocks that had room for it since then; `seen`: up to this one.
        judged: the block at which a higher fee was last thought of.
        lacks_coins, is_held: what the node had against them: the wallet's balance, or another of this nonce.
        is_dear: it was said that gas costs too much for it.
    """

    first_in: int
    sent_at: float = 0.0
    sent_in: int = 0
    seen: int = 0
    passed: int = 0
    judged: bytes = b""
    answered: bool = False
    lacks_coins: bool = False
    is_held: bool = False
    is_dear: bool = False


class Broadcasts:
    """Signs and sends the transactions of one wallet.

    Args:
        chain: the node's view of them.
        chain_id: of the chain that they are signed for.
        signer: of the wallet.
        outbox: keeps what is signed before it is sent.
        market: says what gas costs; `limits`: what it may.
        patience: how long to wait for a block.
    """

    def __init__(
        self,
        chain: Transactions,
        chain_id: int,
        signer: Signer,
        outbox: Outbox,
        market: FeeMarket,
        limits: FeeLimits,
        patience: Patience,
    ) -> None:
        self._chain = chain
        self._chain_id = chain_id
        self._signer = signer
        self._outbox = outbox
        self._market = market
        self._limits = limits
        self._patience = patience
        self._watches: dict[int, _Watch] = {}

    def answered(self, nonce: int) -> bool:
        """Whether a node has answered to the transaction since this process began."""
        return nonce in self._watches and self._watches[nonce].answered

    def doubt(self) -> None:
        """Pools may have lost everything: it is sent again at the next push."""
        for watch in self._watches.values():
            watch.answered = False

    def ended(self, nonce: int) -> None:
        """It needs no more care."""
        self._watches.pop(nonce, None)

    def begin(self, sending: Sending, payload: Payload, fees: Fees, look: Look) -> None:
        """Signs a transaction, keeps it, and sends it."""
        attempt = self._signed(payload, sending.nonce, fees)
        self._outbox.begin(sending, attempt)
        self._send(attempt, look)

    def push(self, waiting: Sequence[Sending], look: Look) -> None:
        """Does what is due for transactions that are in no block, by nonce.

        Raises:
            NodeUnavailable: the node did not answer; what is left is due at the next look.
        """
        for sending in waiting:
            attempt = self._outbox.attempts(sending.nonce)[0]
            watch = self._watch(sending.nonce, look)
            _count_blocks(watch, attempt, look)
            if not watch.answered or self._is_forgotten(watch, look):
                self._send(attempt, look)
        lowest = waiting[0]  # all others wait for it
        watch = self._watch(lowest.nonce, look)
        if watch.judged != look.head.hash:
            watch.judged = look.head.hash
            self._hurry(lowest, watch, look)

    # --- sending ---

    def _send(self, attempt: Attempt, look: Look) -> None:
        """A node that does not answer gets it again at the next look."""
        watch = self._watch(attempt.nonce, look)
        watch.sent_at, watch.sent_in, watch.passed = look.now, look.head.number, 0
        objection = self._chain.broadcast(attempt.raw)
        watch.answered = objection is not None
        lacked = watch.lacks_coins
        watch.lacks_coins = bool(_LACKS_COINS.search(objection or ""))
        watch.is_held = bool(_NOT_REPLACED.search(objection or ""))
        if watch.lacks_coins and not lacked:
            log.warning("transaction 0x%s waits for coins: %s", attempt.hash.hex(), objection)
        elif objection:
            log.info("of transaction 0x%s it is said: %s", attempt.hash.hex(), objection)

    def _is_forgotten(self, watch: _Watch, look: Look) -> bool:
        wait = self._patience.balance_seconds if watch.lacks_coins else self._patience.resend_seconds
        return look.now - watch.sent_at >= wait

    # --- hurrying ---

    def _hurry(self, sending: Sending, watch: _Watch, look: Look) -> None:
        """Sees to a transaction that blocks cannot take, or pass by though they have room."""
        if sending.nonce > look.count:
            if look.head.number - watch.first_in >= self._patience.stuck_blocks:
                self._fill_gap(sending.nonce, look)
            return
        attempt = self._outbox.attempts(sending.nonce)[0]
        is_low = look.head.base_fee is not None and look.head.base_fee > attempt.fees.maximum
        is_stuck = watch.passed >= self._patience.stuck_blocks
        if watch.lacks_coins or not (is_low or is_stuck):
            return
        forgotten = not is_low and self._chain.known(attempt.hash) is None
        if watch.is_held or forgotten:
            self._send(attempt, look)
        else:
            self._outbid(sending, attempt, watch, look)

    def _outbid(self, sending: Sending, attempt: Attempt, watch: _Watch, look: Look) -> None:
        """Sends the same at a fee for which nodes replace it, unless that is over the limit."""
        needed = attempt.fees.raised()
        limit = self._limits.at(look.head.timestamp, sending.urgent_from)
        fees = within(needed.at_least(self._market.now(look.head)), look.head, limit)
        if fees is not None and fees.maximum >= needed.maximum:
            raised = self._signed(attempt.payload, attempt.nonce, fees)
            self._outbox.add(raised)
            watch.is_dear = False
            self._send(raised, look)
        elif not watch.is_dear:
            watch.is_dear = True
            keys = ", ".join(sending.keys or ("a transaction",))
            log.warning("gas costs more than the limit of %d wei a unit: %s waits", limit, keys)

    def _fill_gap(self, below: int, look: Look) -> None:
        """A re-org took back a transaction that is not ours: without one in its place ours is never mined."""
        missing = sorted(set(range(look.count, below)) - self._outbox.nonces())
        fees = within(self._market.now(look.head), look.head, self._limits.usual)
        if fees is None or len(missing) > MOST_GAPS:
            return
        for nonce in missing:
            payload = Payload(self._signer.address, b"", 0, TRANSFER_GAS)
            filler = Sending(nonce, (), math.inf, math.inf, signed_at=look.head.number)
            self.begin(filler, payload, fees, look)

    # --- signing ---

    def _signed(self, payload: Payload, nonce: int, fees: Fees) -> Attempt:
        offer = (
            {"gasPrice": fees.maximum}
            if fees.legacy
            else {"type": 2, "maxFeePerGas": fees.maximum, "maxPriorityFeePerGas": fees.tip}
        )
        raw = self._signer.sign(
            {
                "chainId": self._chain_id,
                "nonce": nonce,
                "to": payload.to,
                "data": payload.data,
                "value": payload.value,
                "gas": payload.gas,
                **offer,
            }
        )
        return Attempt(keccak(raw), nonce, payload, fees, raw)

    def _watch(self, nonce: int, look: Look) -> _Watch:
        return self._watches.setdefault(nonce, _Watch(look.head.number))


def _count_blocks(watch: _Watch, attempt: Attempt, look: Look) -> None:
    if look.head.has_room_for(attempt.payload.gas):
        watch.passed += max(0, look.head.number - max(watch.seen, watch.sent_in))
    watch.seen = max(watch.seen, look.head.number)
