"""Errors of predictions, from which every family's gradient starts."""

from __future__ import annotations

import numpy as np

from agents.learning.data.samples import TARGET_BITS, FloatArray, Samples
from agents.learning.integers.fixed import PROBABILITY_BITS, softmax
from agents.learning.plans.limits import RESIDUAL_LIMIT
from agents.learning.plans.plan import Plan


def goals(samples: Samples) -> FloatArray:
    """(n, outputs) what the outputs should be, in units of 2^-16: indicators of the class, or the target."""
    if samples.classes:
        indicators: FloatArray = np.eye(samples.classes)[samples.target] * 2.0**PROBABILITY_BITS
        return indicators
    return samples.target.astype(np.float64)[:, None]


def residuals(plan: Plan, scores: FloatArray, goal: FloatArray) -> FloatArray:
    """(n, outputs) whole errors, in units of 2^-16, of probabilities or values (cut at RESIDUAL_LIMIT)."""
    if plan.classes and plan.family in ("logistic", "network"):
        return softmax(scores) - goal
    return np.clip(np.rint(scores * 2.0**TARGET_BITS) - goal, -RESIDUAL_LIMIT, RESIDUAL_LIMIT)
