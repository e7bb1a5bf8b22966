"""What a data owner does with its table: hold samples out, standardise, quantise once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from agents.core.errors import BadData
from agents.learning.data.meaning.numbers import cells
from agents.learning.data.preparation import Preparation, features_named
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


_FAR = 3
"""A slip of the key is so many times farther from all other cells than they are from one another ..."""

_FLATTENS = 2
"""... and makes the column's deviation so many times as large."""

_FAR_FROM_ONE = 30
"""As `_FAR`, where half of the cells are one value (0, mostly): the range of the others tells less."""

_MOST_SLIPS = 200
"""At each end of a column, one cell of so many may be a slip, and one in any case."""

_ENOUGH = 20
"""With fewer cells nothing is taken for a slip."""


@dataclass(frozen=True)
class Standardiser:
    """Fills gaps with the median, subtracts the mean and divides by the deviation, all of the training rows.

    Cells outside the fences are slips of the key: a single 1303000000 among blood pressures would make all
    others equal. They are left out of mean and deviation.

    Attributes:
        median, mean, deviation: (d,) float64; a deviation of 0 is stored as 1.
        low, high: (d,) float64: the fences.
    """

    median: FloatArray
    mean: FloatArray
    deviation: FloatArray
    low: FloatArray
    high: FloatArray

    @classmethod
    def fit(cls, features: FloatArray) -> Standardiser:
        """Fit on (n, d) training features, NaN where missing."""
        known = np.where(np.isnan(features).all(axis=0), 0.0, features)
        median = np.nanmedian(known, axis=0)
        filled = np.where(np.isnan(known), median, known)
        mean, deviation = filled.mean(axis=0), filled.std(axis=0)
        fences = np.array([_fences(column) for column in filled.T]).reshape(-1, 2)
        slips = (filled < fences[:, 0]) | (filled > fences[:, 1])
        for column in np.flatnonzero(slips.any(axis=0)):
            sound = filled[~slips[:, column], column]
            mean[column], deviation[column] = sound.mean(), sound.std()
        return cls(median, mean, np.where(deviation > 0, deviation, 1.0), fences[:, 0], fences[:, 1])

    def apply(self, features: FloatArray) -> FloatArray:
        """Standardise (n, d) features."""
        standard: FloatArray = (
            np.where(np.isnan(features), self.median, features) - self.mean
        ) / self.deviation
        return standard

    def notes(self, features: FloatArray, names: Sequence[str]) -> list[str]:
        """A line for each of the d columns that has slips of the key."""
        slips = (features < self.low) | (features > self.high)
        return [
            f"{names[place]}: {cells(int(slips[:, place].sum()))} far from all others (as "
            f"{features[slips[:, place], place][0]:.15g}) cut, and left out of mean and deviation"
            for place in np.flatnonzero(slips.any(axis=0)).tolist()
        ]


