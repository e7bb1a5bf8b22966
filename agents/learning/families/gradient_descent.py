"""Training at a cloud owner: gradient descent in exact integers, the same bytes on every machine (II-C)."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

import numpy as np

from agents.core.errors import BadPlan
from agents.learning.data.samples import FloatArray, Int64Array, Samples
from agents.learning.data.subset import Subset
from agents.learning.families import affine, network
from agents.learning.integers.design_matrix import design_matrix
from agents.learning.integers.fixed import saturate
from agents.learning.integers.residual import goals
from agents.learning.integers.weights import TrainedModel, Weights
from agents.learning.plans.base import BasePlan
from agents.learning.plans.limits import DEFAULT_LIMITS, Limits
from agents.learning.plans.plan import NetworkPlan, Plan


def train(plan: Plan, weights: Weights, subset: Subset, limits: Limits = DEFAULT_LIMITS) -> TrainedModel:
    """One training job: the plan's local steps on one subset, from the round's weights.

    Every honest replica of the subset gets the same bytes, whatever its CPU and its number of threads.

    Raises:
        BadPlan: the plan is for other data than this subset's, or the subset has more rows than the limits.
    """
    return TrainedModel(local_steps(plan, weights, subset.samples, limits), len(subset.samples))


def local_steps(plan: Plan, weights: Weights, samples: Samples, limits: Limits = DEFAULT_LIMITS) -> Weights:
    """The plan's local steps on these samples.

    Each step subtracts rint(step * gradient + step * l2 * weight) in units of 2^-weight_bits, then saturates.

    Raises:
        BadPlan: the plan is for other data, or there are more rows than the limits allow.
    """
    check_fit(plan, samples, limits)
    rows, goal = design_matrix(samples.features, plan.clip), goals(samples)
    matrices = {name: matrix.astype(np.float64) for name, matrix in weights.tensors.items()}
    for chosen in _batches(plan, weights, len(samples)):
        parts = gradients(plan, matrices, rows[chosen], goal[chosen])
        for name, (gradient, bits) in parts.items():
            matrices[name] = _step(plan, matrices[name], gradient, bits, rows[chosen].shape[0])
    return Weights({name: matrix.astype(np.int64) for name, matrix in matrices.items()}, plan.weight_bits)


def gradients(
    plan: Plan, matrices: affine.Matrices, rows: FloatArray, goal: FloatArray
) -> dict[str, tuple[FloatArray, int]]:
    """The plan's family's gradients: see `affine.gradients`."""
    if isinstance(plan, NetworkPlan):
        return network.gradients(plan, matrices, rows, goal)
    return affine.gradients(plan, matrices, rows, goal)


def check_fit(plan: BasePlan, samples: Samples, limits: Limits = DEFAULT_LIMITS) -> None:
    """Check that a plan is for data of this form.

    Raises:
        BadPlan: other numbers of features or classes; no rows, or more than the limits allow.
    """
    found = (samples.features.shape[1], samples.classes)
    if found != (plan.features, plan.classes):
        raise BadPlan(
            f"the plan is for {plan.features} features and {plan.classes} classes,"
            f" the data have {found[0]} and {found[1]}"
        )
    if not 1 <= len(samples) <= limits.rows:
        raise BadPlan(f"{len(samples)} rows; this agent trains on 1 to {limits.rows}")


def _step(plan: Plan, matrix: FloatArray, gradient: FloatArray, bits: int, rows: int) -> FloatArray:
    """One update; the factors are fractions rounded once, so they are the same everywhere."""
    factor = float(plan.step / rows * Fraction(2) ** (plan.weight_bits - bits))
    change = gradient * factor
    if plan.decay:
        change[:-1] += matrix[:-1] * float(plan.step * plan.decay)
    return saturate(matrix - np.rint(change), plan.weight_bits)


def _batches(plan: Plan, weights: Weights, rows: int) -> Iterator[slice | Int64Array]:
    """The rows of each step: all, or a window that moves on, from a place that the round's weights decide."""
    if not 0 < plan.batch < rows:
        yield from (slice(None) for _ in range(plan.local_steps))
        return
    start = int.from_bytes(weights.digest()[:8], "big") % rows
    for step in range(plan.local_steps):
        yield (np.arange(plan.batch, dtype=np.int64) + start + step * plan.batch) % rows
