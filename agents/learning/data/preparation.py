"""How a table's cells became features, as a document: what a model needs to be used on other rows.

It holds medians, means and deviations of the training rows, and the categories of words; no rows. The data
owner writes it beside the samples that it exposes, and hands it over with them or not.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

import numpy as np
from pydantic import Field, ValidationError

from agents.core.errors import BadData
from agents.learning.data.columns import numbers_of
from agents.learning.data.meaning.categories import OTHER, categories_of
from agents.learning.data.reading.cells import Column
from agents.learning.data.samples import FEATURE_BITS, FEATURE_LIMIT, FloatArray, Int32Array
from agents.learning.plans.document import Document

Finite = Annotated[float, Field(allow_inf_nan=False)]
Positive = Annotated[float, Field(allow_inf_nan=False, gt=0)]


class Feature(Document):
    """One feature: a column of numbers, or one category of a column of words.

    Attributes:
        column: of the table.
        category: of its words; None if the column is numbers.
        fill: for a missing cell, before centre and scale.
    """

    column: str
    category: str | None = None
    fill: Finite
    centre: Finite
    scale: Positive


class Preparation(Document):
    """All features in order, and what is learnt.

    Attributes:
        classes: in the order of their numbers; none of a regression.
        centre, scale: of the target of a regression.
    """

    version: Literal[1] = Field(default=1, alias="holdfast_preparation")
    features: tuple[Feature, ...] = Field(min_length=1)
    classes: tuple[str, ...] = ()
    centre: Finite = 0.0
    scale: Positive = 1.0

    def to_bytes(self) -> bytes:
        """The document."""
        return self.model_dump_json(by_alias=True, indent=1).encode()

    @classmethod
    def from_bytes(cls, data: bytes) -> Preparation:
        """Reads a document.

        Raises:
            BadData: it is none.
        """
        try:
            return cls.model_validate_json(data)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            where = ".".join(map(str, first["loc"]))
            raise BadData(f"the preparation is of no use ({where}: {first['msg']})") from error


def features_named(
    names: Sequence[str], median: FloatArray, centre: FloatArray, scale: FloatArray, words: Sequence[bool]
) -> tuple[Feature, ...]:
    """Features by the names that a table gives them: ``column``, or ``column=category``.

    Args:
        names: of d features.
        median: (d,) float64, as `centre` and `scale`.
        centre: what is subtracted.
        scale: what then divides.
        words: for each, whether it is a category.
    """
    found = []
    for name, *numbers, is_word in zip(names, median, centre, scale, words, strict=True):
        column, category = name.split("=", 1) if is_word else (name, None)
        fill, middle, deviation = map(float, numbers)
        found.append(Feature(column=column, category=category, fill=fill, centre=middle, scale=deviation))
    return tuple(found)


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
