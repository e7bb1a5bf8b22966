"""What the moduli of an exact plan have room for: numbers, noise, and the flood that hides the noise."""

from __future__ import annotations

from dataclasses import dataclass
from math import log2, prod

from agents.core.errors import BadPlan
from agents.learning.data.split import MAX_SUBSETS
from agents.learning.he.protection import flood_hides
from agents.learning.he.seal import Context
from agents.learning.integers.fixed import RANGE_BITS
from agents.learning.plans.encrypted import Encryption, ExactPlan

FRESH_NOISE = 22
"""SEAL cuts errors at six deviations of 3.2, below 20; rounding of the message adds less than one."""

MARGIN_BITS = 2
"""The noise of a sum stays so far below what would change it."""

MOST_FLOOD_BITS = 160
"""As many as a stream gives."""


@dataclass(frozen=True)
class Budget:
    """The room in ciphertexts and plaintexts.

    Attributes:
        context: of the parameters, with a plaintext modulus.
        primes_left: of a result, after the modulus switch.
        flood_bits: of the uniform flood: it takes all that a sum of the most subsets leaves.
    """

    context: Context
    primes_left: int
    flood_bits: int

    @classmethod
    def of(cls, plan: ExactPlan, plain_modulus: int) -> Budget:
        """The budget of a plan whose plaintexts have this modulus.

        Raises:
            BadPlan: the parameters leave no noise budget, or the numbers of the smallest job would overflow.
        """
        context = Context("BFV", plan.encryption, plain_modulus)
        room = prod(context.primes) // (2 * plain_modulus * MAX_SUBSETS)
        flood_bits = min(MOST_FLOOD_BITS, room.bit_length() - 1 - MARGIN_BITS)
        budget = cls(context, _primes_left(context, plan.encryption), flood_bits)
        budget.check_range(largest_weight(plan) << plan.fraction_bits, 1)
        return budget

    def check_range(self, largest: int, members: int) -> None:
        """Checks that a sum of so many changes, of this size at most, lies within half the plaintext modulus.

        Raises:
            BadPlan: it could be larger.
        """
        half = self.context.plain_modulus // 2
        if largest * members >= half:
            raise BadPlan(
                f"the sum over {members} subsets could reach 2^{log2(largest * members):.1f}, and the"
                f" plaintexts hold 2^{log2(half):.1f}: take fewer weight_bits or fraction_bits"
            )

    def check_flood(self, noise_bits: float) -> None:
        """Checks that noise below 2^noise_bits, and that of re-randomising it, vanish in the flood.

        Raises:
            BadPlan: they would not.
        """
        own = FRESH_NOISE * (2 * self.context.degree + 1)
        bits = log2(2.0**noise_bits + own)
        if not flood_hides(self.context, bits, self.flood_bits):
            raise BadPlan(
                f"the noise budget is too small: the noise has up to {bits:.0f} bits, the flood that is to"
                f" hide it {self.flood_bits}: take larger primes, fewer plain_bits or fewer fraction_bits"
            )


def largest_weight(plan: ExactPlan) -> int:
    """The largest weight, in its unit: aggregation saturates there."""
    return int(2 ** (plan.weight_bits + RANGE_BITS))


def _primes_left(context: Context, encryption: Encryption) -> int:
    """As few as hold the sum of the most subsets with the rounding noise of each switch."""
    primes, noise = context.primes, MAX_SUBSETS * (context.degree + 1)
    for count in range(1, len(primes)):
        if prod(primes[:count]) // (2 * context.plain_modulus) >= noise << MARGIN_BITS:
            return count
    raise BadPlan(
        f"plan: encryption: primes of {encryption.primes} bits leave no noise budget"
        f" for plaintexts of {log2(context.plain_modulus):.0f} bits: take more, or fewer plain_bits"
    )
