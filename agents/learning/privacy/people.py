"""Whether two tables are of the same people, from keyed digests of their rows alone.

Three rules, the first that decides:

1. both owners named a column that tells people apart, and they have a person in common, or not;
2. more than a hundredth of the rows of either are seen again in the other, beyond chance: how one half of a
   table is seen in its other half tells what that is. A row is seen if its digest is there; and, apart from
   that, if three of the pairs of its eight richest cells are of one row. Pairs that are in more than three
   rows tell nothing;
3. where few rows have such pairs, the same columns are the same people.

It keeps an honest owner from an oversight, and people from nobody: whoever changes cells is not recognised.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from math import sqrt

import numpy as np
import numpy.typing as npt

from agents.learning.data.samples import FloatArray
from agents.learning.data.tables import Table

Digests = npt.NDArray[np.uint64]

RICHEST = 8
"""Cells of a row of which pairs are made."""

PAIRS = RICHEST * (RICHEST - 1) // 2
DIGESTS_A_ROW = 1 + PAIRS
"""Of the whole row, and of the pairs."""

_AT_ONCE = 10_000

_NEEDED = 3
"""Pairs that one other row has as well."""

_MOST_ROWS = 3
"""A pair that is in more rows tells nothing."""

_SEEN_AGAIN = 0.01
"""More than so many of the rows are no chance."""

_MOST_BY_CHANCE = 0.1
"""If more rows are seen again by chance, pairs tell nothing of the table."""

_TELLING = 0.5
"""If fewer rows have enough telling pairs, pairs tell nothing of the table."""


@dataclass(frozen=True, eq=False)
class Prints:
    """What is kept of a table to recognise its people: nothing of it can be read without the key.

    Attributes:
        columns: 32 bytes, of the columns' names.
        rows: (n, DIGESTS_A_ROW) uint64, of each row and of its pairs; 0 where there is no pair.
        persons: (p,) uint64 in order, of the different values of the column that tells people apart; None if
            there is none.
    """

    columns: bytes
    rows: Digests = field(repr=False)
    persons: Digests | None = field(default=None, repr=False)


def prints_of(table: Table, key: bytes, persons: Collection[str] | None = None) -> Prints:
    """The prints of a table.

    Args:
        table: as it was read, the target included.
        key: 32 secret bytes; only prints of one key can be compared.
        persons: values of the column that tells people apart.
    """
    names = np.argsort(np.array(table.feature_names))
    cells = np.column_stack([table.features[:, names], table.target.astype(np.float64)])
    return Prints(
        hmac.digest(key, "\0".join(sorted(table.feature_names)).encode(), "sha256"),
        _of_rows(cells, key),
        None if persons is None else np.unique(_digests(sorted(set(persons)), key)),
    )


def same_people(new: Prints, earlier: Prints) -> bool:
    """Whether two tables are of the same people, as far as their prints tell."""
    if new.persons is not None and earlier.persons is not None:
        return bool(np.isin(new.persons, earlier.persons).any())
    both = ((new, earlier), (earlier, new))
    if any(_beyond_chance(one, other, sight) for one, other in both for sight in (_by_rows, _by_cells)):
        return True
    tells = all(_tells(one.rows, len(other.rows)) for one, other in both)
    return not tells and new.columns == earlier.columns


def difference(new: Prints, earlier: Prints) -> int:
    """How many rows are in one of two tables and not in the other."""
    one, other = (np.unique(each.rows[:, 0], return_counts=True) for each in (new, earlier))
    counts = dict(zip(one[0].tolist(), one[1].tolist(), strict=True))
    for digest, count in zip(other[0].tolist(), other[1].tolist(), strict=True):
        counts[digest] = counts.get(digest, 0) - count
    return sum(map(abs, counts.values()))


# --- digests ---


def _digests(texts: Sequence[str], key: bytes) -> Digests:
    """(n,) uint64, none of them 0."""
    found = b"".join(hmac.digest(key, text.encode(), "sha256")[:8] for text in texts)
    return np.maximum(np.frombuffer(found, dtype="<u8").astype(np.uint64), 1)


def _of_rows(cells: FloatArray, key: bytes) -> Digests:
    """(n, DIGESTS_A_ROW) uint64, some rows at a time: as texts they take much room."""
    richness = [np.unique(column[~np.isnan(column)]).size for column in cells.T]
    richest = sorted(np.argsort(richness, kind="stable")[::-1][:RICHEST].tolist())
    parts = [cells[start : start + _AT_ONCE] for start in range(0, len(cells), _AT_ONCE)]
    found = [np.column_stack([_whole(part, key), _pairs(part[:, richest], key)]) for part in parts]
    return np.concatenate([np.zeros((0, DIGESTS_A_ROW), dtype=np.uint64), *found])


def _whole(cells: FloatArray, key: bytes) -> Digests:
    return _digests(["row " + " ".join(map(repr, row)) for row in cells.tolist()], key)


def _pairs(cells: FloatArray, key: bytes) -> Digests:
    """(n, PAIRS) of the values in these columns, two and two, whatever the columns are called."""
    columns = [list(map(repr, column)) for column in cells.T.tolist()]
    pairs = np.zeros((len(cells), PAIRS), dtype=np.uint64)
    for place, (one, other) in enumerate(combinations(range(len(columns)), 2)):
        both = zip(columns[one], columns[other], strict=True)
        found = _digests([" ".join(sorted(pair)) for pair in both], key)
        known = ~np.isnan(cells[:, one]) & ~np.isnan(cells[:, other])
        pairs[:, place] = np.where(known, found, 0)
    return _once_a_row(pairs)


def _once_a_row(pairs: Digests) -> Digests:
    """The same, with what a row has twice left out the second time."""
    order = np.sort(pairs, axis=1)
    order[:, 1:][order[:, 1:] == order[:, :-1]] = 0
    return order


# --- recognising ---

Sight = Callable[[Digests, Digests], float]
"""The share of some rows that are seen among others."""


def _beyond_chance(new: Prints, earlier: Prints, sight: Sight) -> bool:
    """Whether more rows are seen again than by chance, of which two deviations may be more."""
    chance = _by_chance(new.rows, len(earlier.rows), sight)
    deviation = sqrt(chance * (1 - chance) / max(1, len(new.rows)))
    return sight(new.rows, earlier.rows) - chance > _SEEN_AGAIN + 2 * deviation


def _by_chance(rows: Digests, others: int, sight: Sight) -> float:
    """The share of rows that would be seen in so many others' rows, as one half tells of the other."""
    half = rows[1::2][: max(1, others)]
    unseen: float = (1 - sight(rows[::2], half)) ** (others / max(1, len(half)))
    return 1 - unseen


