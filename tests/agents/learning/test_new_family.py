"""A family that the registry does not know becomes one with a single entry: all of its own is in one class.

The two classes before the fixture are what a new file in `agents/learning/families` would hold.

Rules: P1, P2, P24, P28.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
from pydantic import Field
from sklearn.svm import LinearSVC

from agents.core.enums import CouplePhase
from agents.core.errors import BadPlan
from agents.learning.data.prepare import partition
from agents.learning.data.samples import FloatArray, PredictionTask, Samples
from agents.learning.data.tables import load_table
from agents.learning.evaluate import outside, score
from agents.learning.families import registry
from agents.learning.families.affine import PlainAffine
from agents.learning.families.registry import default_plan, family_of, parse_plan, plan_schema
from agents.learning.family import Estimator
from agents.learning.integers.fixed import PROBABILITY_BITS
from agents.learning.plans.base import PenalisedPlan, PlainPlan, Plan
from agents.learning.plans.defaults import CLIP, momentum, never_early, safe_step
from agents.learning.simulate import simulate
from testing.world import World
from tests.agents.learning.conftest import random_samples
from tests.agents.runtime.test_stories import replayed


class HingePlan(PlainPlan, PenalisedPlan):
    """A support vector machine: the hinge loss of each class against all others."""

    family: Literal["hinge"] = "hinge"
    classes: int = Field(ge=2, description="number of classes")


class Hinge(PlainAffine):
    """Scores of a class that are under its margin move by a step, all others stay."""

    schema = HingePlan

    @classmethod
    def default_plan(cls, features: int, classes: int, rounds: int, seed: int) -> HingePlan:
        del seed
        return HingePlan(
            features=features,
            classes=classes,
            local_steps=20,
            step=safe_step(CLIP),
            clip=CLIP,
            rounds=rounds,
            server=momentum("2", "1/2"),
            stop=never_early(classes),
        )

    def errors(self, scores: FloatArray, goal: FloatArray) -> FloatArray:
        margin = 2.0**PROBABILITY_BITS
        sign = 2.0 * goal - margin
        return np.where(sign * scores < margin, -sign, 0.0)

    def peer(self) -> Estimator:
        found: Estimator = LinearSVC()
        return found


@pytest.fixture(autouse=True)
def _registered(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setitem(registry.FAMILIES, Hinge.name(), Hinge)
    yield
    family_of.cache_clear()


def plan_for(features: int = 3, classes: int = 2, rounds: int = 8, **changes: object) -> Plan:
    plan = default_plan(PredictionTask.CLASSIFICATION, classes, features, "hinge", rounds)
    return plan.model_copy(update=changes)


def test_its_plans_are_read_and_refused_like_all_others() -> None:
    plan = plan_for()
    assert isinstance(plan, HingePlan)
    assert parse_plan(plan.canonical_bytes()) == plan
    assert plan_schema()["discriminator"]["mapping"]["hinge"] == "#/$defs/HingePlan"
    document = json.loads(plan.canonical_bytes())
    for changes, message in (
        ({"hidden": 5}, "plan: hidden: Extra inputs are not permitted"),
        ({"l2": "2"}, "plan: l2 2 is over 1"),
        ({"features": 16_385}, "plan: features is 16385; this agent accepts at most 16384"),
    ):
        with pytest.raises(BadPlan) as refused:
            parse_plan(json.dumps(document | changes).encode())
        assert str(refused.value) == message


def test_without_its_entry_nobody_reads_it(monkeypatch: pytest.MonkeyPatch) -> None:
    document = plan_for().canonical_bytes()
    monkeypatch.delitem(registry.FAMILIES, "hinge")
    with pytest.raises(BadPlan, match="Input tag 'hinge' found using 'family' does not match any"):
        parse_plan(document)


def test_a_step_by_hand() -> None:
    """One row of class 1, x = 1: both scores are 0, under their margins, and move apart by a step."""
    plan = plan_for(features=1, local_steps=1, step=Fraction(1, 128))
    samples = Samples(np.array([[256]], np.int32), np.array([1], np.int32), 2)
    family = family_of(plan)
    change = family.local_update(family.initial_weights(), samples).change["output"]
    assert change.tolist() == [[-(2**13), 2**13], [-(2**13), 2**13]]


def test_it_learns_and_is_measured_against_its_own_kind() -> None:
    plan, test = plan_for(), random_samples(200, seed=1)
    subsets = [random_samples(60, seed=seed) for seed in (2, 3, 4)]
    *_, last = simulate(plan, subsets, 2, seed=0)
    assert score(plan, last.weights, test) > 0.95
    assert outside(plan, subsets[0], test).label == "scikit-learn LinearSVC"


def test_the_market_trains_it(tmp_path: Path) -> None:
    """From the owner's plan to the last weights, through the agents as they are."""
    world = World(tmp_path, plan=plan_for(features=13, classes=3, rounds=4, sums="none"))
    world.play()
    plan, state = replayed(world)
    assert isinstance(plan, HingePlan)
    assert (world.couple.phase, world.couple.round) == (CouplePhase.COMPLETED, 4)
    assert world.ends_with(state.weights.digest())
    assert score(plan, state.weights, partition(load_table("wine"), 0).test) > 0.9
