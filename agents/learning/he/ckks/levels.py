"""How a circuit uses the chain of primes up, from the last to the first."""

from __future__ import annotations

from dataclasses import dataclass

from agents.core.errors import BadPlan
from agents.learning.plans.encrypted import Encryption


@dataclass(frozen=True)
class Levels:
    """What the primes are for.

    `left` are the result's, `depth` - 1 the products', but for the last one; then come one for the data of
    the first product and the keys' own.

    Attributes:
        depth: primes that the arithmetic uses up: each product but the last one takes one.
        left: primes that are left when a result is protected; all but one are then switched away.
        gradient_bits: of the scale of the data in the last product: their rounding is noise too.
    """

    depth: int
    left: int
    gradient_bits: int

    def check(self, encryption: Encryption) -> None:
        """Checks that each product's prime takes its scale back to where it was.

        Raises:
            BadPlan: primes that do not fit the depth and the scale.
        """
        primes, scale = encryption.primes, encryption.scale_bits
        if len(primes) != self.left + self.depth + 1:
            raise BadPlan(
                f"plan: encryption: {len(primes)} primes: this family needs {self.left} for the result,"
                f" {self.depth - 1} for products, one for data and one for keys"
            )
        if any(prime != scale for prime in primes[self.left + 1 : -2]):
            raise BadPlan(
                f"plan: encryption: a product's prime has other bits than the scale's {scale}: only the last"
                " product's may be larger"
            )
        if primes[-1] < max(primes):
            raise BadPlan("plan: encryption: the keys' prime, the last, must be the largest")
