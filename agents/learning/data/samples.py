"""Samples: quantised features with their targets, as every part of learning uses them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import numpy as np
import numpy.typing as npt

Int32Array = npt.NDArray[np.int32]
Int64Array = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]

FEATURE_BITS = 8
"""Features are integers in units of 2^-8."""

FEATURE_LIMIT = 4 << FEATURE_BITS
"""Features are standardised and cut at four standard deviations."""

TARGET_BITS = 16
"""Targets of a regression are standardised and then integers in units of 2^-16."""

TARGET_LIMIT = 8 << TARGET_BITS
"""Targets of a regression are cut at eight standard deviations."""


class PredictionTask(Enum):
    """What a target is: a class, or a number."""

    CLASSIFICATION = "classification"
    REGRESSION = "regression"


@dataclass(frozen=True)
class Samples:
    """Rows that a data owner has standardised and quantised, once; everything after is integers.

    Attributes:
        features: (n, d) int32, units of 2^-FEATURE_BITS, magnitude at most FEATURE_LIMIT.
        target: (n,) int32: class numbers 0..classes-1, or units of 2^-TARGET_BITS.
        classes: number of classes; 0 for a regression.
    """

    features: Int32Array
    target: Int32Array
    classes: int

    def __len__(self) -> int:
        return int(self.target.shape[0])

    @property
    def task(self) -> PredictionTask:
        """Regression where there are no classes."""
        return PredictionTask.CLASSIFICATION if self.classes else PredictionTask.REGRESSION

    def take(self, rows: Int64Array) -> Samples:
        """The samples of these row numbers, in this order."""
        return Samples(self.features[rows], self.target[rows], self.classes)
