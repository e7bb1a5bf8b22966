"""What the modulus leaves above the noise of a CKKS result, and how well the noise is hidden there."""

from __future__ import annotations

from dataclasses import dataclass
from math import frexp, log2, sqrt

from agents.core.errors import BadPlan
from agents.learning.he.ckks import noise
from agents.learning.he.ckks.levels import Levels
from agents.learning.he.protection import Flood
from agents.learning.he.seal import Context
from agents.learning.plans.encrypted import Encryption

PRECISION = 2.0**-3
"""Deviation of the flood in each slot of a result, in units of rows times weight."""

MAX_DISTANCE = 2.0**-16
"""The largest statistical distance that a sum may have from one whose noise and unused slots tell nothing."""

SAFETY = 8
"""Deviations that a sum of Irwin-Hall numbers stays within."""


@dataclass(frozen=True)
class Headroom:
    """Sizes of a result's flood, and of what fills its unused slots.

    Attributes:
        context: of the parameters.
        encryption: of the plan.
        levels: of the family's circuit.
    """

    context: Context
    encryption: Encryption
    levels: Levels

    @property
    def last_product_scale(self) -> float:
        """About the scale of a ciphertext with as many primes as a result has when it is flooded."""
        return 2.0 ** (2 * self.encryption.scale_bits - self.encryption.primes[self.levels.left])

    @property
    def flooded_scale(self) -> float:
        """About the scale of the ciphertexts that are flooded."""
        return self.last_product_scale * 2.0**self.levels.gradient_bits

    @property
    def sent_scale(self) -> float:
        """About the scale of the ciphertexts that leave."""
        return self.flooded_scale / 2.0 ** sum(self.encryption.primes[1 : self.levels.left])

    @property
    def flood(self) -> Flood:
        """Such that a slot's real part has the deviation PRECISION or less."""
        bits = _whole_bits(2 * PRECISION * self.flooded_scale / sqrt(self._slots))
        return Flood(bits, irwin_hall=True)

    def filler_bits(self, members: int) -> int:
        """Of each of three summands in an unused slot: a cohort's sum takes a quarter of the modulus."""
        coefficient = self._room / (SAFETY * sqrt(members))
        return _whole_bits(coefficient * sqrt(2 * self._slots))

    def distance(self, noise_size: float, largest: float, ciphertexts: int, members: int) -> float:
        """How far a cohort's sum is, at most, from one whose noise and unused slots tell nothing.

        The statistical distance for one sum (`Stream.irwin_hall`); over r sums it grows with the root of r
        at most.

        Args:
            noise_size: root mean square of a result's noise in each slot.
            largest: what no slot is over, used or not.
            ciphertexts: of a result.
            members: of the cohort.
        """
        noise_share = noise_size * self.flooded_scale / 2.0**self.flood.bits
        unused_share = sqrt(self._slots) * largest / 2.0 ** self.filler_bits(members)
        return 1.07 * sqrt(ciphertexts) * (noise_share + unused_share)

    def check(self, noise_size: float, largest: float, ciphertexts: int, members: int) -> None:
        """Refuses parameters with too little of it; see `distance`.

        Raises:
            BadPlan: a sum could overflow, or be less precise than its flood, or tell too much.
        """
        if largest * members > self._room:
            raise BadPlan(
                f"plan: sums over {members} subsets could reach {largest * members:.3g}: over the modulus"
            )
        if noise.rescaling(self.context) > PRECISION * self.sent_scale / 2:
            raise BadPlan("plan: encryption: the result's scale is too small for its precision")
        distance = self.distance(noise_size, largest, ciphertexts, members)
        if distance > MAX_DISTANCE:
            raise BadPlan(
                f"plan: encryption: the noise of a sum over {members} subsets would tell something with"
                f" probability 2^{log2(distance):.1f}, over 2^{log2(MAX_DISTANCE):.0f}"
            )

    @property
    def _slots(self) -> int:
        return self.context.degree // 2

    @property
    def _room(self) -> float:
        """An eighth of the prime that a result is sent with, in units of its slots."""
        return 2.0 ** (self.encryption.primes[0] - 3) / self.sent_scale


def _whole_bits(value: float) -> int:
    """The logarithm, rounded down, without a mathematical library."""
    return frexp(value)[1] - 1
