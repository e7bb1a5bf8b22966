"""The training plan (II-C, "training method"): data, never code.

A plan is a JSON document that the model owner publishes with its hash, and that every cloud owner checks
against its family's schema and its own limits before any work. It holds no floats: fractions are text such as
``"1/65"``. Here is what all plans have, and the numbers of gradient descent and of the aggregation.
"""

from __future__ import annotations

import hashlib
import json
from abc import abstractmethod
from fractions import Fraction
from typing import Literal, Self

from pydantic import Field, model_validator

from agents.core.errors import BadPlan
from agents.learning.data.samples import FEATURE_LIMIT, PredictionTask
from agents.learning.integers.fixed import RANGE_BITS
from agents.learning.integers.residual import RESIDUAL_LIMIT
from agents.learning.plans.document import Document
from agents.learning.plans.noise import Noise
from agents.learning.plans.rational import PositiveRational, Rational

MAX_SERVER_STEP = 100
MAX_MOMENTUM = Fraction(99, 100)
MAX_SERVER_DENOMINATOR = 1_000
"""Together these keep the aggregation inside int64 (`aggregate.py`)."""


class Server(Document):
    """How the model owner makes the next weights of a round's results (`aggregate.py`)."""

    strategy: Literal["fedavg", "fedavgm", "span"] = "fedavg"
    step: PositiveRational = Field(default=Fraction(1), description="factor of the averaged change")
    momentum: Rational = Field(default=Fraction(0), description="share of the last change that is kept")

    @model_validator(mode="after")
    def _is_sound(self) -> Server:
        if (self.strategy == "fedavgm") != (self.momentum > 0):
            raise ValueError('momentum above 0 goes with strategy "fedavgm", and only with it')
        if self.strategy == "span" and self.step != 1:
            raise ValueError('strategy "span" solves for its steps: leave step at 1')
        if self.step > MAX_SERVER_STEP or self.momentum > MAX_MOMENTUM:
            raise ValueError(f"step is at most {MAX_SERVER_STEP}, momentum at most {MAX_MOMENTUM}")
        if max(self.step.denominator, self.momentum.denominator) > MAX_SERVER_DENOMINATOR:
            raise ValueError(f"denominators of step and momentum are at most {MAX_SERVER_DENOMINATOR}")
        return self


class Stop(Document):
    """When the model owner ends the training before its last round, by the score on its own samples."""

    metric: Literal["accuracy", "r2"]
    target: Rational = Field(default=Fraction(1), description="stop at this score")
    patience: int = Field(default=0, ge=0, le=10_000, description="rounds without a better score; 0: any")
    settled: Rational = Field(
        default=Fraction(0), description="stop when new weights bring a smaller share than this; 0: never"
    )

    @model_validator(mode="after")
    def _is_sound(self) -> Stop:
        if self.target > 1:
            raise ValueError("no score is over 1")
        if self.settled >= 1:
            raise ValueError("settled is a share below 1")
        return self


class Plan(Document):
    """What every plan has: its fields, and what follows from them without any data."""

    version: Literal[1] = 1
    features: int = Field(ge=1, description="columns of the data")
    classes: int = Field(ge=0, description="number of classes; 0 for a regression")
    weight_bits: int = Field(default=20, ge=12, le=24, description="the unit of a weight is 2^-weight_bits")
    rounds: int = Field(ge=1, description="at most so many rounds")
    stop: Stop

    @property
    def task(self) -> PredictionTask:
        """Classification or regression."""
        return PredictionTask.CLASSIFICATION if self.classes else PredictionTask.REGRESSION

    @property
    def outputs(self) -> int:
        """Columns of the last layer: one for each class, or one number."""
        return self.classes or 1

    @property
    def shapes(self) -> dict[str, tuple[int, int]]:
        """The name and shape, (rows, columns), of each of the model's matrices.

        The last row of each is the intercept's.
        """
        return {"output": (self.features + 1, self.outputs)}

    def rows_at_once(self, rows: int) -> int:
        """Of so many rows, those that one matrix product takes."""
        return rows

    @abstractmethod
    def bounds(self, rows: int) -> dict[str, float]:
        """How large the partial sums of each matrix product could become, by the product's name.

        They are whole numbers, which float64 holds exactly below 2^53 (`fixed.py`); what saturates is at its
        limit.

        Args:
            rows: that one product takes, at most.
        """

    @property
    def keys_named(self) -> str:
        """SHA-256 of the published keys that training needs, hexadecimal; empty if the plan names none."""
        return ""

    def with_keys(self, digest: str) -> Self:
        """The plan that names these keys, by their SHA-256 in hexadecimal; in plain text there are none."""
        del digest
        return self

    @property
    def noise_named(self) -> Noise | None:
        """The noise that all results together have; none where sums are exact."""
        return None

    def with_noise(self, noise: Noise) -> Self:
        """The plan for a dataset whose sums have this noise.

        Raises:
            BadPlan: such a plan's sums are exact.
        """
        del noise
        raise BadPlan("the dataset's sums come with noise, and only a plan of moments is for those")

    def canonical_bytes(self) -> bytes:
        """The document in its one form: sorted keys, no spaces, ASCII."""
        return json.dumps(self.model_dump(mode="json"), sort_keys=True, separators=(",", ":")).encode("ascii")

    def digest(self) -> bytes:
        """SHA-256 of the canonical bytes: the plan hash on chain."""
        return hashlib.sha256(self.canonical_bytes()).digest()

    @model_validator(mode="after")
    def _is_sound(self) -> Plan:
        if self.classes == 1:
            raise ValueError("classes must be 0 (a regression) or at least 2")
        if self.stop.metric != ("accuracy" if self.classes else "r2"):
            raise ValueError("the metric of a classification is accuracy, that of a regression r2")
        return self


