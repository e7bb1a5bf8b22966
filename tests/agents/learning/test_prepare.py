"""Holding out, standardising and quantising.

Rules: P11, P15, P19.
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
    numbers = np.arange(table.target.size, dtype=np.float64)[:, None]
    numbered = replace(table, features=numbers, feature_names=("number",))
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


@pytest.mark.parametrize(
    ("target", "labels"),
    [
        ([0.0] * 9 + [5.0], [0] * 9 + [1]),
        ([-1.0] + [0.0] * 9, [0] + [1] * 9),
        ([-1.0] + [0.0] * 18 + [2.0], [0] + [1] * 19),
    ],
)
def test_a_number_that_is_mostly_one_value_has_strata_about_it(
    target: list[float], labels: list[int]
) -> None:
    assert strata_of(np.array(target), PredictionTask.REGRESSION).tolist() == labels


@pytest.mark.parametrize("seed", range(5))
def test_strata_about_the_usual_value_are_even(seed: int) -> None:
    table = replace(load_table("diabetes"), target=np.where(np.arange(442) % 13, 0.0, np.arange(442.0)))
    train = partition(table, seed).train
    assert (np.bincount(strata_of(train.target, PredictionTask.REGRESSION)) % 2 == 0).all()


def scaler_of(*slips: float, rows: int = 400) -> Standardiser:
    return Standardiser.fit(
        np.array([*(i * 7 % 101 for i in range(rows)), *slips], dtype=np.float64)[:, None]
    )


SOUND = scaler_of()


@pytest.mark.parametrize("slips", [[1e9], [-1e9, 2e9], [1e9, 1e9], [1e4]])
def test_slips_of_the_key_leave_scale_and_centre_alone(slips: list[float]) -> None:
    scaler = scaler_of(*slips)
    assert scaler.mean.tolist() == pytest.approx(SOUND.mean.tolist())
    assert scaler.deviation.tolist() == pytest.approx(SOUND.deviation.tolist())
    column = np.array([[1.0], *([slip] for slip in slips)])
    told = f"{len(slips)} cell{'s' * (len(slips) > 1)} far from all others (as {slips[0]:.15g}) cut"
    assert scaler.notes(column, ["u"]) == [f"u: {told}, and left out of mean and deviation"]


@pytest.mark.parametrize("values", [[300.0], [1e9] * 4, [np.nan], []])
def test_what_is_not_far_or_not_rare_is_no_slip(values: list[float]) -> None:
    scaler = scaler_of(*values)
    filled = np.nan_to_num(np.array([*(i * 7 % 101 for i in range(400)), *values]), nan=scaler.median[0])
    assert scaler.mean.tolist() == pytest.approx([filled.mean()])
    assert scaler.notes(np.array([[1e12]]), ["u"]) == []


def test_few_rows_have_no_slips() -> None:
    assert scaler_of(1e9, rows=12).low.tolist() == [-np.inf]


def test_a_column_of_almost_nothing_but_zeros_has_no_slips() -> None:
    scaler = Standardiser.fit(np.array([0.0] * 400 + [1.0])[:, None])
    assert scaler.high.tolist() == [np.inf]
    assert scaler.mean.tolist() == pytest.approx([1 / 401])


@pytest.mark.parametrize(("most", "is_slip"), [(6.0, False), (60.0, True)])
def test_where_half_is_zero_a_slip_is_farther(most: float, is_slip: bool) -> None:
    scaler = Standardiser.fit(np.array([0.0] * 380 + [1.0] * 20 + [most] * 2)[:, None])
    assert bool(np.isfinite(scaler.high[0])) == is_slip


def test_a_slip_in_the_target_leaves_its_scale_alone() -> None:
    table = load_table("diabetes")
    target = table.target.astype(np.float64)
    target[:3] = 1e9
    prepared = partition(replace(table, target=target), 0)
    assert np.median(np.abs(prepared.train.target)) > 0.4 * 2**TARGET_BITS
    assert prepared.notes == (
        "target: 3 cells far from all others (as 1000000000) cut, and left out of mean and deviation",
    )


@pytest.mark.parametrize("name", BUILT_IN)
def test_built_in_data_have_no_slips(name: str) -> None:
    for seed in range(3):
        assert partition(load_table(name), seed).notes == ()


def test_strata_of_classes_are_the_classes() -> None:
    assert strata_of(np.array([2, 0, 1], dtype=np.int32), PredictionTask.CLASSIFICATION).tolist() == [2, 0, 1]
