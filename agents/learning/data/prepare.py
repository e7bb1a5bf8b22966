"""What a data owner does with its table: hold samples out, standardise, quantise once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from agents.core.errors import BadData
from agents.learning.data.samples import (
    FEATURE_BITS,
    FEATURE_LIMIT,
    TARGET_BITS,
    TARGET_LIMIT,
    FloatArray,
    Int64Array,
    PredictionTask,
    Samples,
)
from agents.learning.data.tables import Table

BINS = 5
"""Quantile bins of a continuous target: its "range of values" (II-B)."""

VALIDATION_SHARE = 0.15
TEST_SHARE = 0.20


@dataclass(frozen=True)
class Standardiser:
    """Fills gaps with the median, subtracts the mean and divides by the deviation, all of the training rows.

    Attributes:
        median, mean, deviation: (d,) float64; a deviation of 0 is stored as 1.
    """

    median: FloatArray
    mean: FloatArray
    deviation: FloatArray

    @classmethod
    def fit(cls, features: FloatArray) -> Standardiser:
        """Fit on (n, d) training features, NaN where missing."""
        known = np.where(np.isnan(features).all(axis=0), 0.0, features)
        median = np.nanmedian(known, axis=0)
        filled = np.where(np.isnan(known), median, known)
        deviation = filled.std(axis=0)
        return cls(median, filled.mean(axis=0), np.where(deviation > 0, deviation, 1.0))

    def apply(self, features: FloatArray) -> FloatArray:
        """Standardise (n, d) features."""
        standard: FloatArray = (
            np.where(np.isnan(features), self.median, features) - self.mean
        ) / self.deviation
        return standard


@dataclass(frozen=True)
class Prepared:
    """A table divided for the market.

    Attributes:
        train: the data owner's dataset, in random order; the subsets are made of it.
        validation: the samples that the data owner exposes, for the model owner's stop criterion.
        test: seen by nobody; only for the report.
    """

    train: Samples
    validation: Samples
    test: Samples


def partition(table: Table, seed: int) -> Prepared:
    """Divide a table at random, stratified, into train, validation and test; standardise, quantise.

    Every class (or quantile bin) has an even number of training rows, so that it can be halved exactly
    (`split`).

    Raises:
        BadData: the target of the training rows does not vary.
    """
    train, validation, test = _rows(
        strata_of(table.target, table.task), table.task, np.random.default_rng(seed)
    )
    scaler = Standardiser.fit(table.features[train])
    target = _target(table, train)
    classes = len(table.class_names)
    features = _quantise(scaler.apply(table.features), FEATURE_BITS, FEATURE_LIMIT)
    everything = Samples(features, target, classes)
    return Prepared(everything.take(train), everything.take(validation), everything.take(test))


def strata_of(target: npt.NDArray[np.generic], task: PredictionTask, bins: int = BINS) -> Int64Array:
    """(n,) int64 labels that a split is skewed by: the classes, or the quantile bins of a continuous target.

    Bins that ties leave empty are left out, so the labels run from 0 without a gap.
    """
    if task is PredictionTask.CLASSIFICATION:
        return target.astype(np.int64)
    values = target.astype(np.float64)
    edges = np.unique(np.quantile(values, np.linspace(0, 1, bins + 1)[1:-1]))
    _, labels = np.unique(np.searchsorted(edges, values, side="right"), return_inverse=True)
    return labels.astype(np.int64)


def _rows(
    strata: Int64Array, task: PredictionTask, rng: np.random.Generator
) -> tuple[Int64Array, Int64Array, Int64Array]:
    train, validation, test = [], [], []
    for label in np.unique(strata):
        rows = rng.permutation(np.flatnonzero(strata == label))
        tested, validated = max(1, round(TEST_SHARE * rows.size)), max(1, round(VALIDATION_SHARE * rows.size))
        validated += (rows.size - tested - validated) % 2
        test.append(rows[:tested])
        validation.append(rows[tested : tested + validated])
        train.append(rows[tested + validated :])
    mixed = rng.permutation(np.concatenate(train))
    spare = mixed.size % (2 * BINS) if task is PredictionTask.REGRESSION else 0
    validation.append(mixed[:spare])
    return mixed[spare:], rng.permutation(np.concatenate(validation)), rng.permutation(np.concatenate(test))


def _target(table: Table, train: Int64Array) -> npt.NDArray[np.int32]:
    if table.task is PredictionTask.CLASSIFICATION:
        return table.target.astype(np.int32)
    known = table.target[train].astype(np.float64)
    if known.std() == 0:
        raise BadData(
            f"{table.name}: the target is the same in all {known.size} training rows: choose another column"
        )
    return _quantise((table.target - known.mean()) / known.std(), TARGET_BITS, TARGET_LIMIT)


def _quantise(values: FloatArray, bits: int, limit: int) -> npt.NDArray[np.int32]:
    return np.clip(np.rint(values * 2.0**bits), -limit, limit).astype(np.int32)
