"""What a data owner does with its table: hold samples out, standardise, quantise once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from agents.core.errors import BadData
from agents.learning.data.grouped import TEST_SHARE, VALIDATION_SHARE, rows_of_groups
from agents.learning.data.groups import Groups
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
from agents.learning.data.scaling import Standardiser, measured_range, quantised, whole
from agents.learning.data.schema.document import Schema
from agents.learning.data.schema.kinds import AnyTarget, ClassTarget, NumberTarget
from agents.learning.data.tables import Table

BINS = 5
"""Quantile bins of a continuous target: its "range of values" (II-B)."""


@dataclass(frozen=True)
class Prepared:
    """A table divided for the market.

    Attributes:
        train: the data owner's dataset, in random order; the subsets are made of it.
        validation: the samples that the data owner exposes, for the model owner's stop criterion.
        test: seen by nobody; only for the report.
        notes: one line for each thing done to the data here, for the report.
        schema: through which the rows went, whole.
        groups: whose row each of `train` is, if a column of the table says so.
    """

    train: Samples
    validation: Samples
    test: Samples
    notes: tuple[str, ...] = ()
    schema: Schema | None = None
    groups: Groups | None = None


def partition(table: Table, seed: int) -> Prepared:
    """Divide a table at random, stratified, into train, validation and test; standardise, quantise.

    Every class (or quantile bin) has an even number of training rows, so that it can be halved exactly
    (`split`).

    Raises:
        BadData: the target of the training rows does not vary.
    """
    strata = strata_of(table.target, table.task)
    if table.groups is None:
        usual = np.array_equal(strata, _about_the_usual(table.target.astype(np.float64)))
        parts = _rows(strata, table.task, np.random.default_rng(seed), usual=usual)
    else:
        parts = rows_of_groups(table.name, strata, table.groups, np.random.default_rng(seed))
    train, validation, test = parts
    schema, notes = _whole(table, train)
    features = quantised(Standardiser.of(schema).apply(table.features), FEATURE_BITS, FEATURE_LIMIT)
    everything = Samples(features, _target(table, schema.target), len(table.class_names))
    return Prepared(
        everything.take(train),
        everything.take(validation),
        everything.take(test),
        tuple(notes),
        schema,
        None if table.groups is None else table.groups.take(train),
    )


def _whole(table: Table, train: Int64Array) -> tuple[Schema, list[str]]:
    """The table's schema with what its training rows tell, unless it says all by itself; and notes."""
    schema = table.schema
    if table.given:
        return schema, []
    scaler = Standardiser.fit(table.features[train])
    notes = scaler.notes(table.features, [f"column {name!r}" for name in table.feature_names])
    schema = whole(schema, table.features, scaler)
    if isinstance(schema.target, ClassTarget):
        return schema, notes
    target, more = _whole_target(table, schema.target, train)
    return schema.model_copy(update={"target": target}), [*notes, *more]


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


def _whole_target(table: Table, target: NumberTarget, train: Int64Array) -> tuple[NumberTarget, list[str]]:
    values = table.target.astype(np.float64)
    known = values[train]
    scaler = Standardiser.fit(known[:, None])
    notes = scaler.notes(values[:, None], ["target"])
    known = known[(known >= scaler.low) & (known <= scaler.high)]
    if known.std() == 0:
        raise BadData(
            f"{table.name}: the target is the same in all {known.size} training rows: choose another column"
        )
    update: dict[str, object] = {"centre": float(known.mean()), "scale": float(known.std())}
    update |= measured_range(values, scaler.low[0], scaler.high[0])
    return target.model_copy(update=update), notes


def _target(table: Table, target: AnyTarget) -> npt.NDArray[np.int32]:
    """(n,) class numbers, or standardised values."""
    if isinstance(target, ClassTarget):
        return table.target.astype(np.int32)
    assert target.standard is not None, "no schema of a file is without"
    centre, scale = target.standard
    low, high = target.range or (-np.inf, np.inf)
    values = np.clip(table.target.astype(np.float64), low, high)
    return quantised((values - centre) / scale, TARGET_BITS, TARGET_LIMIT)