class DescentPlan(Plan):
    """A plan of gradient descent: local steps at cloud owners, whose results the model owner averages."""

    local_steps: int = Field(ge=1, description="gradient steps of one round at a cloud owner")
    step: PositiveRational = Field(description="step size of a local step")
    clip: int = Field(ge=1, le=64, description="rows are scaled down to this norm")
    batch: int = Field(default=0, ge=0, description="rows of a step; 0 for all of them")
    server: Server = Server()

    @property
    def decay(self) -> Fraction:
        """The factor of the squared penalty on the weights; the intercept is free of it."""
        return Fraction(0)

    def rows_at_once(self, rows: int) -> int:
        """See `Plan.rows_at_once`: those of a step."""
        return min(self.batch or rows, rows)

    def bounds(self, rows: int) -> dict[str, float]:
        """See `Plan.bounds`."""
        weight = 2.0 ** (self.weight_bits + RANGE_BITS)
        return {
            "the scores (features x weights)": (self.features + 1) * FEATURE_LIMIT * weight,
            "the gradient (rows x features x errors)": float(rows * FEATURE_LIMIT * RESIDUAL_LIMIT),
        }

    @property
    def solves(self) -> bool:
        """Whether sums are solved instead of averaged: of least squares, after one local step."""
        return self.server.strategy == "span"

    @model_validator(mode="after")
    def _step_is_sound(self) -> DescentPlan:
        self._check_step()
        self._check_strategy()
        return self

    def _check_strategy(self) -> None:
        """Only exact sums of least squares can be solved."""
        if self.solves:
            raise ValueError('strategy "span" is for exact encrypted families: choose "fedavg" or "fedavgm"')

    def _check_step(self) -> None:
        """A larger step diverges on a skewed subset, whose curvature may reach a row's squared norm."""
        bound = Fraction(1, self.clip**2 + 1)
        if self.step > bound:
            raise ValueError(f"step {self.step} is over 1/(clip^2 + 1) = {bound}, where training can diverge")


class PlainPlan(DescentPlan):
    """A plan in plain text: cloud owners see the weights. Results are masked as those on ciphertexts are."""

    sums: Literal["dataset", "round", "none"] = Field(
        default="dataset",
        description="what the model owner sees: sums over all subsets, over those of a round, or each result",
    )


class FreeStepPlan(DescentPlan):
    """A plan of a network: no bound is proven for its steps.

    Its weights saturate, so that a bad step harms only its owner.
    """

    def _check_step(self) -> None:
        if self.step > 1:
            raise ValueError(f"step {self.step} is over 1")


class PenalisedPlan(DescentPlan):
    """A plan with a penalty on the weights."""

    l2: Rational = Field(default=Fraction(0), description="factor of the squared penalty on the weights")

    @model_validator(mode="after")
    def _decay_is_sound(self) -> PenalisedPlan:
        if self.l2 > 1:
            raise ValueError(f"l2 {self.l2} is over 1")
        return self

    @property
    def decay(self) -> Fraction:
        """The factor `l2`."""
        return self.l2
