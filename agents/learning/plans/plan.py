"""The training plan (II-C, "training method"): data, never code.

A plan is a JSON document that the model owner publishes with its hash, and that every cloud owner checks
against this schema and its own limits before any work. It holds no floats: fractions are text such as
``"1/65"``.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, get_args

from pydantic import Field, TypeAdapter, ValidationError

from agents.core.errors import BadPlan
from agents.learning.plans.base import BasePlan, PenalisedPlan
from agents.learning.plans.encrypted import EncryptedPlans
from agents.learning.plans.limits import DEFAULT_LIMITS, Limits


class LinearPlan(BasePlan):
    """Least squares; of the classes' indicators for a classification."""

    family: Literal["linear"] = "linear"


class RidgePlan(PenalisedPlan):
    """Least squares with a squared penalty."""

    family: Literal["ridge"] = "ridge"


class LogisticPlan(PenalisedPlan):
    """Logistic regression: softmax over two classes or more."""

    family: Literal["logistic"] = "logistic"
    classes: int = Field(ge=2, description="number of classes")


class NetworkPlan(PenalisedPlan):
    """A network with one hidden layer."""

    family: Literal["network"] = "network"
    hidden: int = Field(ge=1, description="units of the hidden layer")
    activation: Literal["relu", "square"] = "relu"
    seed: int = Field(ge=0, lt=2**63, description="of the initial weights")

    def _check_step(self) -> None:
        """No bound is proven for a network; its weights saturate, so that a bad step harms only its owner."""
        if self.step > 1:
            raise ValueError(f"step {self.step} is over 1")


Plan = LinearPlan | RidgePlan | LogisticPlan | NetworkPlan | EncryptedPlans
FAMILY_NAMES = tuple(kind.model_fields["family"].default for kind in get_args(Plan))
"""Of all families, plain and encrypted."""

_ADAPTER: TypeAdapter[Plan] = TypeAdapter(Annotated[Plan, Field(discriminator="family")])


def parse_plan(data: bytes, limits: Limits = DEFAULT_LIMITS) -> Plan:
    """Read and check a plan.

    Raises:
        BadPlan: one line: unknown or missing fields, wrong types, a step size over its bound, a size over
            `limits`.
    """
    if len(data) > limits.plan_bytes:
        raise BadPlan(f"the plan has {len(data)} bytes; this agent reads at most {limits.plan_bytes}")
    try:
        plan = _ADAPTER.validate_json(data)
    except ValidationError as error:
        raise BadPlan(_one_line(error)) from error
    limits.check(plan)
    return plan


def plan_schema() -> dict[str, Any]:
    """The JSON schema of a plan."""
    return _ADAPTER.json_schema()


def _one_line(error: ValidationError) -> str:
    first = error.errors(include_url=False)[0]
    where = ".".join(str(step) for step in first["loc"] if step not in FAMILY_NAMES)
    more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
    message = first["msg"].removeprefix("Value error, ").splitlines()[0]
    return f"plan: {where + ': ' if where else ''}{message}{more}"
