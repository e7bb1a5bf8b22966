"""Scores and yardsticks.

Rules: P6, P28.
"""

from __future__ import annotations

import numpy as np
import pytest

from agents.core.errors import BadPlan
from agents.learning.data.samples import PredictionTask, Samples
from agents.learning.evaluate import best_single_subset, centralised, outside, predict, score
from agents.learning.families.encrypted_linear import EncryptedLogisticPlan, EncryptedRidgePlan
from agents.learning.families.network import NetworkPlan
from agents.learning.families.registry import FAMILIES, default_plan, family_of, parse_plan
from agents.learning.integers.weights import Weights
from agents.learning.simulate import draws
from tests.agents.learning.conftest import PlanMaker, SamplesMaker


def test_accuracy_by_hand(make_plan: PlanMaker) -> None:
    plan = make_plan(features=1)
    weights = Weights({"output": np.array([[0, 2**20], [0, 0]], np.int64)}, 20)
    samples = Samples(np.array([[256], [-256], [256], [512]], np.int32), np.array([1, 0, 0, 1], np.int32), 2)
    assert family_of(plan).scores(weights, samples).tolist() == [[0, 1], [0, -1], [0, 1], [0, 2]]
    assert predict(plan, weights, samples).tolist() == [1, 0, 1, 1]
    assert score(plan, weights, samples) == 0.75


def test_r2_by_hand(make_plan: PlanMaker) -> None:
    plan = make_plan("ridge", features=1, classes=0)
    weights = Weights({"output": np.array([[2**20], [0]], np.int64)}, 20)
    samples = Samples(np.array([[256], [-256]], np.int32), np.array([2**17, -(2**17)], np.int32), 0)
    assert score(plan, weights, samples) == pytest.approx(1 - 2 / 8)
    flat = Samples(samples.features, np.array([7, 7], np.int32), 0)
    assert score(plan, weights, flat) == 0.0


def test_refuses_samples_of_another_form(make_plan: PlanMaker, make_samples: SamplesMaker) -> None:
    weights = Weights({"output": np.zeros((4, 2), np.int64)}, 20)
    with pytest.raises(BadPlan, match="the data have 5 and 2"):
        score(make_plan(), weights, make_samples(features=5))


@pytest.mark.parametrize(
    ("family", "classes", "label"),
    [
        ("logistic", 2, "scikit-learn LogisticRegression"),
        ("ridge", 0, "scikit-learn Ridge"),
        ("network", 2, "scikit-learn MLPClassifier"),
        ("network", 0, "scikit-learn MLPRegressor"),
    ],
)
def test_yardsticks_name_what_they_are(
    make_plan: PlanMaker, make_samples: SamplesMaker, family: str, classes: int, label: str
) -> None:
    plan, train, test = (
        make_plan(family, classes=classes),
        make_samples(200, classes=classes),
        make_samples(seed=1, classes=classes),
    )
    mine, theirs = centralised(plan, train, test), outside(plan, train, test)
    assert (mine.label, theirs.label) == ("centralised, same trainer", label)
    assert mine.score > 0.8
    assert theirs.score > 0.8


def test_the_best_single_subset_is_the_best(make_plan: PlanMaker, make_samples: SamplesMaker) -> None:
    plan, test = make_plan(), make_samples(seed=1)
    good = make_samples(200)
    bad = Samples(good.features, 1 - good.target, 2)
    best = best_single_subset(plan, [bad, good], test)
    assert best.label == "best single subset"
    assert (
        best.score
        == best_single_subset(plan, [good], test).score
        > best_single_subset(plan, [bad], test).score
    )


def test_draws_cover_every_subset_in_each_epoch() -> None:
    rounds = list(draws(7, 3, 6, seed=1))
    assert [len(chosen) for chosen in rounds] == [3, 3, 1, 3, 3, 1]
    for epoch in (rounds[:3], rounds[3:]):
        assert sorted(index for chosen in epoch for index in chosen) == list(range(7))


def fits(family: str, classes: int) -> bool:
    if family == "encrypted-network":
        return classes <= 2
    return bool(classes) or not family.endswith(("logistic", "cubic"))


@pytest.mark.parametrize(("family", "classes"), [(f, c) for f in FAMILIES for c in (0, 2, 10) if fits(f, c)])
def test_default_plans_pass_their_own_checks(family: str, classes: int) -> None:
    task = PredictionTask.CLASSIFICATION if classes else PredictionTask.REGRESSION
    for features in (1, 30, 5_000):
        plan = default_plan(task, classes, features, family, rounds=3, seed=4)
        assert parse_plan(plan.canonical_bytes()) == plan
        assert (plan.model_dump()["family"], plan.rounds, plan.features) == (family, 3, features)


def test_the_default_family_follows_the_task() -> None:
    assert isinstance(default_plan(PredictionTask.CLASSIFICATION, 3, 5), EncryptedLogisticPlan)
    ridge = default_plan(PredictionTask.REGRESSION, 3, 5)
    assert isinstance(ridge, EncryptedRidgePlan)
    assert ridge.classes == 0


def test_a_network_takes_the_seed() -> None:
    plan = default_plan(PredictionTask.CLASSIFICATION, 3, 5, "network", seed=9)
    assert isinstance(plan, NetworkPlan)
    assert plan.seed == 9


def test_refuses_families_that_do_not_exist_or_do_not_fit() -> None:
    with pytest.raises(
        BadPlan, match=r"^no model 'forest': choose one of linear, ridge, logistic, network, encr"
    ):
        default_plan(PredictionTask.CLASSIFICATION, 2, 5, "forest")
    with pytest.raises(
        BadPlan, match=r"^logistic regression needs classes, and the target is a number: choose linear"
    ):
        default_plan(PredictionTask.REGRESSION, 0, 5, "logistic")
    with pytest.raises(BadPlan, match=r"^logistic regression needs classes"):
        default_plan(PredictionTask.REGRESSION, 0, 5, "encrypted-cubic")
    with pytest.raises(BadPlan, match=r"^no default plan for an encrypted network of over two classes"):
        default_plan(PredictionTask.CLASSIFICATION, 3, 5, "encrypted-network")
