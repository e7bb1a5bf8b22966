"""A model of real numbers without encryption: as near to a decrypted sum as the flood allows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import sqrt
from typing import Protocol, TypeAlias

import numpy as np

from agents.learning.data.samples import FEATURE_BITS, FloatArray, Int64Array, Samples
from agents.learning.integers.design_matrix import design_matrix
from agents.learning.integers.update import Update
from agents.learning.integers.weights import Weights
from agents.learning.plans.encrypted import ApproximatePlan
from agents.learning.plans.limits import Limits, check_fit

RealMatrices: TypeAlias = Mapping[str, FloatArray]


class Formulas(Protocol):
    """What a family trains, in real numbers.

    Rows are (n, features + 1), cut to the plan's norm, the intercept's 1 last; targets are (n, outputs).
    """

    def targets(self, samples: Samples) -> FloatArray:
        """(n, outputs) what the outputs should be."""

    def change(self, matrices: RealMatrices, rows: FloatArray, targets: FloatArray) -> dict[str, FloatArray]:
        """Number of rows times the change of each matrix in one step."""

    def known_change(self, rows: FloatArray, targets: FloatArray) -> dict[str, FloatArray]:
        """Those parts of changes that are known without the weights, and left out by the circuit."""

    def scores(self, matrices: RealMatrices, rows: FloatArray) -> FloatArray:
        """(n, outputs) scores of the classes, or values in standard deviations of the target."""

    def check_range(self, matrices: RealMatrices) -> None:
        """Checks that noise and unused slots stay within the circuit's bounds.

        Raises:
            BadPlan: with these weights they might not.
        """


@dataclass(frozen=True)
class RealModel:
    """See `PlainModel`.

    Attributes:
        plan: of the family.
        limits: what the agent is ready to work on.
        formulas: of the family.
    """

    plan: ApproximatePlan
    limits: Limits
    formulas: Formulas

    def check_fit(self, samples: Samples) -> None:
        """Checks that the plan is for samples of this form.

        Raises:
            BadPlan: it is not, or there are more rows than the limits.
        """
        check_fit(self.plan, samples, self.limits)

    def update(self, weights: Weights, samples: Samples) -> Update:
        """What decryption gives for one subset, but for the flood."""
        self.check_fit(samples)
        rows, targets = real_rows(self.plan, samples), self.formulas.targets(samples)
        change = self.formulas.change(real_weights(weights), rows, targets)
        return Update(whole_change(self.plan, change), len(samples))

    def scores(self, weights: Weights, samples: Samples) -> FloatArray:
        """(n, outputs) float64."""
        self.check_fit(samples)
        return self.formulas.scores(real_weights(weights), real_rows(self.plan, samples))


def real_rows(plan: ApproximatePlan, samples: Samples) -> FloatArray:
    """(n, features + 1) rows cut to the plan's norm, the intercept's 1 last."""
    return design_matrix(samples.features, plan.clip) * 2.0**-FEATURE_BITS


def row_norm(clip: int) -> float:
    """Of the longest row that was cut to a norm, the intercept's 1 included."""
    return sqrt(clip**2 + 1)


def real_weights(weights: Weights) -> dict[str, FloatArray]:
    """Weights as floats."""
    return {name: matrix.astype(np.float64) * 2.0**-weights.bits for name, matrix in weights.tensors.items()}


def whole_change(plan: ApproximatePlan, change: RealMatrices) -> dict[str, Int64Array]:
    """Changes in the unit of the plan's weights, to the nearest."""
    unit = 2.0**plan.weight_bits
    return {name: np.rint(change[name] * unit).astype(np.int64) for name in change}
