"""From calls to transactions: bundled where that may be, and each call's fate told."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from agents.chain.answers import NodeRefused
from agents.chain.client import MarketClient
from agents.chain.database import ChainDatabase
from agents.chain.delivery import Delivery, Patience
from agents.chain.transactions import Fees, Payload, TransactionReceipt, Transactions
from agents.chain.wallet import Wallet
from agents.core.calls import Call
from agents.core.errors import Refused, StopAgent


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a call.

    Attributes:
        receipt: of its transaction, which a bundle's calls share; None if none was mined.
        refusal: why the market rejected it; None if it did not.
    """

    call: Call
    receipt: TransactionReceipt | None
    refusal: Refused | None = None


@dataclass(frozen=True, slots=True)
class Sent:
    """What a sender did.

    Attributes:
        outcomes: of each call, in order; empty if ...
        resumed: ... transactions of an earlier `send` had to be finished first. The calls were decided
            without knowing these, so they were not sent: look at the chain and decide again.
    """

    outcomes: tuple[Outcome, ...]
    resumed: tuple[TransactionReceipt, ...] = ()

    @property
    def receipts(self) -> tuple[TransactionReceipt, ...]:
        """Of all transactions that were mined, each once, in order."""
        mined = (outcome.receipt for outcome in self.outcomes if outcome.receipt is not None)
        return tuple(dict.fromkeys((*self.resumed, *mined)))


class Sender:
    """Sends the calls of one wallet. See `Delivery` for its arguments and for what it promises."""

    def __init__(
        self,
        client: MarketClient,
        wallet: Wallet,
        database: ChainDatabase,
        patience: Patience | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        client.claim(database)
        self._market = client.deployment.market
        self._codec = client.codec
        self._wallet = wallet
        self._chain = Transactions(client, wallet.address)
        chain_id = client.deployment.chain_id
        self._delivery = Delivery(
            self._chain, chain_id, wallet, database, patience or Patience(), clock, sleep
        )

    @property
    def height(self) -> int:
        """The last block with a transaction of ours: decide only on events that reach up to it."""
        return self._delivery.height

    def resume(self) -> tuple[TransactionReceipt, ...]:
        """Finishes what an earlier process, or an earlier `send`, left in the outbox.

        Raises:
            NodeUnavailable: as for `send`.
            WrongNetwork: the chain was started anew.
        """
        return self._delivery.resume()

    def send(self, calls: Sequence[Call]) -> Sent:
        """Sends calls in order: those without coins together in one `multicall`, the others alone.

        Gas is estimated first, so a call that would be refused costs nothing. If a bundle is refused, or too
        large for a block, its halves are sent one after the other, down to the call that is at fault.

        Raises:
            NodeUnavailable: the node did not answer, or a transaction is not mined in time. What was signed
                stays in the outbox: the next `send` or `resume` finishes it first.
            StopAgent: the wallet cannot pay.
        """
        resumed = self.resume()
        if resumed:
            return Sent((), resumed)
        return Sent(tuple(outcome for bundle in _bundles(calls) for outcome in self._send(bundle)))

    def _send(self, calls: Sequence[Call]) -> list[Outcome]:
        receipt, refusal = self._attempt(calls)
        if refusal is None or len(calls) == 1:
            return [Outcome(call, receipt, refusal) for call in calls]
        middle = len(calls) // 2
        return [*self._send(calls[:middle]), *self._send(calls[middle:])]

    def _attempt(self, calls: Sequence[Call]) -> tuple[TransactionReceipt | None, Refused | None]:
        try:
            payload, fees = self._prepare(calls)
        except Refused as refusal:
            return None, refusal
        except NodeRefused as error:
            if len(calls) == 1:
                raise
            return None, Refused(str(error))
        receipt = self._delivery.deliver(payload, fees)
        return receipt, None if receipt.succeeded else self._chain.refusal(payload, receipt.block)

    def _prepare(self, calls: Sequence[Call]) -> tuple[Payload, Fees]:
        data = self._encode(calls)
        value = sum(call.value for call in calls)
        block = self._chain.last_block()
        fees = self._delivery.fees(block.base_fee)
        balance = self._chain.balance()
        self._require_funds(value, balance)
        gas = self._chain.gas_for(self._market, data, value, block.limit)
        self._require_funds(value + gas * fees.maximum, balance)
        return Payload(self._market, data, value, gas), fees

    def _encode(self, calls: Sequence[Call]) -> bytes:
        if len(calls) == 1:
            return self._codec.call(calls[0])
        return self._codec.request("multicall", [[self._codec.call(call) for call in calls]])

    def _require_funds(self, needed: int, balance: int) -> None:
        if needed > balance:
            raise StopAgent(
                f"the wallet {self._wallet.address} has {balance} wei and needs {needed}: send it coins"
            )


def _bundles(calls: Sequence[Call]) -> Iterator[list[Call]]:
    """Runs of calls without coins, and between them each call with coins: `multicall` takes none."""
    for has_value, run in groupby(calls, key=lambda call: call.value > 0):
        if has_value:
            yield from ([call] for call in run)
        else:
            yield list(run)
