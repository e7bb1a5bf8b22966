"""Exact sums of affine maps: how many numbers of a table may be shown before they tell rows apart.

A crafted ciphertext gives the whole pooled map, so a plan counts by its map and not by its sums. Two
conditions hold over all maps of some people's rows together, those of other seeds included: random features,
intercepts included, are at most a twelfth of the rows (a membership test's AUC is then at most .03 over
that of a linear family: `make attack`), and the maps have at most a quarter as many numbers as the table.

The map of the columns themselves is what sums over a dataset are: it is always shown, and counted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

ROWS_A_FEATURE = 12
"""So many rows there are at least for each random feature."""

CELLS_A_NUMBER = 4
"""So many cells the table has at least for each number of the maps."""


@dataclass(frozen=True)
class ShownMap:
    """What a model owner can have of one plan, whatever it encrypts.

    Attributes:
        name: of all that decides about it; the same for plans that show the same map.
        width: rows of its matrix, the intercept's included. `outputs`: its right sides.
        hidden: random features; 0 for the columns themselves.
        parts: of the dataset, each of which may be told by itself: sums over rounds can be subtracted.
    """

    name: str
    width: int
    outputs: int
    hidden: int = 0
    parts: int = 1

    @property
    def numbers(self) -> int:
        """How many different numbers it has."""
        return self.parts * (self.width * (self.width + 1) // 2 + self.width * self.outputs)


def too_many_numbers(rows: int, columns: int, new: ShownMap, before: Sequence[ShownMap] = ()) -> str:
    """Why a map would tell rows apart, with those that were shown before; empty if it does not.

    Args:
        rows: of the dataset.
        columns: of it.
        new: the map.
        before: of the same people.
    """
    if any(shown.name == new.name for shown in before):
        return ""
    several = [*before, new]
    features = sum(shown.width for shown in several if shown.hidden)
    if new.hidden and features * ROWS_A_FEATURE > rows:
        with_others = " and those of earlier plans" if features > new.width else ""
        return f"its {new.hidden} random features{with_others} are more than a twelfth of {rows} rows"
    numbers = sum(shown.numbers for shown in several)
    if CELLS_A_NUMBER * numbers > rows * columns and (new.hidden or before):
        which = "its map and those of earlier plans have" if before else "its map has"
        return f"{which} more than a quarter as many numbers as {rows} rows"
    return ""


def widest(rows: int, columns: int, outputs: int) -> int:
    """The width, intercept included, of the widest map of random features that is let through by itself."""
    linear = 1 + 2 * outputs
    by_numbers = (sqrt(linear * linear + 8 * rows * columns / CELLS_A_NUMBER) - linear) / 2
    return min(rows // ROWS_A_FEATURE, int(by_numbers))


def least_difference(columns: int, outputs: int) -> int:
    """In how many rows two tables of the same people differ at least, if they do: else it shows these rows.

    Who has the sums of both has those of the rows in which they differ, as of a dataset of their own.
    """
    numbers = ShownMap("", columns + 1, outputs).numbers
    return -(-4 * numbers // columns)
