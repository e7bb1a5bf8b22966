"""A schema from a table: which columns are used and as what, each decision with a note."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from agents.core.errors import BadData
from agents.learning.data.columns import Numbers, numbers_of, one_hot
from agents.learning.data.identifiers import identifier, is_target, names_classes, numbers_rows, tells_classes
from agents.learning.data.meaning.categories import (
    MAX_CATEGORIES,
    OTHER,
    Categories,
    categories_of,
    group_rare,
)
from agents.learning.data.meaning.forms import NumberForm
from agents.learning.data.reading.cells import Column
from agents.learning.data.samples import FloatArray
from agents.learning.data.schema.kinds import AnyColumn, CategoryColumn, DateColumn, NumberColumn

MAX_MISSING = 0.4
"""A feature with a larger share of missing cells is dropped."""


@dataclass(frozen=True)
class Decided:
    """What becomes of a column.

    Attributes:
        column: for the schema; None if it is dropped.
        arrays: its features, (n,) float64 each, NaN where missing.
        notes: on what was done.
    """

    column: AnyColumn | None
    arrays: tuple[FloatArray, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Drafter:
    """Decides on columns.

    Attributes:
        file: its name, for messages.
        target: (n,) float64: what is to be learnt, so that a column that tells it can be found.
        classes: how many it has; 0 for a regression.
        keep: columns that are kept though they look like an identifier, or give the target away.
        grouped: whether another column says whose row it is.
    """

    file: str
    target: FloatArray
    classes: int
    keep: Collection[str] = ()
    grouped: bool = False

    def decide(self, column: Column, *, first: bool) -> Decided:
        """What a column becomes: numbers as they are, words one-hot; unusable ones are dropped.

        Args:
            column: of n cells.
            first: whether no column stands before it.

        Raises:
            BadData: it is to be kept and cannot.
        """
        decided = self._decide(column, first=first)
        if decided.column is None and column.name in self.keep:
            raise BadData(f"{self.file}: {decided.notes[0].replace(' dropped: ', ' cannot be kept: ', 1)}")
        return decided

    def _decide(self, column: Column, *, first: bool) -> Decided:
        if column.cells.absent == len(column.cells):
            return _dropped(column.name, f"{len(column.cells)} of {len(column.cells)} values are missing")
        numbers = numbers_of(column)
        if numbers is not None:
            values = np.where(np.isfinite(numbers.values), numbers.values, np.nan)
            return self._numbers(
                column, Numbers(values, numbers.notes, numbers.form, numbers.missing_words), first=first
            )
        words, codes = column.cells.distinct()
        return self._words(column, categories_of(words, codes))

    def _numbers(self, column: Column, numbers: Numbers, *, first: bool) -> Decided:
        name, values = column.name, numbers.values
        absent = int(np.isnan(values).sum())
        if absent > MAX_MISSING * values.size:
            return _dropped(name, f"{absent} of {values.size} values are missing", *numbers.notes)
        distinct = np.unique(values[~np.isnan(values)])
        if distinct.size == 1:
            return _dropped(name, "it is constant")
        why = numbers_rows(
            name, values, distinct, unnamed=column.unnamed, first=first, grouped=self.grouped
        ) or self._tells(values, distinct)
        if why is not None and name not in self.keep:
            return _dropped(name, why)
        notes = [f"column {name!r}: {note}" for note in numbers.notes]
        notes += [f"column {name!r} kept, though {why}"] if why is not None else []
        if absent:
            notes.append(f"column {name!r}: {absent} missing values set to the training median")
        return Decided(_measured(name, numbers), (values,), tuple(notes))

    def _tells(self, values: FloatArray, distinct: FloatArray) -> str | None:
        """Why numbers give the target away; None if they do not."""
        if not self.classes:
            return is_target(values, self.target)
        if distinct.size > MAX_CATEGORIES and distinct.size != self.classes:
            return None
        codes = np.where(np.isnan(values), -1, np.searchsorted(distinct, values))
        return names_classes(codes, distinct.size, self.target, self.classes) or tells_classes(
            codes, distinct.size, self.target, self.classes
        )

    def _words(self, column: Column, found: Categories) -> Decided:
        name, rows = column.name, found.codes.size
        absent = int((found.codes < 0).sum())
        if absent > MAX_MISSING * rows:
            return _dropped(name, f"{absent} of {rows} values are missing")
        if len(found.labels) == 1:
            return _dropped(name, "it is constant")
        why = identifier(name, len(found.labels), rows - absent, grouped=self.grouped)
        why = why or names_classes(found.codes, len(found.labels), self.target, self.classes)
        why = why or tells_classes(found.codes, len(found.labels), self.target, self.classes)
        if why is not None and name not in self.keep:
            return _dropped(name, why)
        few = found if len(found.labels) <= MAX_CATEGORIES else group_rare(found)
        if few is None:
            return _dropped(name, f"text with {len(found.labels)} different values")
        return _category(name, few, absent, why, joined=few is not found)


def _measured(name: str, numbers: Numbers) -> NumberColumn | DateColumn:
    fields = {"name": name, "missing_words": numbers.missing_words}
    if isinstance(numbers.form, NumberForm):
        return NumberColumn(kind="number", written=numbers.form, **fields)  # type: ignore[arg-type]
    return DateColumn(kind="date", written=numbers.form, **fields)  # type: ignore[arg-type]


def _category(name: str, few: Categories, absent: int, why: str | None, *, joined: bool) -> Decided:
    counts = np.bincount(few.codes[few.codes >= 0], minlength=len(few.labels))
    usual = few.labels[int(counts.argmax())]
    column = CategoryColumn(
        kind="category", name=name, categories=few.labels, other=OTHER if joined else None, fill=usual
    )
    note = f"column {name!r}: {len(few.labels)} categories one-hot encoded"
    note += f", {absent} missing values set to {usual!r}" if absent else ""
    notes = [*(f"column {name!r}: {join}" for join in few.notes), note]
    notes += [f"column {name!r} kept, though {why}"] if why is not None else []
    return Decided(column, one_hot(few.codes, column), tuple(notes))


def _dropped(name: str, why: str, *notes: str) -> Decided:
    return Decided(None, notes=(f"column {name!r} dropped: {'; '.join((why, *notes))}",))
