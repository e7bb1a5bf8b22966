"""Rows of other tables for a model: what a preparation says of their cells, and what it cannot read."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from agents.core.errors import BadData
from agents.learning.data.columns import numbers_of
from agents.learning.data.meaning.categories import OTHER, categories_of
from agents.learning.data.preparation import Feature, Preparation
from agents.learning.data.reading.cells import Column
from agents.learning.data.samples import FEATURE_BITS, FEATURE_LIMIT, FloatArray, Int32Array


def rows_of(columns: Sequence[Column], preparation: Preparation) -> Int32Array:
    """(n, d) int32 features of a table's rows, as the data owner's became: what models are trained on.

    Raises:
        BadData: a column is missing, or is not of the kind that it was.
    """
    there = {column.name: column for column in columns}
    missing = dict.fromkeys(one.column for one in preparation.features if one.column not in there)
    if missing:
        raise BadData(f"the table has no column {', '.join(map(repr, missing))}: the model needs it")
    found = np.stack([_values(there[one.column], one, preparation) for one in preparation.features], axis=1)
    centre = np.array([one.centre for one in preparation.features])
    scale = np.array([one.scale for one in preparation.features])
    grid = np.rint((found - centre) / scale * 2.0**FEATURE_BITS)
    features: Int32Array = np.clip(grid, -FEATURE_LIMIT, FEATURE_LIMIT).astype(np.int32)
    return features


def departures(columns: Sequence[Column], preparation: Preparation) -> list[str]:
    """A line for each column with cells that the model cannot read: they are filled, or of no category.

    Args:
        columns: that `rows_of` takes.
        preparation: of the model.
    """
    there, told = {column.name: column for column in columns}, []
    categories: dict[str, set[str]] = {}
    for feature in preparation.features:
        known = categories.setdefault(feature.column, set())
        known |= set() if feature.category is None else {_plain(feature.category)}
    for name, known in categories.items():
        cells, filled = there[name].cells, there[name].cells.absent
        if not known and filled < len(cells):
            numbers = numbers_of(there[name])
            filled = 0 if numbers is None else int((~np.isfinite(numbers.values)).sum())
        if filled:
            told.append(f"column {name!r}: {filled} of {len(cells)} cells are missing, and were filled")
        strange = [] if len(known) < _MANY or OTHER in known else _strange(there[name], known)
        if strange:
            told.append(f"column {name!r}: {len(strange)} words are none of the model's (as {strange[0]!r})")
    return told


_MANY = 2
"""So many features of a column are all its categories; of two categories one alone is a feature."""


def _strange(column: Column, known: set[str]) -> list[str]:
    if column.cells.absent == len(column.cells):
        return []
    return [word for word in column.cells.distinct()[0] if _plain(word) not in known]


def _values(column: Column, feature: Feature, preparation: Preparation) -> FloatArray:
    if column.cells.absent == len(column.cells):
        return np.full(len(column.cells), feature.fill)
    if feature.category is None:
        numbers = numbers_of(column)
        if numbers is None:
            raise BadData(f"column {column.name!r} is words, and the model was trained on numbers")
        return np.where(np.isfinite(numbers.values), numbers.values, feature.fill)
    words, codes = column.cells.distinct()
    told = categories_of(words, codes)
    labels = [_plain(label) for label in told.labels]
    own = [place for place, label in enumerate(labels) if label == _plain(feature.category)]
    if feature.category == OTHER:
        known = {_plain(one.category or "") for one in preparation.features if one.column == feature.column}
        own = [place for place, label in enumerate(labels) if label not in known - {OTHER}]
    return np.where(told.codes < 0, feature.fill, np.isin(told.codes, own).astype(np.float64))


def _plain(label: str) -> str:
    return " ".join(label.casefold().split())
