"""CKKS encoding that gives the same whole numbers on every machine (Cheon, Kim, Kim, Song 2017).

SEAL's encoder computes in floats as the compiler pleases: with and without fused multiply-add its bytes
differ. This one uses nothing but additions, subtractions and multiplications, each one call of numpy, which
IEEE 754 rounds in one way only, and roots of unity that are correctly rounded: they come from whole numbers
alone, so that no mathematical library matters.

A real polynomial a(X) + X^(N/2) b(X) of degree below N takes, where X^(N/2) = i, the values of the complex
polynomial a + ib. The roots with this property are the powers e = 4t + 1 of the first 2N-th root, so that the
coefficients of a + ib are a Fourier transform of length N/2, with twiddle factors. Slot j belongs to the
power 3^j; where that is not of the form 4t + 1, its inverse is, and has the conjugate value: for real values
the same.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from agents.learning.data.samples import FloatArray, Int64Array

_BITS = 192
"""Of the fixed point of the roots; the errors of all steps together stay below 2^-170."""


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
    ordered[..., _order(slots)] = values
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
def _order(slots: int) -> Int64Array:
    """(slots,) for each slot the t of its power 4t + 1."""
    modulus, power, order = 4 * slots, 1, np.empty(slots, dtype=np.int64)
    for slot in range(slots):
        order[slot] = (power if power % 4 == 1 else modulus - power) // 4
        power = power * 3 % modulus
    return order


def _fourier(values: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Real and imaginary parts of the sums of values[t] exp(-2 pi i t k / n), for (rows, n) real values.

    Stockham's algorithm: each pass halves the length of the transforms and doubles their number.
    """
    rows, n = values.shape
    cosines, sines = roots(4 * n)
    real, imaginary = values, np.zeros_like(values)
    half = n // 2
    while half:
        powers = slice(0, 2 * n, 2 * n // half)
        cosine, sine = cosines[powers, None], sines[powers, None]
        real, imaginary = (part.reshape(rows, 2, half, -1) for part in (real, imaginary))
        x, y = real[:, 0] - real[:, 1], imaginary[:, 0] - imaginary[:, 1]
        real = np.stack([real[:, 0] + real[:, 1], x * cosine + y * sine], axis=2)
        imaginary = np.stack([imaginary[:, 0] + imaginary[:, 1], y * cosine - x * sine], axis=2)
        half //= 2
    return real.reshape(rows, n), imaginary.reshape(rows, n)


@cache
def roots(order: int) -> tuple[FloatArray, FloatArray]:
    """Cosines and sines of 2 pi k / order, for all k, as the nearest float64.

    Args:
        order: a power of two, from 8 up.

    Returns:
        Two (order,) read-only arrays.
    """
    octant = _octant(order)
    cosines, sines = np.empty(order), np.empty(order)
    for k in range(order):
        quarter, rest = divmod(k, order // 4)
        if rest <= order // 8:
            x, y = octant[rest]
        else:
            y, x = octant[order // 4 - rest]
        cosines[k], sines[k] = ((x, y), (-y, x), (-x, -y), (y, -x))[quarter]
    cosines.setflags(write=False)
    sines.setflags(write=False)
    return cosines, sines


def _octant(order: int) -> list[tuple[float, float]]:
    """Points of the first eighth of the circle, both ends included."""
    one = 1 << _BITS
    step_x, step_y = _cosine_and_sine(2 * _pi() // order)
    x, y, points = one, 0, []
    for _ in range(order // 8 + 1):
        points.append((x / one, y / one))
        x, y = (x * step_x - y * step_y) >> _BITS, (x * step_y + y * step_x) >> _BITS
    return points


def _cosine_and_sine(angle: int) -> tuple[int, int]:
    """Cosine and sine of a small angle, by Taylor's series."""
    sums, term, count = [0, 0, 0, 0], 1 << _BITS, 0
    while term:
        sums[count % 4] += term
        count += 1
        term = (term * angle >> _BITS) // count
    return sums[0] - sums[2], sums[1] - sums[3]


def _pi() -> int:
    """By Machin's formula: pi / 4 = 4 arctan(1/5) - arctan(1/239)."""
    return 4 * (4 * _arctan(5) - _arctan(239))


def _arctan(inverse: int) -> int:
    """The arctangent of 1 / inverse, by its series."""
    total, power, odd, sign = 0, (1 << _BITS) // inverse, 1, 1
    while power:
        total += sign * (power // odd)
        power //= inverse * inverse
        odd, sign = odd + 2, -sign
    return total
