"""A schema as a table to look at, and the differences of two, in lines."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from agents.learning.data.meaning.forms import PLAIN, NumberForm
from agents.learning.data.schema.document import Schema
from agents.learning.data.schema.kinds import (
    AnyColumn,
    AnyTarget,
    CategoryColumn,
    ClassTarget,
    DateColumn,
    NumberColumn,
)

_HEAD = ("column", "kind", "range", "centre", "scale", "missing", "written")
_NAMED = 6


def shown(schema: Schema) -> Iterator[str]:
    """Lines: a table of the columns, the target, and what else there is."""
    rows = [_HEAD, *(_row(column) for column in schema.columns)]
    widths = [max(len(row[place]) for row in rows) for place in range(len(_HEAD))]
    for row in rows:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
    yield ""
    yield f"target     {_target(schema.target)}"
    yield f"task       {schema.task.value}, of {len(schema.features)} features"
    if schema.group is not None:
        yield f"group      {schema.group}: rows of one stay together"
    if schema.dropped:
        yield f"dropped    {', '.join(schema.dropped)}"
    yield f"ranges     {'public' if schema.public else 'not public'}"
    yield f"hash       {schema.digest().hex()}"


def _row(column: AnyColumn) -> tuple[str, ...]:
    if isinstance(column, CategoryColumn):
        fill = "a departure" if column.fill is None else column.fill
        words = _listed(column.categories)
        other = "" if column.other is None else f"; others are {column.other}"
        return (column.name, column.kind, "", "", "", fill, words + other)
    low_high = "" if column.range is None else f"{column.range[0]:g} to {column.range[1]:g}"
    low_high += ", cut" if column.range is not None and column.outside == "cut" else ""
    centre, scale = column.standard or (float("nan"), float("nan"))
    fill = "a departure" if column.fill is None else f"{column.fill:g}"
    return (column.name, column.kind, low_high, f"{centre:g}", f"{scale:g}", fill, _written(column))


def _written(column: NumberColumn | DateColumn) -> str:
    form = column.written
    words = f"; missing: {_listed(column.missing_words)}" if column.missing_words else ""
    if not isinstance(form, NumberForm):
        return form + words
    if form == PLAIN:
        return "plain" + words
    told = [f"1{form.thousands}000{form.decimal[0]}5" if form.thousands else f"1000{form.decimal[0]}5"]
    return " ".join([*told, *form.units]) + words


def _target(target: AnyTarget) -> str:
    if isinstance(target, ClassTarget):
        return f"{target.name}: {_listed(target.classes)}"
    centre, scale = target.standard or (float("nan"), float("nan"))
    return f"{target.name}: a number, centre {centre:g}, scale {scale:g}"


def _listed(words: tuple[str, ...]) -> str:
    more = f", ... ({len(words)})" if len(words) > _NAMED else ""
    return ", ".join(words[:_NAMED]) + more


def differences(first: Schema, second: Schema) -> list[str]:
    """What differs of two schemas, a line each; salts do not count."""
    one, other = ({column.name: column for column in schema.columns} for schema in (first, second))
    lines = [f"column {name!r} is in the first alone" for name in one if name not in other]
    lines += [f"column {name!r} is in the second alone" for name in other if name not in one]
    for name, column in one.items():
        if name in other:
            lines += _fields(f"column {name!r}", column, other[name])
    common = [name for name in one if name in other]
    if common != [name for name in other if name in one]:
        lines.append("the columns are in another order")
    lines += _fields("target", first.target, second.target)
    for field in ("task", "dropped", "group", "public"):
        lines += _field("", field, getattr(first, field), getattr(second, field))
    return lines


def _fields(what: str, one: AnyColumn | AnyTarget, other: AnyColumn | AnyTarget) -> list[str]:
    if one.kind != other.kind:
        return [f"{what}: kind is {one.kind!r} in the first, {other.kind!r} in the second"]
    lines = []
    for field in type(one).model_fields:
        lines += _field(f"{what}: ", field, getattr(one, field), getattr(other, field))
    return lines


def _field(where: str, field: str, one: Any, other: Any) -> list[str]:
    if one == other:
        return []
    return [f"{where}{field} is {_told(one)} in the first, {_told(other)} in the second"]


def _told(value: Any) -> str:
    if isinstance(value, NumberForm):
        return str(value.model_dump(exclude_defaults=True) or "plain")
    return str(getattr(value, "value", "not said" if value is None else value))
