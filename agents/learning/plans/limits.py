"""What a cloud owner is ready to work on, and the proof that its integers stay exact."""

from __future__ import annotations

from dataclasses import dataclass

from agents.core.errors import BadPlan
from agents.learning.data.samples import Samples
from agents.learning.integers.fixed import EXACT
from agents.learning.plans.base import Plan


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
        for what, bound in plan.bounds(plan.rows_at_once(self.rows)).items():
            if bound >= EXACT:
                raise BadPlan(
                    f"plan: {what} could reach {bound:.3g}, over the 2^53 up to which float64 is exact"
                )


DEFAULT_LIMITS = Limits()


def check_fit(plan: Plan, samples: Samples, limits: Limits = DEFAULT_LIMITS) -> None:
    """Checks that a plan is for data of this form.

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
