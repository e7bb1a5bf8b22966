"""A schema: the columns of a table in order, and all that is decided of how they become numbers.

It is a JSON document with one canonical form, whose SHA-256 stands in the dataset's description. Two datasets
with one schema have features that mean the same.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from math import isfinite
from typing import Annotated, Any, Literal, Self

from pydantic import Field, ValidationError, model_validator

from agents.core.errors import BadData
from agents.learning.data.meaning.categories import same_word
from agents.learning.data.meaning.forms import PLAIN, DateForm, NumberForm
from agents.learning.data.samples import PredictionTask
from agents.learning.plans.document import Document

MAX_BYTES = 16 * 2**20
"""A schema is at most so large."""

VERSION: Literal[1] = 1

_FIRST = ("name", "kind")

Name = Annotated[str, Field(min_length=1)]
Finite = Annotated[float, Field(allow_inf_nan=False)]
Positive = Annotated[float, Field(allow_inf_nan=False, gt=0)]
Words = Annotated[tuple[Name, ...], Field(default=())]


class _Measured(Document):
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


class NumberColumn(_Measured):
    """Numbers."""

    kind: Literal["number"]
    written: NumberForm = PLAIN
    fill: Finite | None = Field(default=None, description="for a missing cell; without it one is a departure")

    @property
    def features(self) -> tuple[str, ...]:
        """What becomes of it."""
        return (self.name,)


class DateColumn(_Measured):
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


class NumberTarget(_Measured):
    """A number."""

    kind: Literal["number"]
    written: NumberForm | DateForm = PLAIN


AnyTarget = Annotated[ClassTarget | NumberTarget, Field(discriminator="kind")]


class Schema(Document):
    """What a table's columns are.

    Attributes:
        dropped: columns of the table that are not used.
        group: the column that says whose row it is; not a feature.
        public: whether the ranges are public: no number in the schema was read off people's rows.
        salt: of a schema that is not public, so that its hash does not give its numbers away.
    """

    version: Literal[1] = Field(alias="holdfast_schema")
    task: PredictionTask
    target: AnyTarget
    columns: tuple[AnyColumn, ...] = Field(min_length=1)
    dropped: Words = Field(default=())
    group: str | None = None
    public: bool = False
    salt: str = Field(default="", pattern=r"^([0-9a-f]{64})?$")

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if (self.task is PredictionTask.CLASSIFICATION) != isinstance(self.target, ClassTarget):
            raise ValueError(f"a {self.task.value} does not learn a target of kind {self.target.kind!r}")
        group = () if self.group is None else (self.group,)
        names = [self.target.name, *(column.name for column in self.columns), *self.dropped, *group]
        _once("column", names)
        return self

    @property
    def features(self) -> tuple[str, ...]:
        """All features, in order."""
        return tuple(name for column in self.columns for name in column.features)

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes in order; none of a regression."""
        return self.target.classes if isinstance(self.target, ClassTarget) else ()

    def canonical_bytes(self) -> bytes:
        """The one form that is hashed: keys sorted, no spaces, ASCII, defaults left out."""
        return json.dumps(_plain(self), sort_keys=True, separators=(",", ":")).encode()

    def digest(self) -> bytes:
        """SHA-256 of the canonical bytes."""
        return hashlib.sha256(self.canonical_bytes()).digest()

    def text(self) -> str:
        """The same for people: a column a line."""
        fields = _plain(self)
        columns = ",\n".join("  " + _line(column) for column in fields.pop("columns"))
        lines = [f' "{name}": {_line(value)}' for name, value in fields.items()]
        return "{\n" + ",\n".join([*lines, f' "columns": [\n{columns}\n ]']) + "\n}\n"


def parse_schema(data: bytes, name: str = "the schema") -> Schema:
    """Reads a schema.

    Args:
        data: a JSON document.
        name: of its file, for messages.

    Raises:
        BadData: one line: what is wrong with it, and where.
    """
    if len(data) > MAX_BYTES:
        raise BadData(f"{name}: larger than {MAX_BYTES >> 20} MiB")
    try:
        given = json.loads(data, object_pairs_hook=_no_key_twice)
        schema = Schema.model_validate_json(data)
    except ValidationError as error:
        raise BadData(f"{name}: {_one_line(error, given)}") from error
    except (ValueError, RecursionError) as error:
        raise BadData(f"{name}: no JSON document of a schema ({error})") from error
    for column in (*schema.columns, schema.target):
        if isinstance(column, _Measured) and column.standard is None:
            raise BadData(f"{name}: column {column.name!r} has neither a range nor centre and scale")
    return schema


def _plain(schema: Schema) -> dict[str, Any]:
    fields: dict[str, Any] = schema.model_dump(mode="json", exclude_defaults=True, by_alias=True)
    return fields


def _line(value: object) -> str:
    """A value on one line; of a column name and kind come first."""
    if isinstance(value, dict):
        value = {key: value[key] for key in sorted(value, key=lambda key: key not in _FIRST)}
    text = json.dumps(value, ensure_ascii=False)
    return "".join(letter if letter.isprintable() else json.dumps(letter)[1:-1] for letter in text)


def _no_key_twice(pairs: list[tuple[str, object]]) -> dict[str, object]:
    _once("key", [key for key, _ in pairs])
    return dict(pairs)


def _once(what: str, names: Sequence[str]) -> None:
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


def _one_line(error: ValidationError, given: object) -> str:
    """The first fault, with the column's name rather than its place."""
    first = error.errors(include_url=False)[0]
    where: list[str] = []
    place: Any = given
    entered = False
    for step in first["loc"]:
        if entered and isinstance(place, dict) and step == place.get("kind"):
            entered = False
            continue  # which of several kinds of column it is
        entered = step == "target" or isinstance(step, int)
        try:
            place = place[step]
        except (LookupError, TypeError):
            place = None
        name = place.get("name") if isinstance(place, dict) else None
        where.append(f"column {name!r}" if isinstance(name, str) and isinstance(step, int) else str(step))
    if len(where) > 1 and where[0] == "columns":
        where.pop(0)
    more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
    message = first["msg"].removeprefix("Value error, ").splitlines()[0]
    return f"{': '.join(where)}{': ' if where else ''}{message}{more}"
