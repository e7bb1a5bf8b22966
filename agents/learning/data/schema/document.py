"""A schema: the columns of a table in order, and all that is decided of how they become numbers.

It is a JSON document with one canonical form, whose SHA-256 stands in the dataset's description. Two datasets
with one schema have features that mean the same.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, ValidationError, model_validator

from agents.core.errors import BadData
from agents.learning.data.samples import PredictionTask
from agents.learning.data.schema.kinds import AnyColumn, AnyTarget, ClassTarget, Measured, Words, once
from agents.learning.plans.document import Document

MAX_BYTES = 16 * 2**20
"""A schema is at most so large."""

VERSION: Literal[1] = 1

_FIRST = ("name", "kind")


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
        once("column", names)
        return self

    @property
    def features(self) -> tuple[str, ...]:
        """All features, in order."""
        return tuple(name for column in self.columns for name in column.features)

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes in order; none of a regression."""
        return self.target.classes if isinstance(self.target, ClassTarget) else ()

    @property
    def unit(self) -> tuple[float, float]:
        """Centre and scale of the target of a regression, which has them; 0 and 1 of classes."""
        standard = None if isinstance(self.target, ClassTarget) else self.target.standard
        return standard or (0.0, 1.0)

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
        if isinstance(column, Measured) and column.standard is None:
            raise BadData(f"{name}: column {column.name!r} has neither a range nor centre and scale")
    return schema


def read_schema(file: Path) -> Schema:
    """The schema in a file.

    Raises:
        BadData: one line: it cannot be read, or what is wrong with it.
    """
    try:
        return parse_schema(file.read_bytes(), f"schema {file}")
    except OSError as problem:
        raise BadData(f"schema {file}: {problem.strerror}: name a JSON file of a schema") from None


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
    once("key", [key for key, _ in pairs])
    return dict(pairs)


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
