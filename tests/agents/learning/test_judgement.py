"""Measures of models, held against scikit-learn's, and what is said of them.

Rules: P63, P64.
"""

from __future__ import annotations

import math

import numpy as np
import pytest
from sklearn.metrics import (
    balanced_accuracy_score,
    log_loss,
    mean_absolute_error,
    r2_score,
    roc_auc_score,
    root_mean_squared_error,
)

from agents.learning.data.samples import Samples
from agents.learning.evaluate import better_family, guess, in_one_place, outside
from agents.learning.families.registry import default_plan
from agents.learning.judgement import CLASS_MEASURES, VALUE_MEASURES, Forecast, judge, reliability
from tests.agents.learning.conftest import SamplesMaker

RNG = np.random.default_rng(3)


def some_scores(classes: int, rows: int = 240) -> tuple[np.ndarray, np.ndarray]:
    truth = RNG.integers(0, classes, rows)
    scores = np.round(RNG.normal(size=(rows, classes)), 1)  # some are equal
    scores[np.arange(rows), truth] += 0.7
    return scores, truth


@pytest.mark.parametrize("classes", [2, 4])
def test_measures_of_classes_are_scikit_learns(classes: int) -> None:
    scores, truth = some_scores(classes)
    said = Forecast.of_scores(scores, classes)
    chances = said.chances
    assert chances is not None
    found = judge("it", said, truth).measures
    assert tuple(found) == CLASS_MEASURES
    ranked = chances[:, 1] if classes == 2 else chances
    assert found["accuracy"].value == pytest.approx((said.said == truth).mean())
    assert found["balanced accuracy"].value == pytest.approx(balanced_accuracy_score(truth, said.said))
    assert found["AUC"].value == pytest.approx(roc_auc_score(truth, ranked, multi_class="ovr"))
    assert found["log loss"].value == pytest.approx(log_loss(truth, chances))


def test_measures_of_values_are_scikit_learns() -> None:
    truth = RNG.normal(size=80)
    said = truth + RNG.normal(size=80) / 2
    found = judge("it", Forecast(said), truth).measures
    assert tuple(found) == VALUE_MEASURES
    assert found["R2"].value == pytest.approx(r2_score(truth, said))
    assert found["MAE"].value == pytest.approx(mean_absolute_error(truth, said))
    assert found["RMSE"].value == pytest.approx(root_mean_squared_error(truth, said))


def test_a_target_that_does_not_vary_has_an_r2_of_zero() -> None:
    assert judge("it", Forecast(np.zeros(5)), np.ones(5)).measures["R2"].value == 0.0


def test_intervals_hold_the_value_shrink_with_rows_and_are_always_the_same() -> None:
    widths = []
    for rows in (50, 5_000):
        scores, truth = some_scores(2, rows)
        said = Forecast.of_scores(scores, 2)
        first, second = (judge("it", said, truth).measures["accuracy"] for _ in range(2))
        assert first == second
        assert first.low < first.value < first.high
        widths.append(first.high - first.low)
    assert widths[1] < widths[0] / 5


def test_an_interval_is_about_as_wide_as_theory_says() -> None:
    scores, truth = some_scores(2, 2_000)
    found = judge("it", Forecast.of_scores(scores, 2), truth).measures["accuracy"]
    expected = 2 * 1.96 * math.sqrt(found.value * (1 - found.value) / 2_000)
    assert found.high - found.low == pytest.approx(expected, rel=0.15)


def test_a_model_that_says_one_class_to_everybody_is_named() -> None:
    chances = np.tile([0.9, 0.1], (20, 1))
    said = Forecast(np.zeros(20, np.int64), chances)
    truth = np.arange(20) % 2
    found = judge("it", said, truth)
    assert found.says_only == 0
    assert found.measures["balanced accuracy"].value == 0.5
    assert found.measures["AUC"].value == 0.5
    assert judge("it", said, np.zeros(20, np.int64)).says_only is None  # and is right
    both = Forecast(truth, chances)
    assert judge("it", both, truth).says_only is None


