"""Centre and scale of columns: from training rows, robust against slips of the key, or from a schema."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from agents.learning.data.meaning.numbers import cells
from agents.learning.data.samples import FloatArray, Int32Array
from agents.learning.data.schema.document import Schema
from agents.learning.data.schema.kinds import AnyColumn, CategoryColumn

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

    Of a schema they are what it says: fill, centre, scale and range.

    Cells outside the fences are slips of the key: a single 1303000000 among blood pressures would make all
    others equal. They are left out of mean and deviation, and cut.

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

    @classmethod
    def of(cls, schema: Schema) -> Standardiser:
        """As a schema says, that has centres and scales."""
        rows = [row for column in schema.columns for row in _as_said(column)]
        return cls(*np.array(rows, dtype=np.float64).reshape(-1, 5).T)

    def apply(self, features: FloatArray) -> FloatArray:
        """Standardise (n, d) features."""
        filled = np.where(np.isnan(features), self.median, features)
        standard: FloatArray = (np.clip(filled, self.low, self.high) - self.mean) / self.deviation
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


_Row = tuple[float, float, float, float, float]


def _as_said(column: AnyColumn) -> list[_Row]:
    """Fill, centre, scale and range of each feature of a column."""
    if isinstance(column, CategoryColumn):
        halves = (_HALF,) * len(column.features)
        pairs = zip(column.centre or halves, column.scale or halves, strict=True)
        return [(0.0, centre, scale, -np.inf, np.inf) for centre, scale in pairs]
    assert column.standard is not None, "no schema of a file is without"
    low, high = column.range or (-np.inf, np.inf)
    return [(0.0 if column.fill is None else column.fill, *column.standard, low, high)]


_HALF = 0.5


def whole(schema: Schema, features: FloatArray, scaler: Standardiser) -> Schema:
    """A draft of a schema with what was measured.

    The range of a column is that of all its rows; where some are slips of the key it is what lies inside the
    fences, and other cells are cut.

    Args:
        schema: a draft.
        features: (n, d) of all rows, NaN where missing.
        scaler: fitted on the training rows.
    """
    columns: list[AnyColumn] = []
    place = 0
    for column in schema.columns:
        here = slice(place, place + len(column.features))
        mean, deviation = scaler.mean[here].tolist(), scaler.deviation[here].tolist()
        update: dict[str, object]
        if isinstance(column, CategoryColumn):
            update = {"centre": tuple(mean), "scale": tuple(deviation)}
        else:
            update = {"fill": float(scaler.median[place]), "centre": mean[0], "scale": deviation[0]}
            update |= measured_range(features[:, place], scaler.low[place], scaler.high[place])
        columns.append(column.model_copy(update=update))
        place = here.stop
    return schema.model_copy(update={"columns": tuple(columns)})


def measured_range(values: FloatArray, low: float, high: float) -> dict[str, object]:
    """The range of values for a schema, and what becomes of those outside of the fences."""
    if np.isfinite(low):
        return {"range": (float(low), float(high)), "outside": "cut"}
    least, most = float(np.nanmin(values)), float(np.nanmax(values))
    return {"range": (least, most)} if least < most else {}


def quantised(values: FloatArray, bits: int, limit: int) -> Int32Array:
    """Values in units of 2^-bits, to the nearest, cut at a limit in these units."""
    whole_numbers: Int32Array = np.clip(np.rint(values * 2.0**bits), -limit, limit).astype(np.int32)
    return whole_numbers
