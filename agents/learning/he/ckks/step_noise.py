"""Noise of the products that every circuit has: a first one with data, some of ciphertexts, a last with data.

Noise is the root mean square of a slot, in real units (`noise.py` has it before it is divided by the scale).
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import sqrt

from agents.learning.data.samples import FEATURE_BITS, FEATURE_LIMIT
from agents.learning.he.ckks import noise
from agents.learning.he.ckks.model import row_norm
from agents.learning.he.ckks.scheme import CkksScheme


@dataclass(frozen=True)
class StepNoise:
    """Noise in one step of a scheme's plan.

    Attributes:
        scheme: of the family.
        forward_factor: what data are multiplied by in the first product.
        backward_factor: what data are multiplied by in the last one.
    """

    scheme: CkksScheme
    forward_factor: float
    backward_factor: Fraction

    @property
    def row_norm(self) -> float:
        """Of the longest row, the intercept's 1 included."""
        return row_norm(self.scheme.plan.clip)

    @property
    def feature_limit(self) -> float:
        """No feature of a row is larger; the intercept's 1 is not."""
        return min(float(self.scheme.plan.clip), FEATURE_LIMIT * 2.0**-FEATURE_BITS)

    @property
    def fresh(self) -> float:
        """Of encrypted weights."""
        return noise.fresh(self.scheme.context) / self.scheme.scale

    def forward(self, norm: float) -> float:
        """Of the first product, for weights of columns of this norm at most."""
        scheme, context, layout = self.scheme, self.scheme.context, self.scheme.layout
        primes = len(context.primes)
        rotated = noise.combined(noise.fresh(context), noise.switching(context, primes)) / scheme.scale
        data = noise.encoding(context) / 2.0 ** scheme.plan.encryption.primes[-2]
        sums = noise.combined(noise.rescaling(context), noise.switching(context, primes - 1)) / scheme.scale
        parts = layout.blocks * layout.diagonals // layout.baby_steps
        factor = self.row_norm * self.forward_factor
        return noise.combined(factor * rotated, norm * data, sqrt(parts) * sums)

    def product(self, primes: int) -> float:
        """What a product of ciphertexts adds that leaves so many primes."""
        scheme, context = self.scheme, self.scheme.context
        last = primes == scheme.levels.left
        scale = scheme.headroom.last_product_scale if last else scheme.scale
        switched = noise.switching(context, primes + 1) / scheme.scale
        return noise.combined(noise.rescaling(context), switched) / scale

    def backward(self, values: float, deviation: float) -> float:
        """Of the last product and its sum over rows, of values up to a size with noise of a deviation."""
        scheme, context = self.scheme, self.scheme.context
        rotated = noise.switching(context, scheme.levels.left) / scheme.headroom.last_product_scale
        data = noise.encoding(context) / 2.0**scheme.levels.gradient_bits
        factor = abs(float(self.backward_factor)) * self.feature_limit
        return sqrt(scheme.plan.rows) * noise.combined(factor * deviation, factor * rotated, values * data)
