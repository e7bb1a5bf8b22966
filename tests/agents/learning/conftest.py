"""Small samples, subsets and plans for the tests of learning."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pytest

from agents.learning.data.samples import Samples
from agents.learning.data.subset import Subset
from agents.learning.families.affine import LinearPlan, LogisticPlan, RidgePlan
from agents.learning.families.network import NetworkPlan
from agents.learning.plans.base import DescentPlan, Server, Stop

PlanMaker = Callable[..., DescentPlan]
SamplesMaker = Callable[..., Samples]

FAMILIES = {"linear": LinearPlan, "ridge": RidgePlan, "logistic": LogisticPlan, "network": NetworkPlan}


@pytest.fixture
def make_plan() -> PlanMaker:
    """A plan of a family in plain text, of single results, with any field changed."""

    def make(family: str = "logistic", **changes: object) -> DescentPlan:
        classes = changes.get("classes", 2)
        fields: dict[str, object] = {
            "features": 3,
            "classes": classes,
            "local_steps": 5,
            "step": Fraction(1, 17),
            "clip": 4,
            "rounds": 6,
            "server": Server(),
            "stop": Stop(metric="accuracy" if classes else "r2"),
            "sums": "none",
        }
        fields |= {"hidden": 4, "seed": 1} if family == "network" else {}
        plan: DescentPlan = FAMILIES[family](**(fields | changes))
        return plan

    return make


def random_samples(rows: int = 60, features: int = 3, classes: int = 2, seed: int = 0) -> Samples:
    """Random rows whose first feature decides the target."""
    rng = np.random.default_rng(seed)
    table = rng.integers(-600, 601, (rows, features)).astype(np.int32)
    if classes:
        target = np.clip((table[:, 0] + 600) * classes // 1201, 0, classes - 1)
    else:
        target = table[:, 0] * 100 + table[:, 1] * 30
    return Samples(table, target.astype(np.int32), classes)


@pytest.fixture
def make_samples() -> SamplesMaker:
    """Random rows whose first feature decides the target."""
    return random_samples


@pytest.fixture
def subset(make_samples: SamplesMaker) -> Subset:
    """A subset of two classes."""
    return Subset(3, make_samples(), bytes(range(32)))
