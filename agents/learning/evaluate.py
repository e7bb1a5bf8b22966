"""Scores of a model, and the yardsticks that a market's model is held against."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.neural_network import MLPClassifier, MLPRegressor

from agents.learning.data.samples import FEATURE_BITS, TARGET_BITS, FloatArray, Int64Array, Samples
from agents.learning.families import affine, network
from agents.learning.families.gradient_descent import check_fit
from agents.learning.families.registry import family_of
from agents.learning.integers.aggregate import ServerState, strategy_of
from agents.learning.integers.design_matrix import design_matrix
from agents.learning.integers.weights import Weights
from agents.learning.local import local_update
from agents.learning.plans.encrypted import EncryptedNetworkPlan, EncryptedPlan
from agents.learning.plans.plan import NetworkPlan, Plan

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


def outputs(plan: Plan, weights: Weights, samples: Samples) -> FloatArray:
    """(n, outputs) float64: scores of the classes, or values in standard deviations of the target."""
    if isinstance(plan, EncryptedPlan):
        return family_of(plan).scores(weights, samples)
    check_fit(plan, samples)
    rows = design_matrix(samples.features, plan.clip)
    matrices = {name: matrix.astype(np.float64) for name, matrix in weights.tensors.items()}
    if isinstance(plan, NetworkPlan):
        return network.scores(plan, matrices, rows)
    return affine.scores(plan, matrices, rows)


def predict(plan: Plan, weights: Weights, samples: Samples) -> Int64Array | FloatArray:
    """(n,) int64 class numbers, or float64 values in standard deviations of the target."""
    scores = outputs(plan, weights, samples)
    return scores.argmax(axis=1) if plan.classes else scores[:, 0]


def score(plan: Plan, weights: Weights, samples: Samples) -> float:
    """Accuracy, or the coefficient of determination R2 (0 for a target that does not vary)."""
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
    """scikit-learn's own model of the same family, in floats on all the data: the outside yardstick."""
    if isinstance(plan, NetworkPlan | EncryptedNetworkPlan):
        kind, hidden = (MLPClassifier if plan.classes else MLPRegressor), (plan.hidden,)
        model = kind(hidden_layer_sizes=hidden, alpha=1e-2, solver="lbfgs", max_iter=2_000, random_state=0)
    elif plan.classes:
        model = LogisticRegression(max_iter=10_000)
    else:
        model = Ridge()
    features, unseen = train.features / 2.0**FEATURE_BITS, test.features / 2.0**FEATURE_BITS
    model.fit(features, train.target if plan.classes else train.target / 2.0**TARGET_BITS)
    truth = test.target if plan.classes else test.target / 2.0**TARGET_BITS
    return Yardstick(f"scikit-learn {type(model).__name__}", float(model.score(unseen, truth)))


def _alone(plan: Plan, samples: Samples, rounds: int) -> Weights:
    """Weights after so many rounds in which one subset is the whole dataset."""
    strategy, state = strategy_of(plan), ServerState.initial(plan)
    for _ in range(rounds):
        state = strategy.aggregate(state, local_update(plan, state.weights, samples))
    return state.weights
