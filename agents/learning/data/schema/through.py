"""A table through a schema: nothing is guessed, and whatever is not as the schema says is a departure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches

import numpy as np
import numpy.typing as npt

from agents.core.errors import BadData
from agents.learning.data.columns import MISSING, WRONG, categories_as, numbers_as, one_hot
from agents.learning.data.meaning.forms import PLAIN, DateForm, NumberForm
from agents.learning.data.meaning.numbers import cells
from agents.learning.data.reading.cells import Column
from agents.learning.data.samples import FloatArray, Int64Array
from agents.learning.data.schema.departures import Departures
from agents.learning.data.schema.document import Schema
from agents.learning.data.schema.kinds import (
    AnyColumn,
    CategoryColumn,
    ClassTarget,
    DateColumn,
    NumberColumn,
    NumberTarget,
)
from agents.learning.data.targets import MIN_CLASS_ROWS, Target, enough, rows_without

_NAMED = 10


def check_names(schema: Schema, names: list[str], departures: Departures) -> None:
    """Whether a table has the columns of a schema, and no others."""
    wanted = [column.name for column in schema.columns] + [schema.target.name]
    wanted += [] if schema.group is None else [schema.group]
    absent_names(wanted, names, departures)
    for name in names:
        if name not in wanted and name not in schema.dropped:
            departures.add(f"column {name!r} is not in the schema: add it, or name it as dropped")


def absent_names(wanted: list[str], names: list[str], departures: Departures) -> None:
    """Tells the columns that a table should have and has not."""
    for name in wanted:
        if name not in names:
            near = get_close_matches(name.casefold(), [one.casefold() for one in names], n=1, cutoff=0.8)
            alike = next((one for one in names if near and one.casefold() == near[0]), None)
            departures.add(
                f"column {name!r} is not in the table" + (f": is it {alike!r}?" if alike is not None else "")
            )


def target_through(file: str, column: Column, schema: Schema, departures: Departures) -> Target:
    """The target's values as a schema says.

    Raises:
        BadData: too few rows, or too few of a class.
    """
    rows = np.flatnonzero(column.cells.present)
    enough(file, rows.size)
    part = _Part(column.take(rows), rows, departures)
    known = schema.target
    if isinstance(known, ClassTarget):
        codes = part.classes(known)
        left = codes[codes >= len(known.classes)]
        kept = (codes >= 0) & (codes < len(known.classes))
        values: Int64Array | FloatArray = codes
    else:
        values, left = part.numbers(known), np.array([], dtype=np.int64)
        kept = ~np.isnan(values)
    notes = rows_without(len(column.cells), int(kept.sum()) + left.size)
    if isinstance(known, ClassTarget) and left.size:
        first = known.left_out[int(left[0]) - len(known.classes)]
        notes.append(f"target {column.name!r}: {left.size} rows left out (as {first!r})")
    found = Target(rows[kept], values[kept], schema.classes, (*notes, *part.notes), known)
    if not departures:
        enough(file, found.rows.size)
        _enough_of_each(file, found, column.name)
    return found


def _enough_of_each(file: str, found: Target, name: str) -> None:
    counts = np.bincount(found.values.astype(np.int64)) if found.classes else np.array([])
    for label, count in zip(found.classes, counts, strict=False):
        if 0 < count < MIN_CLASS_ROWS:
            raise BadData(
                f"{file}: class {label!r} of target {name!r} has {count} rows, at least {MIN_CLASS_ROWS} are "
                "needed: leave it out in the schema, or make it one with another"
            )


@dataclass(frozen=True)
class Through:
    """A column's features.

    Attributes:
        arrays: (n,) float64 each, NaN where missing.
        notes: on what was filled or cut.
    """

    arrays: tuple[FloatArray, ...]
    notes: tuple[str, ...]


def column_through(column: Column, known: AnyColumn, rows: Int64Array, departures: Departures) -> Through:
    """A column's features as a schema says.

    Args:
        column: of n cells.
        known: the schema's.
        rows: (n,) their numbers in the table.
        departures: of the table.
    """
    part = _Part(column, rows, departures)
    if isinstance(known, CategoryColumn):
        return Through(one_hot(part.categories(known), known), tuple(part.notes))
    values = part.numbers(known)
    absent = np.flatnonzero(np.isnan(values))
    if known.fill is None:
        part.depart(absent, "where the schema has nothing to fill it with")
    elif absent.size:
        part.notes.append(f"column {known.name!r}: {absent.size} missing values set to {known.fill:g}")
    return Through((values,), tuple(part.notes))


class _Part:
    """The cells of a column that are looked at."""

    def __init__(self, column: Column, rows: Int64Array, departures: Departures) -> None:
        self._column, self._rows, self._departures = column, rows, departures
        self.notes: list[str] = []

    def depart(self, places: npt.NDArray[np.integer], why: str) -> None:
        """These cells are not as the schema says."""
        column = self._column
        self._departures.at_rows(
            column.name, self._rows[places], lambda place: column.cells.text(int(places[place])), why
        )

    def numbers(self, known: NumberColumn | DateColumn | NumberTarget) -> FloatArray:
        """(n,) values, NaN where missing."""
        values, wrong = numbers_as(self._column, known.written, known.missing_words)
        self.depart(wrong, f"is {_described(known.written)}")
        values = np.where(np.isinf(values), np.nan, values)
        if known.range is not None:
            low, high = known.range
            outside = np.flatnonzero((values < low) | (values > high))
            if known.outside == "refuse":
                self.depart(outside, f"is outside {low:g} to {high:g}")
            elif outside.size:
                first = self._column.cells.text(int(outside[0]))
                self.notes.append(
                    f"column {known.name!r}: {cells(outside.size)} (as {first!r}) cut to {low:g} to {high:g}"
                )
        return values

    def categories(self, known: CategoryColumn) -> Int64Array:
        """(n,) numbers of categories, or MISSING, or WRONG."""
        codes = categories_as(self._column, known.categories, known.other)
        self.depart(np.flatnonzero(codes == WRONG), f"is none of {_listed(known.categories)}")
        absent = np.flatnonzero(codes == MISSING)
        if known.fill is None:
            self.depart(absent, "where the schema has nothing to fill it with")
        elif absent.size:
            self.notes.append(f"column {known.name!r}: {absent.size} missing values set to {known.fill!r}")
        return codes

    def classes(self, known: ClassTarget) -> Int64Array:
        """(n,) numbers of classes, those that are left out the last, or MISSING, or WRONG."""
        labels = (*known.classes, *known.left_out)
        if known.numbers is None:
            codes = categories_as(self._column, labels, known.rare)
        else:
            codes = self._numbered(known, labels, known.numbers)
        self.depart(np.flatnonzero(codes == WRONG), f"is none of {_listed(labels)}")
        return codes

    def _numbered(
        self, known: ClassTarget, labels: tuple[str, ...], form: NumberForm | DateForm
    ) -> Int64Array:
        values, wrong = numbers_as(self._column, form, known.missing_words)
        numbers = {float(label): place for place, label in enumerate(labels) if label != known.rare}
        rest = WRONG if known.rare is None else labels.index(known.rare)
        distinct, which = np.unique(values, return_inverse=True)
        places = [MISSING if np.isnan(one) else numbers.get(float(one), rest) for one in distinct]
        codes: Int64Array = np.array(places, dtype=np.int64)[which]
        codes[wrong] = WRONG
        return codes


def _described(form: NumberForm | DateForm) -> str:
    if not isinstance(form, NumberForm):
        return f"no date of the form {form}"
    if form == PLAIN:
        return "no number"
    units = f" in {' or '.join(form.units)}" if form.units else ""
    thousands = f" and {form.thousands!r} between thousands" if form.thousands else ""
    return f"no number{units} with {form.decimal!r} before decimals{thousands}"


def _listed(words: tuple[str, ...]) -> str:
    more = f", ... ({len(words)} in all)" if len(words) > _NAMED else ""
    return ", ".join(map(repr, words[:_NAMED])) + more


def columns_by_name(columns: list[Column], schema: Schema) -> Iterator[Column]:
    """The schema's columns, in its order, as long as the table has them. The list is emptied on the way."""
    by_name = {column.name: column for column in columns}
    columns.clear()
    for known in schema.columns:
        column = by_name.pop(known.name, None)
        if column is not None:
            yield column
