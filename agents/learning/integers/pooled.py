"""What sums over a dataset have told of its pooled least squares, and the best model of all that.

With one local step a sum is F Q + o, for whatever columns Q the cloud owners were given: -F is the Gram
matrix of all rows with the penalty, o the part of the targets, both times the step. All is solved in floats:
nobody else has to come to the same numbers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from math import sqrt

import numpy as np

from agents.learning.data.samples import FloatArray, Int64Array
from agents.learning.integers.fixed import RANGE_BITS
from agents.learning.plans.encrypted import ExactPlan

GOALS, DIRECTIONS, IMAGES, ROWS = "goals", "directions", "images", "rows"
"""The tensors that are kept: o, the directions asked so far, F times these, and the number of rows."""

LENGTH_BITS = RANGE_BITS - 1
"""Directions have length 2^LENGTH_BITS: as fine as the grid allows, and inside the range of weights."""

_WORK_BITS = 26
"""A cloud owner's numbers are rounded to this fraction of a row, besides their own unit."""


@dataclass(frozen=True)
class Solution:
    """The best model in the span of the directions.

    Attributes:
        weights: (p, outputs), real.
        images: (p, outputs) the pooled Gram matrix with the penalty times these, in rows.
        left: (p, outputs) the gradient there, in rows.
        energy: how much lower the loss is than at zero, in rows.
    """

    weights: FloatArray
    images: FloatArray
    left: FloatArray
    energy: float


@dataclass(frozen=True)
class Pooled:
    """What is known.

    Attributes:
        plan: of one local step.
        tensors: by the names above.
    """

    plan: ExactPlan
    tensors: Mapping[str, Int64Array]

    @property
    def rows(self) -> int:
        """Of all subsets."""
        return int(self.tensors[ROWS][0])

    @cached_property
    def goals(self) -> FloatArray:
        """(p, outputs) products of rows and targets, in units of the step."""
        return _real(self.tensors[GOALS], self.plan.fraction_bits + self.plan.weight_bits)

    @cached_property
    def directions(self) -> FloatArray:
        """(p, k), nearly orthonormal."""
        return _real(self.tensors[DIRECTIONS], self.plan.weight_bits + LENGTH_BITS)

    @cached_property
    def images(self) -> FloatArray:
        """(p, k) the pooled matrix times the directions, in units of the step."""
        bits = self.plan.fraction_bits + self.plan.weight_bits + LENGTH_BITS
        return _real(-self.tensors[IMAGES], bits)

    def solved(self) -> Solution:
        """The minimum of the loss in the span; what rounding may have made is left out."""
        step = float(self.plan.step * self.plan.slope)
        width, known = self.directions.shape
        if not known:
            none = np.zeros_like(self.goals)
            return Solution(none, none, self.goals / step, 0.0)
        gram = self.directions.T @ self.images
        values, vectors = np.linalg.eigh((gram + gram.T) / 2)
        rounding = sqrt(width) * (4 * 2.0**-self.plan.fraction_bits + self.rows * 2.0**-_WORK_BITS)
        sound = values > rounding
        goals = self.directions.T @ self.goals
        mixed = vectors[:, sound] @ ((vectors[:, sound].T @ goals) / values[sound, None])
        reached = self.images @ mixed
        energy = float((goals * mixed).sum()) / step
        return Solution(self.directions @ mixed, reached / step, (self.goals - reached) / step, energy)


def _real(whole: Int64Array, bits: int) -> FloatArray:
    """Of whole numbers in units of 2^-bits."""
    numbers: FloatArray = whole.astype(np.float64) * 2.0**-bits
    return numbers
