"""The training plan (II-C, "training method"): data, never code.

A plan is a JSON document that the model owner publishes with its hash, and that every cloud owner checks
against this schema and its own limits before any work. It holds no floats: fractions are text such as
``"1/65"``.
"""

from __future__ import annotations

import hashlib
import json
from fractions import Fraction
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

from agents.core.errors import BadPlan
from agents.learning.limits import DEFAULT_LIMITS, Limits
from agents.learning.rational import PositiveRational, Rational
from agents.learning.samples import Task

MAX_SERVER_STEP = 100
MAX_MOMENTUM = Fraction(99, 100)
MAX_SERVER_DENOMINATOR = 1_000
"""Together these keep the aggregation inside int64 (`aggregate.py`)."""


class _Document(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Server(_Document):
    """How the model owner makes the next weights of a round's results (`aggregate.py`)."""

    strategy: Literal["fedavg", "fedavgm"] = "fedavg"
    step: PositiveRational = Field(default=Fraction(1), description="factor of the averaged change")
    momentum: Rational = Field(default=Fraction(0), description="share of the last change that is kept")

    @model_validator(mode="after")
    def _is_sound(self) -> Server:
        if (self.strategy == "fedavgm") != (self.momentum > 0):
            raise ValueError('momentum above 0 goes with strategy "fedavgm", and only with it')
        if self.step > MAX_SERVER_STEP or self.momentum > MAX_MOMENTUM:
            raise ValueError(f"step is at most {MAX_SERVER_STEP}, momentum at most {MAX_MOMENTUM}")
        if max(self.step.denominator, self.momentum.denominator) > MAX_SERVER_DENOMINATOR:
            raise ValueError(f"denominators of step and momentum are at most {MAX_SERVER_DENOMINATOR}")
        return self


class Stop(_Document):
    """When the model owner ends the training before its last round, by the score on its own samples."""

    metric: Literal["accuracy", "r2"]
    target: Rational = Field(default=Fraction(1), description="stop at this score")
    patience: int = Field(default=0, ge=0, le=10_000, description="rounds without a better score; 0: any")

    @model_validator(mode="after")
    def _is_sound(self) -> Stop:
        if self.target > 1:
            raise ValueError("no score is over 1")
        return self


class _Plan(_Document):
    version: Literal[1] = 1
    features: int = Field(ge=1, description="columns of the data")
    classes: int = Field(ge=0, description="number of classes; 0 for a regression")
    weight_bits: int = Field(default=20, ge=12, le=24, description="the unit of a weight is 2^-weight_bits")
    local_steps: int = Field(ge=1, description="gradient steps of one round at a cloud owner")
    step: PositiveRational = Field(description="step size of a local step")
    clip: int = Field(ge=1, le=64, description="rows are scaled down to this norm")
    batch: int = Field(default=0, ge=0, description="rows of a step; 0 for all of them")
    rounds: int = Field(ge=1, description="at most so many rounds")
    server: Server = Server()
    stop: Stop

    @property
    def task(self) -> Task:
        """Classification or regression."""
        return Task.CLASSIFICATION if self.classes else Task.REGRESSION

    @property
    def outputs(self) -> int:
        """Columns of the last layer: one for each class, or one number."""
        return self.classes or 1

    @property
    def decay(self) -> Fraction:
        """The factor of the squared penalty on the weights; the intercept is free of it."""
        return Fraction(0)

    def canonical_bytes(self) -> bytes:
        """The document in its one form: sorted keys, no spaces, ASCII."""
        return json.dumps(self.model_dump(mode="json"), sort_keys=True, separators=(",", ":")).encode("ascii")

    def digest(self) -> bytes:
        """SHA-256 of the canonical bytes: the plan hash on chain."""
        return hashlib.sha256(self.canonical_bytes()).digest()

    @model_validator(mode="after")
    def _is_sound(self) -> _Plan:
        if self.classes == 1:
            raise ValueError("classes must be 0 (a regression) or at least 2")
        if self.stop.metric != ("accuracy" if self.classes else "r2"):
            raise ValueError("the metric of a classification is accuracy, that of a regression r2")
        self._check_step()
        return self

    def _check_step(self) -> None:
        """A larger step diverges on a skewed subset, whose curvature may reach a row's squared norm."""
        bound = Fraction(1, self.clip**2 + 1)
        if self.step > bound:
            raise ValueError(f"step {self.step} is over 1/(clip^2 + 1) = {bound}, where training can diverge")


class LinearPlan(_Plan):
    """Least squares; of the classes' indicators for a classification."""

    family: Literal["linear"] = "linear"


class _Penalised(_Plan):
    l2: Rational = Field(default=Fraction(0), description="factor of the squared penalty on the weights")

    @model_validator(mode="after")
    def _decay_is_sound(self) -> _Penalised:
        if self.l2 > 1:
            raise ValueError(f"l2 {self.l2} is over 1")
        return self

    @property
    def decay(self) -> Fraction:
        """The factor `l2`."""
        return self.l2


class RidgePlan(_Penalised):
    """Least squares with a squared penalty."""

    family: Literal["ridge"] = "ridge"


class LogisticPlan(_Penalised):
    """Logistic regression: softmax over two classes or more."""

    family: Literal["logistic"] = "logistic"
    classes: int = Field(ge=2, description="number of classes")


class NetworkPlan(_Penalised):
    """A network with one hidden layer."""

    family: Literal["network"] = "network"
    hidden: int = Field(ge=1, description="units of the hidden layer")
    activation: Literal["relu", "square"] = "relu"
    seed: int = Field(ge=0, lt=2**63, description="of the initial weights")

    def _check_step(self) -> None:
        """No bound is proven for a network; its weights saturate, so that a bad step harms only its owner."""
        if self.step > 1:
            raise ValueError(f"step {self.step} is over 1")


Plan = LinearPlan | RidgePlan | LogisticPlan | NetworkPlan
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
    families = {"linear", "ridge", "logistic", "network"}
    where = ".".join(str(step) for step in first["loc"] if step not in families)
    more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
    message = first["msg"].removeprefix("Value error, ").splitlines()[0]
    return f"plan: {where + ': ' if where else ''}{message}{more}"
