"""From text columns to numbers: what is kept, encoded or dropped, each decision with a note."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from agents.learning.data.samples import FloatArray

MAX_MISSING = 0.4
"""A feature with a larger share of missing cells is dropped."""

MAX_CATEGORIES = 20
"""A text feature with more categories is dropped: it is an identifier, a date or free text."""

ID_NAME = re.compile(r"(^|[ _.-])(id|index|uuid|key|no)$", re.IGNORECASE)

Encoded = tuple[list[FloatArray], list[str], str | None]


@dataclass(frozen=True)
class Column:
    """A named column of text cells, None where missing; `decimal_comma` allows 3,14 for 3.14."""

    name: str
    cells: tuple[str | None, ...]
    decimal_comma: bool = False

    def take(self, rows: Sequence[int]) -> Column:
        """The column with only these rows."""
        return Column(self.name, tuple(self.cells[row] for row in rows), self.decimal_comma)

    def numbers(self) -> FloatArray | None:
        """(n,) float64 with NaN for missing and infinite cells; None if some cell is not a number."""
        values = np.full(len(self.cells), np.nan)
        for row, text in enumerate(self.cells):
            if text is None:
                continue
            number = self._number(text)
            if number is None:
                return None
            values[row] = number if math.isfinite(number) else np.nan
        return values

    def _number(self, text: str) -> float | None:
        if "_" in text:
            return None
        for form in (text, text.replace(",", ".")) if self.decimal_comma else (text,):
            try:
                return float(form)
            except ValueError:
                continue
        return None


def encode_features(columns: Sequence[Column]) -> tuple[FloatArray, tuple[str, ...], tuple[str, ...]]:
    """Encode feature columns: numbers as they are, text one-hot; unusable ones are dropped.

    Returns:
        (n, d) float64 features with NaN where missing, their d names, and notes on what was done.
    """
    arrays: list[FloatArray] = []
    names: list[str] = []
    notes: list[str] = []
    for column in columns:
        new_arrays, new_names, note = _encode(column)
        arrays += new_arrays
        names += new_names
        notes += [] if note is None else [note]
    features = np.column_stack(arrays) if arrays else np.empty((0, 0))
    return features, tuple(names), tuple(notes)


def _encode(column: Column) -> Encoded:
    numbers = column.numbers()
    absent = sum(text is None for text in column.cells) if numbers is None else int(np.isnan(numbers).sum())
    if absent > MAX_MISSING * len(column.cells):
        return [], [], f"column {column.name!r} dropped: {absent} of {len(column.cells)} values are missing"
    return _encode_text(column, absent) if numbers is None else _encode_numbers(column, numbers, absent)


def _encode_numbers(column: Column, numbers: FloatArray, absent: int) -> Encoded:
    present = numbers[~np.isnan(numbers)]
    distinct = np.unique(present)
    if distinct.size == 1:
        return [], [], f"column {column.name!r} dropped: it is constant"
    if distinct.size == len(column.cells) and _identifies(column.name, distinct):
        return [], [], f"column {column.name!r} dropped: it numbers the rows"
    note = f"column {column.name!r}: {absent} missing values set to the training median" if absent else None
    return [numbers], [column.name], note


def _identifies(name: str, distinct: FloatArray) -> bool:
    """Distinct whole numbers that count the rows, or are called an identifier."""
    whole = bool((distinct == np.rint(distinct)).all())
    return whole and (bool((np.diff(distinct) == 1).all()) or ID_NAME.search(name) is not None)


def _encode_text(column: Column, absent: int) -> Encoded:
    tally = Counter(text for text in column.cells if text is not None)
    if len(tally) == 1:
        return [], [], f"column {column.name!r} dropped: it is constant"
    if len(tally) > MAX_CATEGORIES:
        return [], [], f"column {column.name!r} dropped: text with {len(tally)} different values"
    usual = min(tally, key=lambda text: (-tally[text], text))
    filled = np.array([usual if text is None else text for text in column.cells])
    categories = sorted(tally)[1:] if len(tally) == 2 else sorted(tally)
    note = f"column {column.name!r}: {len(tally)} categories one-hot encoded"
    note += f", {absent} missing values set to {usual!r}" if absent else ""
    arrays = [(filled == category).astype(np.float64) for category in categories]
    return arrays, [f"{column.name}={category}" for category in categories], note