def _by_rows(new: Digests, earlier: Digests) -> float:
    """The share of rows that are there as they are."""
    return float(np.isin(new[:, 0], earlier[:, 0]).mean()) if len(new) else 0.0


def _by_cells(new: Digests, earlier: Digests) -> float:
    """The share of rows that have enough pairs of one earlier row."""
    return len(set(_by_pairs(new, earlier))) / max(1, len(new))


def _by_pairs(new: Digests, earlier: Digests) -> Iterator[int]:
    """Which of the new rows have enough pairs of one earlier row."""
    pairs, of = _telling_pairs(earlier)
    order = np.argsort(pairs, kind="stable")
    pairs, of = pairs[order], of[order]
    for start in range(0, len(new), _AT_ONCE):
        part = new[start : start + _AT_ONCE, 1:]
        asked, by = part.ravel(), np.repeat(np.arange(len(part)), PAIRS)
        first, last = np.searchsorted(pairs, asked, "left"), np.searchsorted(pairs, asked, "right")
        met = []
        for further in range(_MOST_ROWS):
            there = (first + further < last) & (asked != 0)
            met.append(by[there] * len(earlier) + of[(first + further)[there]])
        codes, counts = np.unique(np.concatenate(met), return_counts=True)
        yield from (start + codes[counts >= _NEEDED] // max(1, len(earlier))).tolist()


def _telling_pairs(rows: Digests) -> tuple[Digests, npt.NDArray[np.intp]]:
    """The pairs that few rows have, and whose they are."""
    pairs, of = rows[:, 1:].ravel(), np.repeat(np.arange(len(rows)), PAIRS)
    _, which, counts = np.unique(pairs, return_inverse=True, return_counts=True)
    few = (pairs != 0) & (counts[which] <= _MOST_ROWS)
    return pairs[few], of[few]


def _tells(rows: Digests, others: int) -> bool:
    """Whether enough rows have enough pairs that few rows have, and few are seen again by chance."""
    _, of = _telling_pairs(rows)
    telling = (np.bincount(of, minlength=len(rows)) >= _NEEDED).mean() if len(rows) else 0.0
    return bool(telling >= _TELLING and _by_chance(rows, others, _by_cells) <= _MOST_BY_CHANCE)
