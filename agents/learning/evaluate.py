"""Scores of a model, and the yardsticks that a market's model is held against."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy.typing as npt

from agents.learning.data.samples import FEATURE_BITS, TARGET_BITS, FloatArray, Int64Array, Samples
from agents.learning.families.registry import family_of
from agents.learning.integers.aggregate import ServerState
from agents.learning.integers.weights import Weights
from agents.learning.plans.base import Plan

CENTRAL_ROUNDS = 40
"""Centralised training runs at least so many rounds, enough for it to settle."""


@dataclass(frozen=True)
class Yardstick:
    """A score to compare with, and what it is.

    Attributes:
        label: how the report names it.
        score: accuracy, or R2 for a regression.
    """

    label: str
    score: float


def predict(plan: Plan, weights: Weights, samples: Samples) -> Int64Array | FloatArray:
    """(n,) int64 class numbers, or float64 values in standard deviations of the target.

    Raises:
        BadPlan: the plan is for other data than these.
    """
    scores = family_of(plan).scores(weights, samples)
    return scores.argmax(axis=1) if plan.classes else scores[:, 0]


def score(plan: Plan, weights: Weights, samples: Samples) -> float:
    """Accuracy, or the coefficient of determination R2 (0 for a target that does not vary, or no samples).

    Raises:
        BadPlan: the plan is for other data than these.
    """
    if not len(samples):
        return 0.0
    predicted = predict(plan, weights, samples)
    if plan.classes:
        return float((predicted == samples.target).mean())
    truth = samples.target / 2.0**TARGET_BITS
    spread = float(((truth - truth.mean()) ** 2).sum())
    return 1.0 - float(((truth - predicted) ** 2).sum()) / spread if spread else 0.0


def centralised(plan: Plan, train: Samples, test: Samples) -> Yardstick:
    """The plan's own trainer with all the data in one place, for at least CENTRAL_ROUNDS rounds."""
    weights = _alone(plan, train, max(plan.rounds, CENTRAL_ROUNDS))
    return Yardstick("centralised, same trainer", score(plan, weights, test))


def best_single_subset(plan: Plan, subsets: Sequence[Samples], test: Samples) -> Yardstick:
    """The best that one subset's data alone give, by the test score itself: a generous bound.

    Each subset is trained for as many rounds as the plan has.
    """
    best = max(score(plan, _alone(plan, samples, plan.rounds), test) for samples in subsets)
    return Yardstick("best single subset", best)


def outside(plan: Plan, train: Samples, test: Samples) -> Yardstick:
    """scikit-learn's own model of the same kind, in floats on all the data: the outside yardstick."""
    model = family_of(plan).peer()
    model.fit(train.features / 2.0**FEATURE_BITS, _truth(train))
    found = model.score(test.features / 2.0**FEATURE_BITS, _truth(test))
    return Yardstick(f"scikit-learn {type(model).__name__}", float(found))


def _truth(samples: Samples) -> npt.NDArray[Any]:
    """(n,) class numbers, or values in standard deviations of the target."""
    return samples.target if samples.classes else samples.target / 2.0**TARGET_BITS


def _alone(plan: Plan, samples: Samples, rounds: int) -> Weights:
    """Weights after so many rounds in which one subset is the whole dataset."""
    family = family_of(plan)
    state = ServerState.initial(family.initial_weights())
    for _ in range(rounds):
        state = family.aggregate(state, family.local_update(state.weights, samples))
    return state.weights
