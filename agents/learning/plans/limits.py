"""What a cloud owner is ready to work on, and the proof that its integers stay exact."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from agents.core.errors import BadPlan
from agents.learning.data.samples import FEATURE_LIMIT, TARGET_BITS
from agents.learning.integers.fixed import EXACT, PROBABILITY_BITS, RANGE_BITS

if TYPE_CHECKING:
    from agents.learning.plans.plan import Plan

ACTIVATION_BITS = 10
"""Hidden activations of a network are integers in units of 2^-10."""

RESIDUAL_LIMIT = 8 << TARGET_BITS
"""Errors of a value are cut at eight standard deviations of the target."""


@dataclass(frozen=True)
class Limits:
    """The largest plan that an agent accepts.

    Attributes:
        plan_bytes: length of the document.
        features, classes, hidden: sizes of the model.
        width: weights of an output that is trained exactly on ciphertexts; the work grows with its cube.
        local_steps, rounds: length of the training.
        rows: of a subset; the proof of exactness holds for so many.
    """

    plan_bytes: int = 64 * 1024
    features: int = 16_384
    classes: int = 1_024
    hidden: int = 1_024
    width: int = 1_025
    local_steps: int = 10_000
    rounds: int = 10_000
    rows: int = 2**18

    def check(self, plan: Plan) -> None:
        """Refuse a plan over these limits, or one whose integers could reach 2^53.

        Raises:
            BadPlan: one line, naming the field.
        """
        for field in ("features", "classes", "hidden", "local_steps", "rounds"):
            value, most = getattr(plan, field, 0), getattr(self, field)
            if value > most:
                raise BadPlan(f"plan: {field} is {value}; this agent accepts at most {most}")
        for what, bound in _bounds(plan, min(plan.batch or self.rows, self.rows)).items():
            if bound >= EXACT:
                raise BadPlan(
                    f"plan: {what} could reach {bound:.3g}, over the 2^53 up to which float64 is exact"
                )


DEFAULT_LIMITS = Limits()


def _bounds(plan: Plan, rows: int) -> dict[str, float]:
    """The largest partial sum of each matrix product in training, given what saturates (`fixed.py`)."""
    weight = 2.0 ** (plan.weight_bits + RANGE_BITS)
    error = float(RESIDUAL_LIMIT)
    bounds = {
        "the scores (features x weights)": (plan.features + 1) * FEATURE_LIMIT * weight,
        "the gradient (rows x features x errors)": rows * FEATURE_LIMIT * error,
    }
    if plan.family == "network":
        activation = 2.0 ** (ACTIVATION_BITS + RANGE_BITS)
        hidden_error = 2.0 ** (PROBABILITY_BITS + RANGE_BITS)
        bounds["the scores (hidden x weights)"] = (plan.hidden + 1) * activation * weight
        bounds["the gradient (rows x hidden x errors)"] = rows * activation * error
        bounds["the gradient (rows x features x hidden errors)"] = rows * FEATURE_LIMIT * hidden_error
        bounds["the hidden errors (classes x errors x weights)"] = plan.outputs * error * weight
    return bounds
