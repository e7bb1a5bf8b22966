"""Errors of predictions, from which every family's gradient starts: whole numbers in units of 2^-16."""

from __future__ import annotations

import numpy as np

from agents.learning.data.samples import TARGET_BITS, FloatArray, Samples
from agents.learning.integers.fixed import PROBABILITY_BITS, softmax

RESIDUAL_LIMIT = 8 << TARGET_BITS
"""Errors of a value are cut at eight standard deviations of the target."""


def goals(samples: Samples) -> FloatArray:
    """(n, outputs) float64 what the outputs should be, whole numbers in units of 2^-16.

    An indicator for each class, or the target in standard deviations.
    """
    if samples.classes:
        indicators: FloatArray = np.eye(samples.classes)[samples.target] * 2.0**PROBABILITY_BITS
        return indicators
    return samples.target.astype(np.float64)[:, None]


def class_errors(scores: FloatArray, goal: FloatArray) -> FloatArray:
    """Softmax minus indicators: the gradient of cross-entropy.

    Args:
        scores: (n, classes) float64, in real units.
        goal: (n, classes) float64, see `goals`.

    Returns:
        (n, classes) float64, whole numbers in units of 2^-16.
    """
    return softmax(scores) - goal


def value_errors(scores: FloatArray, goal: FloatArray) -> FloatArray:
    """Values minus targets, cut at RESIDUAL_LIMIT: the gradient of half the squared error.

    Args:
        scores: (n, outputs) float64, in real units.
        goal: (n, outputs) float64, see `goals`.

    Returns:
        (n, outputs) float64, whole numbers in units of 2^-16.
    """
    return np.clip(np.rint(scores * 2.0**TARGET_BITS) - goal, -RESIDUAL_LIMIT, RESIDUAL_LIMIT)
