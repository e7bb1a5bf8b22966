"""Linear, ridge and logistic models: one matrix between features and outputs."""

from __future__ import annotations

from collections.abc import Mapping

from agents.learning.fixed import PROBABILITY_BITS, exact_matmul
from agents.learning.plan import Plan
from agents.learning.plan_base import BasePlan
from agents.learning.residual import residuals
from agents.learning.samples import FEATURE_BITS, FloatArray

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
