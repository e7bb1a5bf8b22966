"""How a table's cells became features, as a document: what a model needs to be used on other rows.

It holds medians, means and deviations of the training rows, and the categories of words; no rows. The data
owner writes it beside the samples that it exposes, and hands it over with them or not.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import Field, ValidationError

from agents.core.errors import BadData
from agents.learning.data.samples import FloatArray
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
