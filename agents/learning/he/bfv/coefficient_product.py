"""A matrix product without rotations: one multiplication for each block of rows (`coefficient_layout.py`)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import log2

import numpy as np

from agents.learning.data.samples import Int64Array
from agents.learning.he.bfv.budget import FRESH_NOISE
from agents.learning.he.bfv.coefficient_layout import CoefficientLayout
from agents.learning.he.bfv.matrix_product import Factors, zeros
from agents.learning.he.keys import PublicKeys
from agents.learning.he.plaintexts import multiplier
from agents.learning.he.seal import Ciphertext, Context


@dataclass(frozen=True)
class CoefficientProduct:
    """See `MatrixProduct`.

    Attributes:
        context: of BFV.
        layout: of the coefficients.
    """

    context: Context
    layout: CoefficientLayout

    @property
    def elements(self) -> tuple[int, ...]:
        """None: nothing is rotated."""
        return ()

    def noise_bits(self, factors: Int64Array) -> float:
        """Of fresh noise times all factors of a block."""
        across = np.abs(factors).astype(np.float64).sum(axis=1)
        rows = min(self.layout.rows, self.layout.p)
        return log2(FRESH_NOISE * max(1.0, float(across.max()) * rows))

    def encode(self, factors: Int64Array) -> Factors:
        """A plaintext for each block."""
        context, primes = self.context, len(self.context.primes)
        blocks = self.layout.factors(factors)
        return [multiplier(context, block, primes) if block.any() else None for block in blocks]

    def multiply(self, keys: PublicKeys, weights: Ciphertext, factors: Factors) -> Iterator[Ciphertext]:
        """A ciphertext for each block."""
        del keys
        evaluator = self.context.evaluator
        for factor in factors:
            if factor is None:
                yield zeros(self.context)
                continue
            product = Ciphertext()
            evaluator.multiply_plain(weights, factor, product)
            yield product
