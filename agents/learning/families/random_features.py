"""Frozen random features: ReLUs of random whole combinations of a table's columns (Rahimi and Recht 2008)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from hashlib import shake_256
from math import pi, sqrt
from typing import Literal

import numpy as np
from pydantic import Field

from agents.learning.data.samples import FEATURE_BITS, FloatArray, Samples
from agents.learning.integers.design_matrix import design_matrix
from agents.learning.integers.fixed import exact_matmul
from agents.learning.plans.base import PenalisedPlan
from agents.learning.plans.encrypted import ExactPlan

DEVIATION = sqrt((2**16 - 1) / 12)
"""Of a signed byte, drawn evenly."""

MEAN, SPREAD = 1 / sqrt(2 * pi), sqrt((1 - 1 / pi) / 2)
"""Mean and deviation of the positive part of a standard normal number: what features are standardised by."""


class EncryptedFeaturesPlan(ExactPlan, PenalisedPlan):
    """Least squares with a squared penalty, of frozen random features of the columns. Exact."""

    family: Literal["encrypted-features"] = "encrypted-features"
    hidden: int = Field(ge=1, description="random features; `clip` and `step` are for rows of these")
    seed: int = Field(ge=0, lt=2**63, description="of the random features")

    @property
    def shapes(self) -> dict[str, tuple[int, int]]:
        """A weight for each random feature and output."""
        return {"output": (self.hidden + 1, self.outputs)}


@dataclass(frozen=True)
class RandomFeatures:
    """The features of a plan: the same for all who have it.

    Attributes:
        plan: with the seed.
    """

    plan: EncryptedFeaturesPlan

    def rows(self, samples: Samples) -> FloatArray:
        """(n, hidden + 1): the random features, standardised, as a design matrix."""
        weights, offsets = self._combinations
        sums = exact_matmul(samples.features.astype(np.float64), weights) + offsets
        positive = np.maximum(sums, 0.0) / (DEVIATION * sqrt(self.plan.features))
        standard = np.rint((positive - MEAN * 2.0**FEATURE_BITS) / SPREAD)
        return design_matrix(standard.astype(np.int32), self.plan.clip)

    @cached_property
    def _combinations(self) -> tuple[FloatArray, FloatArray]:
        """(features, hidden) and (hidden,) whole numbers from the plan's seed."""
        rows, columns = self.plan.features, self.plan.hidden
        stream = shake_256(f"holdfast random features {self.plan.seed}".encode()).digest((rows + 1) * columns)
        drawn = np.frombuffer(stream, dtype=np.int8).reshape(rows + 1, columns).astype(np.float64)
        half_a_deviation = np.rint(drawn[-1] * sqrt(rows) * 2.0 ** (FEATURE_BITS - 1))
        return drawn[:-1], half_a_deviation
