"""Whose row it is: rows of one person stay in one part of a dataset, and in one subset."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from agents.learning.data.samples import Int64Array

if TYPE_CHECKING:  # Arrow takes time and room, and agents that read no file have no need of it
    from agents.learning.data.reading.cells import Column


@dataclass(frozen=True)
class Groups:
    """The person of each row.

    Attributes:
        codes: (n,) int64, the place of its name.
        names: as the table has them; each row without one is a person of its own, called by its number.
        unnamed: how many of the names, the last ones, are such numbers.
    """

    codes: Int64Array
    names: tuple[str, ...]
    unnamed: int = 0

    def take(self, rows: Int64Array) -> Groups:
        """The persons of these rows."""
        return Groups(self.codes[rows], self.names, self.unnamed)

    @property
    def persons(self) -> tuple[str, ...]:
        """The names of the rows that have one."""
        named = len(self.names) - self.unnamed
        return tuple(self.names[code] for code in self.codes.tolist() if code < named)

    @property
    def count(self) -> int:
        """How many persons the rows are of."""
        return int(np.unique(self.codes).size)


def groups_of(column: Column) -> tuple[Groups, list[str]]:
    """The persons of a column that names them, and notes."""
    words, codes = column.cells.distinct()
    absent = np.flatnonzero(codes < 0)
    codes = codes.copy()
    codes[absent] = len(words) + np.arange(absent.size)
    names = (*words, *(f"(row {row + 1})" for row in absent.tolist()))
    each = f"{codes.size / max(1, len(names)):.3g} rows each on average"
    notes = [f"column {column.name!r}: {len(names)} groups, of {each}, stay together"]
    if absent.size:
        notes.append(f"column {column.name!r}: {absent.size} rows without a group, each one of its own")
    return Groups(codes, names, absent.size), notes
