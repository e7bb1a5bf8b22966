"""The local steps of least squares as one affine map of the weights, in whole numbers.

Each step of full-batch gradient descent is w' = A w + b, with A = I - step (X'X / n + penalty) and
b = step X'y / n, so that k of them are one matrix and one vector, which depend on the rows and not on the
weights. A logistic model with the sigmoid 1/2 + z/4 is least squares with the targets 4y - 2 and a quarter of
the step: of a prediction centre + slope z, with the targets (y - centre) / slope and slope times the step.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from agents.core.errors import BadPlan
from agents.learning.data.samples import FEATURE_BITS, TARGET_BITS, FloatArray, Int64Array, Samples
from agents.learning.integers.fixed import PROBABILITY_BITS, RANGE_BITS, exact_matmul
from agents.learning.integers.residual import goals
from agents.learning.plans.encrypted import ExactPlan


@dataclass(frozen=True, eq=False)
class AffineMap:
    """rows * (w' - w) = factors w + offsets, for the weights w' after the local steps.

    Attributes:
        factors: (p, p) int64 in units of 2^-fraction_bits, p being the number of features and 1.
        offsets: (p, columns) int64 in units of 2^-(fraction_bits + weight_bits), zeros beside the outputs.
        rows: of the samples.
    """

    factors: Int64Array
    offsets: Int64Array
    rows: int

    def change(self, weights: Int64Array) -> Int64Array:
        """(p, columns) int64 in the offsets' unit, of (p, columns) weights."""
        return self.factors @ weights + self.offsets

    def largest(self, weight: int) -> int:
        """The largest magnitude of a change, of weights up to `weight`."""
        across = np.abs(self.factors).astype(object).sum(axis=1, keepdims=True) * weight
        return int((across + np.abs(self.offsets)).max())


def local_map(plan: ExactPlan, rows: FloatArray, samples: Samples) -> AffineMap:
    """The plan's local steps.

    Args:
        plan: with the numbers of the descent.
        rows: (n, p) float64, whole numbers in units of 2^-FEATURE_BITS, the last column the intercept's.
        samples: with the targets.

    Raises:
        BadPlan: an intermediate number would not fit int64.
    """
    step, targets = plan.step * plan.slope, _targets(plan, samples)
    size = rows.shape[1]
    bits = _work_bits(size)
    identity = np.eye(size, dtype=np.int64) << bits
    each = Fraction(1, len(samples))
    factors = -_rounded(exact_matmul(rows.T, rows), step * each * Fraction(2) ** (bits - 2 * FEATURE_BITS))
    offsets = _rounded(
        exact_matmul(rows.T, targets), step * each * Fraction(2) ** (bits - FEATURE_BITS - TARGET_BITS)
    )
    diagonal = np.arange(size - 1)
    factors[diagonal, diagonal] -= round(plan.step * plan.decay * 2**bits)
    factors += identity
    factors, offsets = _power(factors, offsets, plan.local_steps, bits)
    factors -= identity
    scale = len(samples) * Fraction(2) ** (plan.fraction_bits - bits)
    moved = _rounded(offsets, scale * 2**plan.weight_bits)
    beside = np.zeros((size, plan.columns - plan.outputs), dtype=np.int64)
    return AffineMap(_rounded(factors, scale), np.hstack([moved, beside]), len(samples))


def _targets(plan: ExactPlan, samples: Samples) -> FloatArray:
    """(n, outputs) float64: the scores that would predict the goals, in their unit."""
    return (goals(samples) - float(plan.centre * 2**PROBABILITY_BITS)) / float(plan.slope)


def _work_bits(size: int) -> int:
    """The unit of intermediate numbers is 2^-bits: as fine as sums of so many products in int64 allow."""
    return (62 - RANGE_BITS - size.bit_length()) // 2


def _power(factors: Int64Array, offsets: Int64Array, steps: int, bits: int) -> tuple[Int64Array, Int64Array]:
    """The map that comes of applying a map so many times, by repeated squaring."""
    total, moved = np.eye(len(factors), dtype=np.int64) << bits, np.zeros_like(offsets)
    while steps:
        if steps & 1:
            total, moved = _product(factors, total, bits), _product(factors, moved, bits) + offsets
        offsets = _product(factors, offsets, bits) + offsets
        factors = _product(factors, factors, bits)
        steps >>= 1
    return total, moved


def _product(a: Int64Array, b: Int64Array, bits: int) -> Int64Array:
    """(p, p) times (p, q), both in units of 2^-bits, to the nearest; in two halves that float64 holds."""
    half, factor = bits // 2, b.astype(np.float64)
    try:
        high, low = (
            exact_matmul(part.astype(np.float64), factor).astype(np.int64)
            for part in (a >> half, a & ((1 << half) - 1))
        )
    except OverflowError as error:
        raise BadPlan(f"plan: the local steps leave what is exact: {error}") from error
    product: Int64Array = ((high << half) + low + (1 << (bits - 1))) >> bits
    return product


def _rounded(values: Int64Array | FloatArray, factor: Fraction) -> Int64Array:
    """Whole numbers times a factor, to the nearest, in exact arithmetic.

    Raises:
        BadPlan: one does not fit int64.
    """
    exact = values.astype(np.int64).astype(object)
    found = (2 * exact * factor.numerator + factor.denominator) // (2 * factor.denominator)
    if np.abs(found).max() >= 2**62:
        raise BadPlan("plan: the local steps leave int64: take fewer weight_bits or fraction_bits")
    rounded: Int64Array = found.astype(np.int64)
    return rounded
