"""Exact arithmetic: integers held in float64, so that every replica gets the same bits.

A float64 holds every integer below 2^53. As long as no partial sum of a product of integer matrices can
reach that, the order in which BLAS adds does not matter, nor does fused multiply-add: any thread count and
any CPU kernel gives the same bits. Everything else is + - x /, `rint` and `sqrt`, which IEEE 754 rounds
correctly, element by element. The library functions exp and log are not used: they differ between CPUs.
"""

from __future__ import annotations

import numpy as np

from agents.learning.data.samples import FloatArray

EXACT = 2.0**53

PROBABILITY_BITS = 16
"""Probabilities and residuals are integers in units of 2^-16."""

RANGE_BITS = 5
"""Weights and activations saturate at 2^5 = 32 in real units; this keeps every product under 2^53."""

_LOG2_E = 1.4426950408889634
_LN_2 = 0.6931471805599453
_EXP_TERMS = (1 / 720, 1 / 120, 1 / 24, 1 / 6, 1 / 2, 1.0, 1.0)


def exact_matmul(a: FloatArray, b: FloatArray) -> FloatArray:
    """Product of (p, k) and (k, q) matrices of whole numbers, exact.

    Raises:
        OverflowError: a partial sum could reach 2^53.
    """
    bound = _largest(a) * _largest(b) * a.shape[1]
    if not bound < EXACT:
        raise OverflowError(
            f"an integer product could reach {bound:.3g}, which float64 does not hold exactly"
        )
    product: FloatArray = np.ascontiguousarray(a) @ np.ascontiguousarray(b)
    return product


def saturate(values: FloatArray, bits: int) -> FloatArray:
    """Cut whole numbers in units of 2^-bits at +-2^RANGE_BITS."""
    limit = 2.0 ** (bits + RANGE_BITS)
    return np.clip(values, -limit, limit)


def exp(x: FloatArray) -> FloatArray:
    """The exponential of x <= 0, to about 1e-7, by a polynomial and a power of two."""
    k = np.rint(x * _LOG2_E)
    r = x - k * _LN_2
    power = np.zeros_like(r)
    for term in _EXP_TERMS:
        power = power * r + term
    return np.ldexp(power, np.maximum(k, -60.0).astype(np.int32))


def softmax(scores: FloatArray) -> FloatArray:
    """(n, c) whole probabilities in units of 2^-PROBABILITY_BITS from (n, c) real scores."""
    powers = np.rint(exp(scores - scores.max(axis=1, keepdims=True)) * 2.0**24)
    probabilities: FloatArray = np.rint(powers * 2.0**PROBABILITY_BITS / powers.sum(axis=1, keepdims=True))
    return probabilities


def _largest(matrix: FloatArray) -> float:
    return float(np.abs(matrix).max(initial=0.0))
