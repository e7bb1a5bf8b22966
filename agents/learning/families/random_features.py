"""Frozen random features: ReLUs of random whole combinations of a table's columns (Rahimi and Recht 2008)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from hashlib import shake_256
from math import pi, sqrt

import numpy as np

from agents.learning.data.samples import FEATURE_BITS, FloatArray, Samples
from agents.learning.integers.design_matrix import design_matrix
from agents.learning.integers.fixed import exact_matmul

DEVIATION = sqrt((2**16 - 1) / 12)
"""Of a signed byte, drawn evenly."""

MEAN, SPREAD = 1 / sqrt(2 * pi), sqrt((1 - 1 / pi) / 2)
"""Mean and deviation of the positive part of a standard normal number: what features are standardised by."""


@dataclass(frozen=True)
class RandomFeatures:
    """Features that are the same for all who have the seed.

    Attributes:
        columns: of the table.
        hidden: features.
        seed: that they are drawn from.
        clip: norm that rows of features are cut to.
    """

    columns: int
    hidden: int
    seed: int
    clip: int

    def rows(self, samples: Samples) -> FloatArray:
        """(n, hidden + 1): the random features, standardised, as a design matrix."""
        weights, offsets = self.combinations
        sums = exact_matmul(samples.features.astype(np.float64), weights) + offsets
        positive = np.maximum(sums, 0.0) / (DEVIATION * sqrt(self.columns))
        standard = np.rint((positive - MEAN * 2.0**FEATURE_BITS) / SPREAD)
        return design_matrix(standard.astype(np.int32), self.clip)

    @cached_property
    def combinations(self) -> tuple[FloatArray, FloatArray]:
        """(columns, hidden) and (hidden,) whole numbers from the seed."""
        shape = (self.columns + 1, self.hidden)
        stream = shake_256(f"holdfast random features {self.seed}".encode()).digest(shape[0] * shape[1])
        drawn = np.frombuffer(stream, dtype=np.int8).reshape(shape).astype(np.float64)
        half_a_deviation = np.rint(drawn[-1] * sqrt(self.columns) * 2.0 ** (FEATURE_BITS - 1))
        return drawn[:-1], half_a_deviation
