"""Where a table is not as its schema says: a line each, with row, column and value."""

from __future__ import annotations

from collections.abc import Callable

from agents.core.errors import BadData
from agents.learning.data.samples import Int64Array

LISTED = 50
"""So many departures are told, of the others their number."""

_SHOWN = 80
"""Letters of a cell."""


class Departed(BadData):
    """A table departs from its schema.

    Attributes:
        lines: one for each departure, up to `LISTED`; then how many more there are.
    """

    def __init__(self, file: str, lines: tuple[str, ...]) -> None:
        self.lines = lines
        more = f" (and {len(lines) - 1} more)" if len(lines) > 1 else ""
        super().__init__(f"{file} departs from its schema: {lines[0]}{more}")


class Departures:
    """Collects them.

    Args:
        file: the table's name.
    """

    def __init__(self, file: str) -> None:
        self._file = file
        self._lines: list[str] = []
        self._count = 0

    def __bool__(self) -> bool:
        return self._count > 0

    def add(self, line: str) -> None:
        """One that is of no row."""
        self._count += 1
        if len(self._lines) < LISTED:
            self._lines.append(line)

    def at_rows(self, column: str, rows: Int64Array, text: Callable[[int], str], why: str) -> None:
        """Cells of a column.

        Args:
            column: its name.
            rows: numbers of the rows in the table, from 0.
            text: what stands in the cell of the i-th of these rows.
            why: what is wrong with them.
        """
        for place in range(min(rows.size, max(0, LISTED - len(self._lines)))):
            self._lines.append(f"row {rows[place] + 1}, column {column!r}: {_shown(text(place))} {why}")
        self._count += rows.size

    def check(self) -> None:
        """Refuses a table that departs.

        Raises:
            Departed: it does.
        """
        if self._count:
            rest = self._count - len(self._lines)
            raise Departed(self._file, (*self._lines, *([f"{rest} more departures"] if rest else [])))


def _shown(value: str) -> str:
    if not value:
        return "an empty cell"
    return repr(value if len(value) <= _SHOWN else value[:_SHOWN] + "...")
