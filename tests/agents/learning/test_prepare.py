"""Holding out, standardising and quantising.

Rules: P11, P15.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from agents.core.errors import BadData
from agents.learning.data.prepare import BINS, Standardiser, partition, strata_of
from agents.learning.data.samples import FEATURE_LIMIT, TARGET_BITS, PredictionTask
from agents.learning.data.tables import BUILT_IN, load_table


@pytest.mark.parametrize("name", BUILT_IN)
def test_every_row_is_in_exactly_one_part(name: str) -> None:
    table = load_table(name)
    numbered = replace(table, features=np.arange(table.target.size, dtype=np.float64)[:, None])
    parts = partition(numbered, 1)
    seen = np.concatenate([part.features[:, 0] for part in (parts.train, parts.validation, parts.test)])
    assert seen.size == table.target.size
    assert min(len(parts.train), len(parts.validation), len(parts.test)) > 0.1 * table.target.size


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("name", ["breast-cancer", "digits", "wine"])
def test_each_class_has_an_even_number_of_training_rows(name: str, seed: int) -> None:
    assert (np.bincount(partition(load_table(name), seed).train.target) % 2 == 0).all()


def test_a_regression_has_a_training_size_of_which_bins_can_be_halved() -> None:
    parts = partition(load_table("diabetes"), 0)
    assert len(parts.train) % (2 * BINS) == 0
    assert parts.train.classes == 0
    assert parts.train.task is PredictionTask.REGRESSION


def test_training_features_are_standardised_and_cut() -> None:
    train = partition(load_table("breast-cancer"), 0).train
    assert train.features.dtype == np.int32
    assert np.abs(train.features).max() == FEATURE_LIMIT
    assert np.abs(train.features.mean(axis=0)).max() < 0.1 * 256
    assert abs(train.features.std(axis=0).mean() / 256 - 1) < 0.1


def test_a_regression_target_is_standardised() -> None:
    target = partition(load_table("diabetes"), 0).train.target / 2**TARGET_BITS
    assert abs(target.mean()) < 1e-4
    assert abs(target.std() - 1) < 1e-4


def test_the_same_seed_gives_the_same_parts_and_another_seed_others() -> None:
    table = load_table("wine")
    first, again, other = partition(table, 1), partition(table, 1), partition(table, 2)
    assert (first.train.features == again.train.features).all()
    assert not np.array_equal(first.test.features, other.test.features)


def test_gaps_take_the_median_of_the_training_rows() -> None:
    scaler = Standardiser.fit(np.array([[1.0], [np.nan], [2.0], [9.0]]))
    assert scaler.median.tolist() == [2.0]
    assert scaler.apply(np.array([[np.nan], [3.5]])).tolist() == [
        [(2.0 - 3.5) / scaler.deviation[0]],
        [0.0],
    ]


def test_a_column_without_a_training_value_becomes_zero() -> None:
    scaler = Standardiser.fit(np.array([[np.nan], [np.nan]]))
    assert scaler.apply(np.array([[np.nan]])).tolist() == [[0.0]]


def test_refuses_a_regression_target_that_does_not_vary() -> None:
    table = load_table("diabetes")
    flat = replace(table, target=np.full(table.target.size, 3.0))
    with pytest.raises(BadData, match=r"^diabetes: the target is the same in all \d+ training rows"):
        partition(flat, 0)


def test_quantile_bins_are_equal_and_tied_ones_merge() -> None:
    assert np.bincount(strata_of(np.arange(50.0), PredictionTask.REGRESSION)).tolist() == [10] * 5
    tied = strata_of(np.array([0.0] * 30 + [1.0] * 20 + list(range(2, 12))), PredictionTask.REGRESSION)
    assert np.bincount(tied).min() > 0
    assert tied.max() < BINS - 1


def test_strata_of_classes_are_the_classes() -> None:
    assert strata_of(np.array([2, 0, 1], dtype=np.int32), PredictionTask.CLASSIFICATION).tolist() == [2, 0, 1]
