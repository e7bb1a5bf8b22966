"""What to offer for a unit of gas: what blocks were made of lately, never more than is allowed."""

from __future__ import annotations

from dataclasses import dataclass

from agents.chain.transactions import Head, Transactions
from agents.core.errors import NodeUnavailable

GWEI = 10**9
BASE_FEE_GROWTH = 2  # what EIP-1559 allows in six full blocks
LEGACY_AFTER = 3  # headers in a row without a base fee: one may be a fault, so many are an older chain


@dataclass(frozen=True, slots=True)
class Fees:
    """What to offer for a unit of gas, in wei: at most `maximum`, of which the block's maker gets `tip`.

    Attributes:
        legacy: the chain is older than EIP-1559: all of `maximum` is paid, and `tip` is the same.
    """

    maximum: int
    tip: int
    legacy: bool = False

    def raised(self) -> Fees:
        """An eighth more of both: nodes ask for at least a tenth to replace a transaction."""
        return Fees(_raised(self.maximum), _raised(self.tip), self.legacy)

    def at_least(self, other: Fees) -> Fees:
        """The higher of two offers, in both its parts."""
        return Fees(max(self.maximum, other.maximum), max(self.tip, other.tip), self.legacy)


@dataclass(frozen=True)
class FeeLimits:
    """The most that is offered for a unit of gas, in wei; `urgent` in the last quarter of a window.

    `tip` bounds what the block's maker gets, whom a node that says what is usual may know.
    """

    usual: int = 500 * GWEI
    urgent: int = 2000 * GWEI
    tip: int = 50 * GWEI

    def at(self, now: int, urgent_from: float) -> int:
        """The limit at a chain time, for what is urgent from another on."""
        return self.urgent if now >= urgent_from else self.usual


class FeeMarket:
    """What gas costs on one chain."""

    def __init__(self, chain: Transactions, most_tip: int = FeeLimits.tip) -> None:
        self._chain = chain
        self._most_tip = most_tip
        self._headers_without = 0
        self._last: tuple[bytes, Fees] | None = None

    def now(self, head: Head) -> Fees:
        """What to offer; the node is asked once a block.

        Raises:
            NodeUnavailable: the node does not say what gas costs.
        """
        if self._last is None or self._last[0] != head.hash:
            self._last = head.hash, self._asked(head)
        return self._last[1]

    def _asked(self, head: Head) -> Fees:
        if head.base_fee is not None:
            self._headers_without = 0
            tip = min(self._most_tip, self._tip(head.base_fee))
            return Fees(BASE_FEE_GROWTH * head.base_fee + tip, tip)
        self._headers_without += 1
        if self._headers_without < LEGACY_AFTER:
            raise NodeUnavailable(f"block {head.number} does not say its base fee")
        return self._legacy()

    def _tip(self, base_fee: int) -> int:
        tip = self._chain.usual_tip()
        if tip is None:
            tip = self._chain.suggested_tip()
        if tip is None:
            price = self._chain.gas_price()
            tip = GWEI if price is None else max(0, price - base_fee)
        return tip

    def _legacy(self) -> Fees:
        price = self._chain.gas_price()
        if price is None:
            raise NodeUnavailable("the node does not say what gas costs")
        offered = price + price // 4
        return Fees(offered, offered, legacy=True)


def within(fees: Fees, head: Head, limit: int) -> Fees | None:
    """The same offer, its maximum lowered to ``limit``; None if no block would take that now."""
    needed = fees.maximum if head.base_fee is None else head.base_fee + fees.tip
    if needed > limit:
        return None
    return Fees(min(fees.maximum, limit), fees.tip, fees.legacy)


def _raised(fee: int) -> int:
    return fee + fee // 8 + 1
