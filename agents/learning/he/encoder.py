"""CKKS encoding that gives the same whole numbers on every machine (Cheon, Kim, Kim, Song 2017).

SEAL's encoder computes in floats as the compiler pleases: with and without fused multiply-add its bytes
differ. This one uses nothing but additions, subtractions and multiplications, each one call of numpy, which
IEEE 754 rounds in one way only, and roots of unity that are correctly rounded.

A real polynomial a(X) + X^(N/2) b(X) of degree below N takes, where X^(N/2) = i, the values of the complex
polynomial a + ib. The roots with this property are the powers e = 4t + 1 of the first 2N-th root, so that the
coefficients of a + ib are a Fourier transform of length N/2, turned. Slot j belongs to the power 3^j; where
that is not of the form 4t + 1, its inverse is, and has the conjugate value: for real values the same.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from agents.learning.data.samples import FloatArray, Int64Array
from agents.learning.he.roots import roots


def encode(values: FloatArray, scale: float) -> Int64Array:
    """Whole coefficients of the polynomials that have these values in their slots.

    Args:
        values: (..., N/2) float64.
        scale: what the values are multiplied by before they are rounded; the products stay below 2^62.

    Returns:
        (..., N) int64.

    Raises:
        OverflowError: a coefficient would be 2^62 or more.
    """
    slots = values.shape[-1]
    ordered = np.empty_like(values)
    ordered[..., _places(slots)] = values
    real, imaginary = _fourier(ordered.reshape(-1, slots))
    cosine, sine = (table[:slots] for table in roots(4 * slots))
    factor = scale / slots
    parts = [
        (real * cosine + imaginary * sine) * factor,
        (imaginary * cosine - real * sine) * factor,
    ]
    rounded = np.rint(np.concatenate(parts, axis=1))
    if not np.abs(rounded).max(initial=0.0) < 2.0**62:
        raise OverflowError("a coefficient of an encoding is 2^62 or more")
    whole: Int64Array = rounded.astype(np.int64).reshape(*values.shape[:-1], 2 * slots)
    return whole


@cache
def _places(slots: int) -> Int64Array:
    """For each slot the t of its power 4t + 1."""
    order, power, places = 4 * slots, 1, np.empty(slots, dtype=np.int64)
    for slot in range(slots):
        places[slot] = (power if power % 4 == 1 else order - power) // 4
        power = power * 3 % order
    return places


def _fourier(values: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Real and imaginary parts of the sums of values[t] exp(-2 pi i t k / n), for (rows, n) real values.

    Stockham's algorithm: each pass halves the length of the transforms and doubles their number.
    """
    rows, n = values.shape
    cosines, sines = roots(4 * n)
    real, imaginary = values, np.zeros_like(values)
    half = n // 2
    while half:
        turns = slice(0, 2 * n, 2 * n // half)
        cosine, sine = cosines[turns, None], sines[turns, None]
        real, imaginary = (part.reshape(rows, 2, half, -1) for part in (real, imaginary))
        x, y = real[:, 0] - real[:, 1], imaginary[:, 0] - imaginary[:, 1]
        real = np.stack([real[:, 0] + real[:, 1], x * cosine + y * sine], axis=2)
        imaginary = np.stack([imaginary[:, 0] + imaginary[:, 1], y * cosine - x * sine], axis=2)
        half //= 2
    return real.reshape(rows, n), imaginary.reshape(rows, n)
