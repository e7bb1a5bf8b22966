"""Linear, ridge and logistic models trained on BFV ciphertexts, exact.

The local steps are an affine map of the weights (`affine_map.py`), so a job is a product of one ciphertext
with a few polynomials made of the rows (`packing.py`), and a sum.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import log2

import numpy as np
import numpy.typing as npt

from agents.core.errors import BadPlan
from agents.learning.data.samples import FloatArray, Int64Array, Samples
from agents.learning.he.bfv import FRESH_NOISE, BfvFamily, BfvPublicKeys, Job
from agents.learning.he.coefficient_layout import CoefficientLayout
from agents.learning.he.seal import Ciphertext, Plaintext
from agents.learning.integers.affine_map import AffineMap
from agents.learning.integers.design_matrix import design_matrix
from agents.learning.plans.encrypted import ExactPlan
from agents.learning.plans.limits import DEFAULT_LIMITS, Limits

LEAST_PLAIN_BITS = 16


class LinearFamily(BfvFamily):
    """The plans `encrypted-linear`, `encrypted-ridge` and `encrypted-logistic`.

    Raises:
        BadPlan: the model is too large for the degree, or as `BfvFamily` says.
    """

    def __init__(self, plan: ExactPlan, limits: Limits = DEFAULT_LIMITS) -> None:
        bits = plan.encryption.plain_bits
        if bits < LEAST_PLAIN_BITS:
            raise BadPlan(f"plan: encryption: plain_bits is {bits}: at least {LEAST_PLAIN_BITS} are needed")
        super().__init__(plan, 2**bits, limits)
        self.layout = CoefficientLayout(self.context.degree, plan.features + 1, plan.outputs)
        if not self.layout.rows:
            raise BadPlan(
                f"plan: {plan.features} features times {plan.outputs} outputs do not fit"
                f" degree {self.context.degree}"
            )

    @property
    def ciphertexts(self) -> int:
        """In a result: the blocks of the layout."""
        return self.layout.blocks

    def pack(self, weights: Int64Array) -> Int64Array:
        """Coefficients."""
        return self.layout.weights(weights)

    def plaintext(self, values: Int64Array) -> Plaintext:
        """The numbers are the coefficients."""
        return self.context.plaintext(values)

    def values(self, plaintext: Plaintext) -> Int64Array:
        """The coefficients."""
        return self.context.coefficients(plaintext)

    def rows(self, samples: Samples) -> FloatArray:
        """The design matrix."""
        return design_matrix(samples.features, self.plan.clip)

    def noise_bits(self, steps: AffineMap) -> float:
        """Of fresh noise times all factors of a block."""
        across = np.abs(steps.factors).astype(np.float64).sum(axis=1)
        rows = min(self.layout.rows, self.layout.p)
        return log2(FRESH_NOISE * max(1.0, float(across.max()) * rows))

    def prepare(self, steps: AffineMap) -> Job:
        """A plaintext for each block."""
        blocks, count = self.layout.factors(steps.factors), len(self.context.primes)
        return Job(
            tuple(self.context.multiplier(block, count) if block.any() else None for block in blocks),
            tuple(self.layout.offsets(steps.offsets, steps.rows)),
        )

    def products(self, keys: BfvPublicKeys, weights: Ciphertext, job: Job) -> Iterator[Ciphertext]:
        """One for each block; a block of zeros needs no product, and SEAL would refuse it."""
        del keys
        for factors in job.factors:
            if factors is None:
                yield self.context.load(self.context.empty())
                continue
            product = Ciphertext()
            self.context.evaluator.multiply_plain(weights, factors, product)
            self.context.evaluator.transform_from_ntt_inplace(product)
            yield product

    def unused(self, index: int) -> npt.NDArray[np.bool_]:
        """All coefficients but the results."""
        return self.layout.unused(index)

    def unpack(self, results: Sequence[Int64Array]) -> tuple[Int64Array, int]:
        """From the layout's blocks."""
        return self.layout.results(results)