def _fences(values: FloatArray) -> tuple[float, float]:
    """What lies outside is far from all other values, little, and flattens them; infinite if nothing does."""
    if values.size < _ENOUGH:
        return -np.inf, np.inf
    few = max(1, values.size // _MOST_SLIPS)
    sorted_ = np.partition(values, (few, values.size - 1 - few))
    least, most = float(sorted_[few]), float(sorted_[-1 - few])
    quarter, three_quarters = np.quantile(sorted_, (0.25, 0.75))
    far = (_FAR if quarter < three_quarters else _FAR_FROM_ONE) * (most - least)
    low, high = least - far, most + far
    sound = values[(values >= low) & (values <= high)]
    flat = least < most and values.std() >= _FLATTENS * sound.std()
    return (low, high) if flat else (-np.inf, np.inf)


@dataclass(frozen=True)
class Prepared:
    """A table divided for the market.

    Attributes:
        train: the data owner's dataset, in random order; the subsets are made of it.
        validation: the samples that the data owner exposes, for the model owner's stop criterion.
        test: seen by nobody; only for the report.
        notes: one line for each thing done to the data here, for the report.
        preparation: how cells became features, where rows were standardised by their own figures.
    """

    train: Samples
    validation: Samples
    test: Samples
    notes: tuple[str, ...] = ()
    preparation: Preparation | None = None


def partition(table: Table, seed: int) -> Prepared:
    """Divide a table at random, stratified, into train, validation and test; standardise, quantise.

    Every class (or quantile bin) has an even number of training rows, so that it can be halved exactly
    (`split`).

    Raises:
        BadData: the target of the training rows does not vary.
    """
    strata = strata_of(table.target, table.task)
    usual = np.array_equal(strata, _about_the_usual(table.target.astype(np.float64)))
    train, validation, test = _rows(strata, table.task, np.random.default_rng(seed), usual=usual)
    scaler = Standardiser.fit(table.features[train])
    notes = scaler.notes(table.features, [f"column {name!r}" for name in table.feature_names])
    target, more, centre, scale = _target(table, train)
    classes = len(table.class_names)
    features = _quantise(scaler.apply(table.features), FEATURE_BITS, FEATURE_LIMIT)
    everything = Samples(features, target, classes)
    words = ["=" in name and set(np.unique(values)) <= {0.0, 1.0} for name, values in _named(table)]
    preparation = Preparation(
        features=features_named(table.feature_names, scaler.median, scaler.mean, scaler.deviation, words),
        classes=table.class_names,
        centre=centre,
        scale=scale,
    )
    return Prepared(
        everything.take(train),
        everything.take(validation),
        everything.take(test),
        (*notes, *more),
        preparation,
    )


def _named(table: Table) -> Iterator[tuple[str, FloatArray]]:
    return zip(table.feature_names, table.features.T, strict=True)


def strata_of(target: npt.NDArray[np.generic], task: PredictionTask, bins: int = BINS) -> Int64Array:
    """(n,) int64 labels that a split is skewed by: the classes, or the quantile bins of a continuous target.

    Bins that ties leave empty are left out, so the labels run from 0 without a gap. If all but one are (most
    costs are 0), the most frequent value and all others are the labels.
    """
    if task is PredictionTask.CLASSIFICATION:
        return target.astype(np.int64)
    values = target.astype(np.float64)
    edges = np.unique(np.quantile(values, np.linspace(0, 1, bins + 1)[1:-1]))
    found, labels = np.unique(np.searchsorted(edges, values, side="right"), return_inverse=True)
    if found.size == 1:
        labels = _about_the_usual(values)
    return labels.astype(np.int64)


def _about_the_usual(values: FloatArray) -> Int64Array:
    """0 for the most frequent value, 1 for all others."""
    several, counts = np.unique(values, return_counts=True)
    others: Int64Array = (values != several[counts.argmax()]).astype(np.int64)
    return others


def _rows(
    strata: Int64Array, task: PredictionTask, rng: np.random.Generator, *, usual: bool
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
    spare = mixed.size % (2 * BINS) if task is PredictionTask.REGRESSION and not usual else 0
    validation.append(mixed[:spare])
    return mixed[spare:], rng.permutation(np.concatenate(validation)), rng.permutation(np.concatenate(test))


def _target(table: Table, train: Int64Array) -> tuple[npt.NDArray[np.int32], list[str], float, float]:
    """The target, notes, and of a regression centre and scale."""
    if table.task is PredictionTask.CLASSIFICATION:
        return table.target.astype(np.int32), [], 0.0, 1.0
    known = table.target[train].astype(np.float64)
    scaler = Standardiser.fit(known[:, None])
    notes = scaler.notes(table.target[:, None].astype(np.float64), ["target"])
    known = known[(known >= scaler.low) & (known <= scaler.high)]
    if known.std() == 0:
        raise BadData(
            f"{table.name}: the target is the same in all {known.size} training rows: choose another column"
        )
    centre, scale = float(known.mean()), float(known.std())
    values = (table.target.astype(np.float64) - centre) / scale
    return _quantise(values, TARGET_BITS, TARGET_LIMIT), notes, centre, scale


def _quantise(values: FloatArray, bits: int, limit: int) -> npt.NDArray[np.int32]:
    return np.clip(np.rint(values * 2.0**bits), -limit, limit).astype(np.int32)
