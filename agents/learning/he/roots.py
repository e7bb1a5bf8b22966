"""Roots of unity, correctly rounded: from whole numbers alone, so that no mathematical library matters."""

from __future__ import annotations

from functools import cache

import numpy as np

from agents.learning.data.samples import FloatArray

_BITS = 192
"""Of the fixed point; the errors of all steps together stay below 2^-170."""


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
        turn, rest = divmod(k, order // 4)
        if rest <= order // 8:
            x, y = octant[rest]
        else:
            y, x = octant[order // 4 - rest]
        cosines[k], sines[k] = ((x, y), (-y, x), (-x, -y), (y, -x))[turn]
    cosines.setflags(write=False)
    sines.setflags(write=False)
    return cosines, sines


def _octant(order: int) -> list[tuple[float, float]]:
    """Points of the first eighth of the circle, both ends included."""
    one = 1 << _BITS
    step_x, step_y = _turn(2 * _pi() // order)
    x, y, points = one, 0, []
    for _ in range(order // 8 + 1):
        points.append((x / one, y / one))
        x, y = (x * step_x - y * step_y) >> _BITS, (x * step_y + y * step_x) >> _BITS
    return points


def _turn(angle: int) -> tuple[int, int]:
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