def test_without_rows_of_both_classes_there_is_no_auc() -> None:
    found = judge("it", Forecast(np.zeros(9, np.int64), np.tile([0.9, 0.1], (9, 1))), np.zeros(9, np.int64))
    assert math.isnan(found.measures["AUC"].value)
    assert math.isnan(found.measures["AUC"].low)


def test_reliability_of_a_model_that_knows_its_chances() -> None:
    chance = RNG.uniform(size=20_000)
    truth = (RNG.uniform(size=20_000) < chance).astype(np.int64)
    bins = reliability(np.stack([1 - chance, chance], axis=1), truth)
    assert [one.rows for one in bins] == [2_000] * 10
    assert all(one.observed == pytest.approx(one.expected, abs=0.04) for one in bins)
    assert [one.expected for one in bins] == sorted(one.expected for one in bins)


def test_reliability_of_several_classes_is_of_what_is_said() -> None:
    chances = np.tile([0.2, 0.5, 0.3], (4, 1))
    (one,) = reliability(chances, np.array([1, 1, 1, 0]), bins=1)
    assert (one.expected, one.observed, one.rows) == (0.5, 0.75, 4)


def test_a_few_rows_make_as_many_bins() -> None:
    assert len(reliability(np.array([[0.2, 0.8], [0.6, 0.4]]), np.array([1, 0]))) == 2


# --- what models are held against ---


def test_a_guess_says_the_commonest_class_with_the_shares_of_all(make_samples: SamplesMaker) -> None:
    train = Samples(np.zeros((4, 1), np.int32), np.array([1, 1, 1, 0], np.int32), 2)
    found = guess(train, train)
    assert (found.label, found.score) == ("always the commonest class", 0.75)
    assert found.forecast.chances is not None
    assert found.forecast.chances[0].tolist() == [0.25, 0.75]
    assert judge(found.label, found.forecast, train.target).says_only == 1


def test_a_guess_of_a_number_is_the_mean(make_samples: SamplesMaker) -> None:
    train = Samples(np.zeros((2, 1), np.int32), np.array([2**16, 3 * 2**16], np.int32), 0)
    assert guess(train, train).forecast.said.tolist() == [2.0, 2.0]


def test_the_outside_yardstick_says_its_chances(make_samples: SamplesMaker) -> None:
    train = make_samples(80)
    only = Samples(train.features, train.target, 3)  # nobody is of the third class
    plan = default_plan(only.task, 3, 3)
    said = outside(plan, only, only).forecast
    assert said.chances is not None
    assert said.chances[:, 2].tolist() == [0.0] * 80
    assert said.chances.sum(axis=1) == pytest.approx(np.ones(80))


def circle(rows: int = 600) -> Samples:
    """A class inside the other: nothing for a linear model."""
    features = np.random.default_rng(5).integers(-500, 501, (rows, 2)).astype(np.int32)
    inside = (features.astype(np.int64) ** 2).sum(axis=1) < 400**2
    return Samples(features, inside.astype(np.int32), 2)


def test_a_family_that_does_better_is_named() -> None:
    train = circle()
    plan = default_plan(train.task, 2, 2)
    better = better_family(plan, train, circle(200))
    assert better is not None
    assert better.family in ("network", "encrypted-features")
    assert better.score > better.own + 0.2


def test_no_family_is_named_where_none_is_better(make_samples: SamplesMaker) -> None:
    train = make_samples(200)
    plan = default_plan(train.task, 2, 3)
    assert better_family(plan, train, make_samples(100, seed=1)) is None
    assert better_family(plan, train, train.take(np.zeros(0, np.int64))) is None


def test_training_in_one_place_ends_at_the_optimum(make_samples: SamplesMaker) -> None:
    train = make_samples(80)
    plan = default_plan(train.task, 2, 3)
    assert in_one_place(plan, train) == in_one_place(plan.model_copy(update={"rounds": 500}), train)
