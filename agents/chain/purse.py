"""The coins of the wallet itself: what gas is paid with, and what can be paid into the market."""

from __future__ import annotations

from agents.chain.fees import BASE_FEE_GROWTH, GWEI
from agents.chain.transactions import Transactions

RESERVED_GAS = 1_000_000
"""Gas for which the wallet keeps coins when it pays in: for a seed, a few reports, a settlement."""

UNKNOWN_COINS = 2**256 - 1
"""More wei than there are: what cannot be paid is found when it is to be signed."""


class Purse:
    """What the wallet has, as of the last look.

    Args:
        chain: the node's view of it.
        look_seconds: until it is looked at again.
    """

    def __init__(self, chain: Transactions, look_seconds: float) -> None:
        self._chain = chain
        self._look_seconds = look_seconds
        self._looked_at: float | None = None
        self.balance = 0
        self.is_known = False
        self.gas_price = 0
        """The most that was last offered for a unit of gas, in wei."""

    @property
    def coins(self) -> int:
        """Wei that can be paid in: what is left when gas for what is due next is paid."""
        if not self.gas_price:
            return UNKNOWN_COINS
        return max(0, self.balance - RESERVED_GAS * self.gas_price)

    def look(self, now: float) -> None:
        """Looks now."""
        self.balance = self._chain.balance()
        self.is_known = True
        if not self.gas_price:
            self.gas_price = BASE_FEE_GROWTH * (self._chain.gas_price() or GWEI)
        self._looked_at = now

    def look_again(self, now: float) -> None:
        """Looks if the last look is too long ago, or something was paid since."""
        if self._looked_at is None or now >= self._looked_at + self._look_seconds:
            self.look(now)

    def was_paid_from(self) -> None:
        """What was seen is no longer so."""
        self._looked_at = None
