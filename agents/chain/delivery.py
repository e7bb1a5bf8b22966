"""One transaction after the other, each mined once, whenever we, the node or the network fail.

A transaction is in the outbox before it is sent. What the outbox holds open is sent again and waited for
before anything new is signed. So one nonce is under way at most, and a crash neither loses nor doubles.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from agents.chain.database import ChainDatabase
from agents.chain.outbox import Attempt, Outbox
from agents.chain.transactions import BlockGas, Fees, Payload, TransactionReceipt, Transactions
from agents.chain.wallet import Wallet
from agents.core.errors import NodeUnavailable

GWEI = 10**9
TRANSFER_GAS = 21_000


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a sender waits, and what it pays not to.

    Attributes:
        timeout_seconds: for a transaction to be mined; after that it stays in the outbox and is a `Retry`.
        first_pause_seconds: until the first look for a receipt; each next pause is twice as long ...
        last_pause_seconds: ... up to this.
        stuck_blocks: blocks that may pass without the transaction before it is replaced at a higher fee.
        second_looks: pauses before it looks again for the receipt of a nonce that is used: a node may count
            a transaction a moment before it shows its receipt.
        fee_limit: the most that is offered for a unit of gas, in wei.
    """

    timeout_seconds: float = 180.0
    first_pause_seconds: float = 0.02
    last_pause_seconds: float = 2.0
    stuck_blocks: int = 5
    second_looks: tuple[float, ...] = (0.1, 0.3, 1.0, 3.0)
    fee_limit: int = 500 * GWEI


class Delivery:
    """Delivers the transactions of one wallet.

    Args:
        chain: the node's view of them.
        chain_id: of the chain that they are signed for.
        wallet: signs. No other program may send from it.
        database: holds the outbox.
        clock: seconds that only grow. `sleep` waits for so many.

    Raises:
        BadInput: the database is of another wallet.
    """

    def __init__(
        self,
        chain: Transactions,
        chain_id: int,
        wallet: Wallet,
        database: ChainDatabase,
        patience: Patience,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._chain = chain
        self._chain_id = chain_id
        self._wallet = wallet
        self._outbox = Outbox(database, wallet.address)
        self._patience = patience
        self._clock = clock
        self._sleep = sleep

    @property
    def height(self) -> int:
        """The last block that holds a transaction of ours; 0 if there is none."""
        return self._outbox.height()

    def fees(self, base_fee: int) -> Fees:
        """What to offer now, within the limit."""
        return self._limited(self._chain.fees(base_fee))

    def deliver(self, payload: Payload, fees: Fees) -> TransactionReceipt:
        """Sends a transaction and waits until it is mined; `resume` must have found nothing to do.

        Raises:
            NodeUnavailable: the node did not answer, or did not mine it in time: it stays in the outbox. Or
                another program used the nonce: it is dropped, and nothing of it has happened.
        """
        nonce = self._chain.nonce()
        self._sign(payload, nonce, fees)
        return self._finish(nonce)

    def resume(self) -> tuple[TransactionReceipt, ...]:
        """Finishes what an earlier process, or an earlier call, left in the outbox.

        Raises:
            NodeUnavailable: as for `deliver`.
            WrongNetwork: the chain was started anew.
        """
        mined = self._chain.nonce()
        if self._outbox.last_nonce() >= mined:
            self._chain.require_same_chain()  # before we say on a new chain what we said on the old one
            self._outbox.reopen(mined)
        nonces = self._outbox.open_nonces()
        for gap in set(range(mined, nonces[-1] if nonces else mined)) - set(nonces):
            self._fill(gap)
        return tuple(self._mined(nonce) or self._finish(nonce) for nonce in self._outbox.open_nonces())

    def _fill(self, nonce: int) -> None:
        """A re-org took back a transaction that is not ours: without one in its place ours is never mined."""
        fees = self.fees(self._chain.last_block().base_fee)
        self._sign(Payload(self._wallet.address, b"", 0, TRANSFER_GAS), nonce, fees)

    def _sign(self, payload: Payload, nonce: int, fees: Fees) -> Attempt:
        """Signs an attempt and keeps it."""
        signed = self._wallet.sign(
            {
                "type": 2,
                "chainId": self._chain_id,
                "nonce": nonce,
                "to": payload.to,
                "data": payload.data,
                "value": payload.value,
                "gas": payload.gas,
                "maxFeePerGas": fees.maximum,
                "maxPriorityFeePerGas": fees.tip,
            }
        )
        attempt = Attempt(signed.hash, nonce, payload, fees, signed.raw)
        self._outbox.add(attempt)
        return attempt

    def _finish(self, nonce: int) -> TransactionReceipt:
        """Sends the last attempt of a nonce and waits until one of them is mined."""
        deadline = self._clock() + self._patience.timeout_seconds
        pause = self._patience.first_pause_seconds
        attempt = self._outbox.attempts(nonce)[0]
        sent_in = self._chain.last_block().number
        objection = self._chain.broadcast(attempt.raw)
        while (receipt := self._mined(nonce)) is None:
            if self._clock() >= deadline:
                said = f" ({objection})" if objection else ""
                raise NodeUnavailable(f"transaction 0x{attempt.hash.hex()} was not mined in time{said}")
            self._sleep(pause)
            pause = min(2 * pause, self._patience.last_pause_seconds)
            block = self._chain.last_block()
            if self._is_stuck(attempt, block, sent_in):
                attempt, sent_in = self._outbid(attempt, block), block.number
                objection = self._chain.broadcast(attempt.raw)
        return receipt

    def _mined(self, nonce: int) -> TransactionReceipt | None:
        """The receipt of an attempt, and the nonce is closed; None if the nonce is still to be used."""
        used = self._chain.nonce() > nonce  # before the receipts: one that comes after this is not missed
        receipt = self._receipt(nonce)
        for pause in self._patience.second_looks if used else ():
            if receipt is not None:
                break
            self._sleep(pause)
            receipt = self._receipt(nonce)
        if receipt is None and used:
            self._outbox.drop(nonce)
            raise NodeUnavailable(
                f"another program sends from {self._wallet.address} and used nonce {nonce}: ours was dropped"
            )
        return receipt

    def _receipt(self, nonce: int) -> TransactionReceipt | None:
        """The receipt of whichever attempt was mined, and the nonce is closed."""
        for attempt in self._outbox.attempts(nonce):
            receipt = self._chain.receipt(attempt.hash)
            if receipt is not None:
                self._outbox.close(nonce, receipt.block)
                return receipt
        return None

    # --- fees ---

    def _is_stuck(self, attempt: Attempt, block: BlockGas, sent_in: int) -> bool:
        waited = block.number - sent_in
        return waited >= self._patience.stuck_blocks or block.base_fee > attempt.fees.maximum

    def _outbid(self, attempt: Attempt, block: BlockGas) -> Attempt:
        """The same at a fee for which nodes replace it; the same attempt if that is over the limit."""
        needed = Fees(_raised(attempt.fees.maximum), _raised(attempt.fees.tip))
        now = self._chain.fees(block.base_fee)
        fees = self._limited(Fees(max(needed.maximum, now.maximum), max(needed.tip, now.tip)))
        if fees.maximum < needed.maximum or fees.tip < needed.tip:
            return attempt
        return self._sign(attempt.payload, attempt.nonce, fees)

    def _limited(self, fees: Fees) -> Fees:
        maximum = min(fees.maximum, self._patience.fee_limit)
        return Fees(maximum, min(fees.tip, maximum))


def _raised(fee: int) -> int:
    """An eighth more: nodes ask for at least a tenth."""
    return fee + fee // 8 + 1
