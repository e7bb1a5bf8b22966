"""A network with one hidden layer, ReLU or square activation."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from agents.learning.data.samples import FEATURE_BITS, FloatArray
from agents.learning.integers.fixed import PROBABILITY_BITS, exact_matmul, saturate
from agents.learning.integers.residual import residuals
from agents.learning.plans.limits import ACTIVATION_BITS
from agents.learning.plans.plan import NetworkPlan

Matrices = Mapping[str, FloatArray]


def scores(plan: NetworkPlan, matrices: Matrices, rows: FloatArray) -> FloatArray:
    """(n, outputs) outputs in real units, of (n, features + 1) rows of a design matrix."""
    return _output(plan, matrices, _activate(plan, _sums(plan, matrices, rows)))


def gradients(
    plan: NetworkPlan, matrices: Matrices, rows: FloatArray, goal: FloatArray
) -> dict[str, tuple[FloatArray, int]]:
    """For each matrix the gradient summed over the rows, in whole numbers, and the bits of its unit."""
    sums = _sums(plan, matrices, rows)
    active = _activate(plan, sums)
    errors = residuals(plan, _output(plan, matrices, active), goal)
    back = np.rint(exact_matmul(errors, matrices["output"][:-1].T) * 2.0**-plan.weight_bits)
    if plan.activation == "relu":
        back = back * (sums > 0)
    else:
        back = np.rint(saturate(back, PROBABILITY_BITS) * sums * 2.0 ** (1 - ACTIVATION_BITS))
    hidden_errors = saturate(back, PROBABILITY_BITS)
    return {
        "hidden": (exact_matmul(rows.T, hidden_errors), FEATURE_BITS + PROBABILITY_BITS),
        "output": (exact_matmul(active.T, errors), ACTIVATION_BITS + PROBABILITY_BITS),
    }


def _sums(plan: NetworkPlan, matrices: Matrices, rows: FloatArray) -> FloatArray:
    """(n, hidden) inputs of the hidden units, in units of 2^-ACTIVATION_BITS."""
    exact = exact_matmul(rows, matrices["hidden"])
    return saturate(
        np.rint(exact * 2.0 ** (ACTIVATION_BITS - FEATURE_BITS - plan.weight_bits)), ACTIVATION_BITS
    )


def _activate(plan: NetworkPlan, sums: FloatArray) -> FloatArray:
    """(n, hidden + 1) outputs of the hidden units and the intercept's 1."""
    if plan.activation == "relu":
        active = np.maximum(sums, 0.0)
    else:
        active = saturate(np.rint(sums * sums * 2.0**-ACTIVATION_BITS), ACTIVATION_BITS)
    return np.hstack([active, np.full((sums.shape[0], 1), 2.0**ACTIVATION_BITS)])


def _output(plan: NetworkPlan, matrices: Matrices, active: FloatArray) -> FloatArray:
    return exact_matmul(active, matrices["output"]) * 2.0 ** -(ACTIVATION_BITS + plan.weight_bits)
