"""Where columns lie, from a noisy summary: the centre and scale that rows are standardised with.

Ranges of columns are public. A column is brought to v from -1 to 1, in units of 2^-UNIT_BITS, and the sums of
v and v^2 over all rows are released once, with noise. All else here is worked out from these numbers.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import isqrt

import numpy as np

from agents.learning.data.samples import Int64Array
from agents.learning.privacy.discrete_gaussian import discrete_gaussians
from agents.learning.privacy.sensitivity import UNIT_BITS

_ONE = 1 << UNIT_BITS


@dataclass(frozen=True)
class Summary:
    """Centre and scale of each column, in units of 2^-UNIT_BITS of half its range.

    Attributes:
        centre: from -2^UNIT_BITS to 2^UNIT_BITS. `scale`: from 1 to 2^UNIT_BITS.
    """

    centre: tuple[int, ...]
    scale: tuple[int, ...]

    @classmethod
    def of(cls, noisy: Int64Array, rows: int, variance: int) -> Summary:
        """What noisy sums of so many rows say.

        The scale is the deviation, and its square no less than the deviation of the noise of a mean: of what
        lies below, the sums tell nothing.

        Args:
            noisy: (2 d,) as `column_sums`, with noise of this variance.
            rows: how many.
            variance: of the noise, in the sums' unit.
        """
        d = noisy.size // 2
        floor = isqrt(variance) // rows
        centre, scale = [], []
        for first, second in zip(noisy[:d].tolist(), noisy[d:].tolist(), strict=True):
            mean = max(-_ONE, min(_ONE, (first // rows) >> UNIT_BITS))
            square = max(floor, second // rows - mean**2, 1)
            centre.append(mean)
            scale.append(max(1, min(_ONE, isqrt(square))))
        return cls(tuple(centre), tuple(scale))


def column_sums(columns: Int64Array) -> Int64Array:
    """(2 d,) int64 the sums of v and of v^2, in units of 2^-(2 * UNIT_BITS), of (n, d) columns v."""
    return np.concatenate([columns.sum(axis=0) << UNIT_BITS, (columns * columns).sum(axis=0)])


def summarise(columns: Int64Array, variance: int, key: bytes) -> Summary:
    """The summary of (n, d) columns in units of 2^-UNIT_BITS, with noise of this variance from this key."""
    noise = discrete_gaussians(key, b"summary", [variance] * (2 * columns.shape[1]))
    return Summary.of(column_sums(columns) + noise, columns.shape[0], variance)
