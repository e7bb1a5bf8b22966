"""The next transaction of what is wanted: the first that the market takes and the wallet can pay."""

from __future__ import annotations

import logging
import math
from collections import deque
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from eth_abi.exceptions import EncodingError

from agents.chain.answers import NodeRefused
from agents.chain.client import MarketClient
from agents.chain.fees import FeeLimits, FeeMarket, Fees, within
from agents.chain.intents import Intent, IntentState, Outcome
from agents.chain.patience import Patience
from agents.chain.purse import Purse
from agents.chain.setbacks import Setbacks
from agents.chain.transactions import Look, Payload, Transactions
from agents.core.errors import NodeUnavailable, Refused
from agents.core.ids import Address

log = logging.getLogger(__name__)

BUNDLE = 30
"""Calls without coins that share a transaction, at most."""


@dataclass(frozen=True, slots=True)
class PreparedTransaction:
    """A transaction that only has to be signed, and the intents that it carries out."""

    intents: tuple[Intent, ...]
    payload: Payload
    fees: Fees


class _Waits(Exception):  # noqa: N818  # no error: it says what a transaction waits for
    """A transaction that cannot be paid now."""


class Preparing:
    """Prepares transactions for one wallet.

    Args:
        chain: the node's view of it.
        client: of the market.
        wallet: its address.
        fees: what gas costs; `limits`: what it may.
        setbacks: what was learnt of gas.
        purse: the wallet's coins.
        patience: until those are looked at again.

    Attributes:
        waiting: what cannot be sent now, by the intents' keys, and why.
    """

    def __init__(
        self,
        chain: Transactions,
        client: MarketClient,
        wallet: Address,
        fees: FeeMarket,
        limits: FeeLimits,
        setbacks: Setbacks,
        purse: Purse,
        patience: Patience,
    ) -> None:
        self._chain = chain
        self._market = client.deployment.market
        self._codec = client.codec
        self._fees = fees
        self._limits = limits
        self._setbacks = setbacks
        self._purse = purse
        self._patience = patience
        self._wallet = wallet
        self._lacking_since: dict[str, float] = {}
        self._most = BUNDLE
        self.waiting: dict[str, str] = {}

    def next(
        self, intents: Sequence[Intent], alone: Collection[str], look: Look
    ) -> tuple[PreparedTransaction | None, list[Outcome]]:
        """The first transaction that can be sent, and what the market would reject of what is before it.

        Gas is estimated, so what would be rejected costs nothing. If a bundle is rejected or too large for a
        block, its halves are tried, down to the call that is at fault. A bundle whose estimate is not
        answered may have been too much for the node's time: the next one has half as many.

        Args:
            intents: in the order in which they should be sent.
            alone: keys of those that share a transaction with no other.
            look: at the chain.

        Raises:
            NodeUnavailable: the node did not answer.
        """
        refused: list[Outcome] = []
        bundles = deque(_bundles([i for i in intents if not self._lacks_coins(i, look)], alone, self._most))
        if bundles:
            self._purse.look(look.now)
        while bundles:
            bundle = bundles.popleft()
            try:
                payload, fees = self._prepare(bundle, look)
            except (Refused, NodeRefused, _Waits) as problem:
                if len(bundle) > 1:
                    middle = len(bundle) // 2
                    bundles.extendleft((bundle[middle:], bundle[:middle]))
                elif isinstance(problem, _Waits):
                    self._tell(bundle[0], str(problem))
                else:
                    reason = problem if isinstance(problem, Refused) else Refused(str(problem))
                    refused.append(Outcome(bundle[0].key, IntentState.REFUSED, refusal=reason))
            else:
                self._forget(intent.key for intent in bundle)
                return PreparedTransaction(tuple(bundle), payload, fees), refused
        return None, refused

    def _prepare(self, bundle: Sequence[Intent], look: Look) -> tuple[Payload, Fees]:
        keys, data = [intent.key for intent in bundle], self._encode(bundle)
        value = sum(intent.call.value for intent in bundle)
        fees = self._offer(bundle, look)
        self._require_coins(bundle, value, look)
        estimate = self._estimate(data, value, len(bundle))
        if estimate > look.head.gas_limit:
            raise NodeRefused(
                f"a transaction of {estimate} gas does not fit in a block of {look.head.gas_limit}"
            )
        gas = self._setbacks.gas_limit(keys, estimate, look.head)
        self._require_coins(bundle, value + gas * fees.maximum, look)
        return Payload(self._market, data, value, gas), fees

    def _estimate(self, data: bytes, value: int, calls: int) -> int:
        try:
            estimate = self._chain.estimate(self._market, data, value)
        except NodeRefused:
            raise
        except NodeUnavailable:
            self._most = max(1, calls // 2)
            raise
        self._most = min(BUNDLE, 2 * self._most)
        return estimate

    def _encode(self, bundle: Sequence[Intent]) -> bytes:
        try:
            calls = [self._codec.call(intent.call) for intent in bundle]
        except (EncodingError, ValueError) as error:
            raise Refused(f"not a call of the market: {error}") from error
        return calls[0] if len(calls) == 1 else self._codec.request("multicall", [calls])

    # --- what it costs ---

    def _offer(self, bundle: Sequence[Intent], look: Look) -> Fees:
        asked, now = self._fees.now(look.head), look.head.timestamp
        limit = self._limits.at(now, min(intent.urgent_from for intent in bundle))
        fees = within(asked, look.head, limit)
        if fees is None:
            deadline = min(intent.deadline for intent in bundle)
            due = f", and is due in {deadline - now:.0f} s" if math.isfinite(deadline) else ""
            raise _Waits(f"gas costs {asked.maximum} wei a unit, over the limit of {limit}: it waits{due}")
        self._purse.gas_price = fees.maximum
        return fees

    def _require_coins(self, bundle: Sequence[Intent], needed: int, look: Look) -> None:
        if needed > self._purse.balance:
            if len(bundle) == 1:
                self._lacking_since[bundle[0].key] = look.now
            raise _Waits(
                f"the wallet {self._wallet} has {self._purse.balance} wei and needs {needed}: send it coins"
            )

    def _lacks_coins(self, intent: Intent, look: Look) -> bool:
        """Whether it could not be paid a moment ago: prices and balance are looked at every minute."""
        since = self._lacking_since.get(intent.key)
        return since is not None and look.now < since + self._patience.balance_seconds

    # --- telling ---

    def _tell(self, intent: Intent, why: str) -> None:
        """Says what waits, once."""
        if intent.key not in self.waiting:
            log.warning("%s: %s", intent.call.function, why)
        self.waiting[intent.key] = why

    def forget_all_but(self, keys: Collection[str]) -> None:
        """What is no longer wanted waits for nothing."""
        self._forget([key for key in (*self.waiting, *self._lacking_since) if key not in keys])

    def _forget(self, keys: Iterable[str]) -> None:
        for key in keys:
            self.waiting.pop(key, None)
            self._lacking_since.pop(key, None)


def _bundles(intents: Sequence[Intent], alone: Collection[str], most: int) -> Iterator[list[Intent]]:
    """Runs of calls without coins, which `multicall` can take, and between them each that goes by itself."""
    for by_itself, run in groupby(intents, key=lambda i: i.call.value > 0 or i.key in alone):
        listed, size = list(run), 1 if by_itself else most
        yield from (listed[start : start + size] for start in range(0, len(listed), size))
