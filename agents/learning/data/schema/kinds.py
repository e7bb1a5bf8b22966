"""The kinds of columns and targets in a schema, each with what decides how cells become numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from math import isfinite
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from agents.learning.data.meaning.categories import same_word
from agents.learning.data.meaning.forms import PLAIN, DateForm, NumberForm
from agents.learning.plans.document import Document

Name = Annotated[str, Field(min_length=1)]
Finite = Annotated[float, Field(allow_inf_nan=False)]
Positive = Annotated[float, Field(allow_inf_nan=False, gt=0)]
Words = Annotated[tuple[Name, ...], Field(default=())]


class Measured(Document):
    """A column of numbers, features or target alike.

    A cell outside the range is a departure, or is set to its nearest end. Centre and scale are by default the
    middle of the range and a quarter of it.
    """

    name: Name
    range: tuple[Finite, Finite] | None = Field(default=None, description="least and largest value")
    outside: Literal["refuse", "cut"] = Field(default="refuse", description="what to do with other values")
    centre: Finite | None = Field(default=None, description="is subtracted")
    scale: Positive | None = Field(default=None, description="then divides")
    missing_words: Words = Field(default=(), description="say that there is no number, beside the usual ones")

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if self.range is not None and not self.range[0] < self.range[1]:
            raise ValueError(f"a range goes up: {self.range[0]:g} to {self.range[1]:g} does not")
        if self.range is not None and not isfinite(self.range[1] - self.range[0]):
            raise ValueError(f"the range {self.range[0]:g} to {self.range[1]:g} is too wide")
        if (self.centre is None) != (self.scale is None):
            raise ValueError("centre and scale go together")
        return self

    @property
    def standard(self) -> tuple[float, float] | None:
        """Centre and scale; None if neither they nor a range are known yet."""
        if self.centre is not None and self.scale is not None:
            return self.centre, self.scale
        if self.range is None:
            return None
        low, high = self.range
        return low + (high - low) / 2, (high - low) / 4


class NumberColumn(Measured):
    """Numbers."""

    kind: Literal["number"]
    written: NumberForm = PLAIN
    fill: Finite | None = Field(default=None, description="for a missing cell; without it one is a departure")

    @property
    def features(self) -> tuple[str, ...]:
        """What becomes of it."""
        return (self.name,)


class DateColumn(Measured):
    """Dates as days since 1970, or times of day as hours."""

    kind: Literal["date"]
    written: DateForm
    fill: Finite | None = Field(default=None, description="for a missing cell; without it one is a departure")

    @property
    def features(self) -> tuple[str, ...]:
        """What becomes of it."""
        return (self.name,)


class CategoryColumn(Document):
    """Words. Each category becomes a feature of zeros and ones; of two, the second one alone does.

    Words that differ in capitals and blanks alone are one, and so are yes, Y and TRUE.
    """

    kind: Literal["category"]
    name: Name
    categories: tuple[Name, ...] = Field(min_length=2)
    other: str | None = Field(default=None, description="the category of all other words; else a departure")
    fill: str | None = Field(default=None, description="of a missing cell; without it one is a departure")
    centre: tuple[Finite, ...] = Field(default=(), description="of each feature; by default 1/2")
    scale: tuple[Positive, ...] = Field(default=(), description="of each feature; by default 1/2")

    @model_validator(mode="after")
    def _is_sound(self) -> Self:
        _all_different("category", self.categories)
        for what, word in (("other", self.other), ("fill", self.fill)):
            if word is not None and word not in self.categories:
                raise ValueError(f"{what} is {word!r}, which is none of the categories")
        for what, numbers in (("centre", self.centre), ("scale", self.scale)):
            if numbers and len(numbers) != len(self.features):
                raise ValueError(f"{what} has {len(numbers)} numbers for {len(self.features)} features")
        return self

    @property
    def first(self) -> int:
        """Which category is the first to become a feature."""
        return 1 if len(self.categories) == 2 else 0

    @property
    def features(self) -> tuple[str, ...]:
        """What becomes of it."""
        return tuple(f"{self.name}={category}" for category in self.categories[self.first :])


AnyColumn = Annotated[NumberColumn | DateColumn | CategoryColumn, Field(discriminator="kind")]


class ClassTarget(Document):
    """Classes."""

    kind: Literal["classes"]
    name: Name
    classes: tuple[Name, ...] = Field(min_length=2)
    rare: str | None = Field(default=None, description="the class of all other words; else a departure")
    left_out: Words = Field(default=(), description="classes whose rows are left out")
    numbers: NumberForm | DateForm | None = Field(default=None, description="how they are written, if so")
    missing_words: Words = Field(default=(), description="say that there is no class")

    @model_validator(mode="after")
    def _is_sound(self) -> Self:
        _all_different("class", (*self.classes, *self.left_out))
        if self.rare is not None and self.rare not in self.classes:
            raise ValueError(f"rare is {self.rare!r}, which is none of the classes")
        if self.numbers is not None:
            named = [label for label in (*self.classes, *self.left_out) if label != self.rare]
            for label in named:
                if not _is_number(label):
                    raise ValueError(f"class {label!r} is no number, though the classes are numbers")
            if len({float(label) for label in named}) < len(named):
                raise ValueError(f"two of the classes {', '.join(named)} are the same number")
        return self


class NumberTarget(Measured):
    """A number."""

    kind: Literal["number"]
    written: NumberForm | DateForm = PLAIN


AnyTarget = Annotated[ClassTarget | NumberTarget, Field(discriminator="kind")]


def once(what: str, names: Sequence[str]) -> None:
    """Checks that no name is there twice.

    Raises:
        ValueError: one is.
    """
    [(name, times)] = Counter(names).most_common(1) or [("", 1)]
    if times > 1:
        raise ValueError(f"{what} {name!r} is there twice")


def _all_different(what: str, words: Sequence[str]) -> None:
    seen: dict[str, str] = {}
    same = same_word(words)
    for word in words:
        known = seen.setdefault(same(word), word)
        if words.count(word) > 1:
            raise ValueError(f"{what} {word!r} is there twice")
        if known != word:
            raise ValueError(f"{what} {word!r} is {known!r} in another spelling")


def _is_number(text: str) -> bool:
    try:
        return isfinite(float(text))
    except ValueError:
        return False
