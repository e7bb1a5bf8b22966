"""Linear, ridge and logistic models: one matrix between features and outputs."""

from __future__ import annotations

from fractions import Fraction
from typing import Any, Literal

from pydantic import Field

from agents.learning.data.samples import FEATURE_BITS, FloatArray
from agents.learning.families.gradient_descent import Matrices, PlainFamily
from agents.learning.integers.fixed import PROBABILITY_BITS, exact_matmul
from agents.learning.integers.residual import class_errors, value_errors
from agents.learning.plans.base import PenalisedPlan, PlainPlan, Plan
from agents.learning.plans.defaults import CLIP, check_classes, momentum, never_early, roomy_clip, safe_step


class LinearPlan(PlainPlan):
    """Least squares; of the classes' indicators for a classification."""

    family: Literal["linear"] = "linear"


class RidgePlan(PlainPlan, PenalisedPlan):
    """Least squares with a squared penalty."""

    family: Literal["ridge"] = "ridge"


class LogisticPlan(PlainPlan, PenalisedPlan):
    """Logistic regression: softmax over two classes or more."""

    family: Literal["logistic"] = "logistic"
    classes: int = Field(ge=2, description="number of classes")


class PlainAffine(PlainFamily):
    """One matrix, and the errors of its scores: of values, unless a family says otherwise."""

    def forward(self, matrices: Matrices, rows: FloatArray) -> FloatArray:
        """See `PlainFamily.forward`."""
        return scores(self.plan, matrices, rows)

    def errors(self, scores: FloatArray, goal: FloatArray) -> FloatArray:
        """(n, outputs) float64: the gradient of the loss by the scores, whole numbers in units of 2^-16."""
        return value_errors(scores, goal)

    def gradients(
        self, matrices: Matrices, rows: FloatArray, goal: FloatArray
    ) -> dict[str, tuple[FloatArray, int]]:
        """See `PlainFamily.gradients`."""
        errors = self.errors(self.forward(matrices, rows), goal)
        return {"output": (exact_matmul(rows.T, errors), FEATURE_BITS + PROBABILITY_BITS)}


class PlainLinear(PlainAffine):
    """Least squares."""

    schema = LinearPlan

    @classmethod
    def default_plan(cls, features: int, classes: int, rounds: int, seed: int) -> LinearPlan:
        """See `Family.default_plan`."""
        del seed
        return LinearPlan(**_least_squares(features, classes, rounds))


class PlainRidge(PlainAffine):
    """Least squares with a squared penalty."""

    schema = RidgePlan

    @classmethod
    def default_plan(cls, features: int, classes: int, rounds: int, seed: int) -> RidgePlan:
        """See `Family.default_plan`."""
        del seed
        return RidgePlan(**_least_squares(features, classes, rounds), l2=Fraction(1, 1000))


class PlainLogistic(PlainAffine):
    """Logistic regression."""

    schema = LogisticPlan

    @classmethod
    def default_plan(cls, features: int, classes: int, rounds: int, seed: int) -> LogisticPlan:
        """See `Family.default_plan`."""
        del seed
        check_classes(classes)
        return LogisticPlan(
            features=features,
            classes=classes,
            local_steps=40 if classes == 2 else 160,
            step=safe_step(CLIP),
            clip=CLIP,
            rounds=rounds,
            server=momentum("2" if classes == 2 else "4", "1/2"),
            stop=never_early(classes),
        )

    def errors(self, scores: FloatArray, goal: FloatArray) -> FloatArray:
        """Of probabilities."""
        return class_errors(scores, goal)


def scores(plan: Plan, matrices: Matrices, rows: FloatArray) -> FloatArray:
    """(n, outputs) float64 outputs in real units, of (n, p) rows in units of 2^-FEATURE_BITS."""
    return exact_matmul(rows, matrices["output"]) * 2.0 ** -(FEATURE_BITS + plan.weight_bits)


def _least_squares(features: int, classes: int, rounds: int) -> dict[str, Any]:
    clip = roomy_clip(features)
    return {
        "features": features,
        "classes": classes,
        "local_steps": 10,
        "step": safe_step(clip),
        "clip": clip,
        "rounds": rounds,
        "server": momentum("1", "1/4"),
        "stop": never_early(classes),
    }
