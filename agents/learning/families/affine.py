"""Linear, ridge and logistic models: one matrix between features and outputs."""

from __future__ import annotations

from collections.abc import Mapping

from agents.learning.data.samples import FEATURE_BITS, FloatArray
from agents.learning.integers.fixed import PROBABILITY_BITS, exact_matmul
from agents.learning.integers.residual import residuals
from agents.learning.plans.base import BasePlan
from agents.learning.plans.plan import Plan

Matrices = Mapping[str, FloatArray]


def scores(plan: BasePlan, matrices: Matrices, rows: FloatArray) -> FloatArray:
    """(n, outputs) outputs in real units, of (n, features + 1) rows of a design matrix."""
    return exact_matmul(rows, matrices["output"]) * 2.0 ** -(FEATURE_BITS + plan.weight_bits)


def gradients(
    plan: Plan, matrices: Matrices, rows: FloatArray, goal: FloatArray
) -> dict[str, tuple[FloatArray, int]]:
    """For each matrix the gradient summed over the rows, in whole numbers, and the bits of its unit."""
    errors = residuals(plan, scores(plan, matrices, rows), goal)
    return {"output": (exact_matmul(rows.T, errors), FEATURE_BITS + PROBABILITY_BITS)}
