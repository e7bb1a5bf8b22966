"""A second row of the header among the rows of cells: units below the names, or the names themselves."""

from __future__ import annotations

import numpy as np

from agents.core.errors import BadData
from agents.learning.data.meaning.missing import is_missing_number
from agents.learning.data.reading.cells import Column

_LEAST = 2
"""Columns of numbers that the row must have words in."""

_ROWS = 3
"""Below it there must be so many rows."""


def without_units(file: str, columns: list[Column]) -> tuple[list[Column], list[str]]:
    """Columns without a first row of words where all other cells are numbers, and a note on it.

    Args:
        file: its name, for messages.
        columns: of n rows each.

    Raises:
        BadData: the row has the names that the header lacks: it is a header of two rows.
    """
    rows = len(columns[0].cells)
    if rows < _ROWS + 1 or not _looks_so(columns):
        return columns, []
    words = [column.cells.text(0) for column in columns]
    shown = ", ".join(repr(word) for word in words if word)[:80]
    if any(column.unnamed and word for column, word in zip(columns, words, strict=True)):
        raise BadData(f"{file}: the header has two rows (the second is {shown}): make one of them")
    below = np.arange(1, rows)
    return (
        [column.take(below) for column in columns],
        [f"the first row dropped: units or a second header, no cells ({shown})"],
    )


def _looks_so(columns: list[Column]) -> bool:
    """Whether the first row has no number, but words where columns have nothing but numbers."""
    below = np.arange(1, len(columns[0].cells))
    found = 0
    for column in columns:
        if column.cells.typed:
            return False
        first = column.cells.text(0)
        if not first or is_missing_number(first):
            continue
        if column.cells.take(np.array([0])).plain_numbers() is not None:
            return False
        numbers = column.cells.take(below)
        found += numbers.absent < len(numbers) and numbers.plain_numbers() is not None
    return found >= _LEAST
