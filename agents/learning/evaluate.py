"""Scores of a model, and the yardsticks that a market's model is held against."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from agents.learning.data.samples import FEATURE_BITS, TARGET_BITS, FloatArray, Int64Array, Samples
from agents.learning.families.registry import default_plan, family_of
from agents.learning.family import Classifier, Estimator
from agents.learning.integers.weights import Weights
from agents.learning.judgement import Forecast
from agents.learning.plans.base import Plan

CENTRAL_ROUNDS = 40
"""Centralised training runs at least so many rounds, enough for it to settle."""

CANDIDATES = {
    True: ("encrypted-logistic", "encrypted-features", "logistic", "network"),
    False: ("encrypted-ridge", "encrypted-features", "network"),
}
"""Families that a report may name as better ones, with classes and without: those that train in no time."""


MOST_COMPARED = 5_000
"""Rows that families are compared on."""


@dataclass(frozen=True)
class Alternative:
    """Another family.

    Attributes:
        score: accuracy or R2 on the samples that the data owner exposes; `own`: the plan's family's.
    """

    family: str
    score: float
    own: float


@dataclass(frozen=True)
class Yardstick:
    """A model to compare with, and what it is.

    Attributes:
        label: how the report names it.
        score: accuracy, or R2 for a regression.
        forecast: of the test rows.
    """

    label: str
    score: float
    forecast: Forecast


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


def says_one_class(plan: Plan, weights: Weights, samples: Samples) -> bool:
    """Whether a model says the same class of all samples, though they are of several.

    Raises:
        BadPlan: the plan is for other data than these.
    """
    if not plan.classes or not len(samples):
        return False
    return np.unique(predict(plan, weights, samples)).size == 1 < np.unique(samples.target).size


def loss(plan: Plan, weights: Weights, samples: Samples) -> float:
    """The log loss of the scores' softmax, or the mean squared error in variances of the target.

    Raises:
        BadPlan: the plan is for other data than these.
    """
    scores = family_of(plan).scores(weights, samples)
    if not plan.classes:
        return float(((scores[:, 0] - samples.target / 2.0**TARGET_BITS) ** 2).mean())
    above = scores - scores.max(axis=1, keepdims=True)
    own = above[np.arange(len(samples)), samples.target]
    return float((np.log(np.exp(above).sum(axis=1)) - own).mean())


def forecast(plan: Plan, weights: Weights, samples: Samples) -> Forecast:
    """What a model says of samples: classes and their chances, or values in deviations of the target.

    Raises:
        BadPlan: the plan is for other data than these.
    """
    return Forecast.of_scores(family_of(plan).scores(weights, samples), plan.classes)


def centralised(plan: Plan, train: Samples, test: Samples) -> Yardstick:
    """The plan's own trainer with all the data in one place, for at least CENTRAL_ROUNDS rounds."""
    return _yardstick("centralised, same trainer", plan, in_one_place(plan, train), test)


def in_one_place(plan: Plan, train: Samples) -> Weights:
    """The weights that the plan's own trainer makes of all the data, in at least CENTRAL_ROUNDS rounds."""
    return _alone(plan, train, max(plan.rounds, CENTRAL_ROUNDS))


def best_single_subset(plan: Plan, subsets: Sequence[Samples], test: Samples) -> Yardstick:
    """The best that one subset's data alone give, by the test score itself: a generous bound.

    Each subset is trained for as many rounds as the plan has.
    """
    alone = (_alone(plan, samples, plan.rounds) for samples in subsets)
    found = [_yardstick("best single subset", plan, weights, test) for weights in alone]
    return max(found, key=lambda one: one.score)


def outside(plan: Plan, train: Samples, test: Samples) -> Yardstick:
    """scikit-learn's own model of the same kind, in floats on all the data: the outside yardstick."""
    model = family_of(plan).peer()
    model.fit(train.features / 2.0**FEATURE_BITS, truth_of(train))
    rows = test.features / 2.0**FEATURE_BITS
    label = f"scikit-learn {type(model).__name__}"
    return Yardstick(label, float(model.score(rows, truth_of(test))), _said(model, rows, plan.classes))


def guess(train: Samples, test: Samples) -> Yardstick:
    """Always the commonest class, with the shares that the classes have; or always the mean."""
    if not train.classes:
        mean = float(train.target.mean()) / 2.0**TARGET_BITS
        said = Forecast(np.full(len(test), mean))
        return Yardstick("always the mean", 0.0, said)
    shares = np.bincount(train.target, minlength=train.classes) / len(train)
    said = Forecast(np.full(len(test), shares.argmax()), np.tile(shares, (len(test), 1)))
    return Yardstick("always the commonest class", float((test.target == shares.argmax()).mean()), said)


def better_family(plan: Plan, train: Samples, exposed: Samples, least: float = 0.02) -> Alternative | None:
    """The family that would do better than the plan's, by the samples that the data owner exposes.

    All are trained in one place, by default settings. None where no other is so much better.

    Args:
        plan: whose family is held against the others.
        train: all rows.
        exposed: the samples; with none of them nothing is said.
        least: that it must be better by.
    """
    if not len(exposed):
        return None
    train = train.take(np.arange(min(len(train), MOST_COMPARED)))  # they are in random order
    own = score(plan, in_one_place(plan, train), exposed)
    found: list[Alternative] = []
    for name in CANDIDATES[bool(plan.classes)]:
        if name != family_of(plan).name():
            other = default_plan(plan.task, plan.classes, plan.features, name, None, rows=len(train))
            found.append(Alternative(name, score(other, in_one_place(other, train), exposed), own))
    best = max(found, key=lambda one: one.score)
    return best if best.score >= own + least else None


def _yardstick(label: str, plan: Plan, weights: Weights, test: Samples) -> Yardstick:
    return Yardstick(label, score(plan, weights, test), forecast(plan, weights, test))


def _said(model: Estimator, rows: FloatArray, classes: int) -> Forecast:
    """Of scikit-learn's; a class that it has not seen has no chance, and a model that tells none is sure."""
    said, told = model.predict(rows), cast("Classifier", model)
    if not classes:
        return Forecast(said)
    chances = np.eye(classes)[said]
    if hasattr(model, "predict_proba"):
        chances = np.zeros((len(rows), classes))
        chances[:, told.classes_] = told.predict_proba(rows)
    return Forecast(said, chances)


def truth_of(samples: Samples) -> npt.NDArray[Any]:
    """(n,) class numbers, or values in standard deviations of the target."""
    return samples.target if samples.classes else samples.target / 2.0**TARGET_BITS


def _alone(plan: Plan, samples: Samples, rounds: int) -> Weights:
    """Weights after so many rounds in which one subset is the whole dataset."""
    family = family_of(plan)
    state = family.initial_state()
    for _ in range(rounds):
        state = family.aggregate(state, family.local_update(state.asked, samples))
        if state.gain == 0.0:
            break
    return state.weights
