"""A table of the user's own: read, its target found, its features encoded."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterator
from difflib import get_close_matches

import numpy as np

from agents.core.errors import BadData
from agents.learning.data.columns import encode_features
from agents.learning.data.reading.cells import Column
from agents.learning.data.samples import PredictionTask
from agents.learning.data.tables import Table
from agents.learning.data.targets import read_target

_NAMED = 20
"""Of so many columns at most, all are named in a message."""


def table_of(
    name: str,
    columns: list[Column],
    notes: list[str],
    target: str | None,
    task: PredictionTask | None,
    merge_rare: int | None,
) -> Table:
    """The table that columns make. The list is emptied on the way, so that each column's room is free again.

    Args:
        name: of the file.
        columns: of n rows each.
        notes: on how they were read.
        target: the column to learn; the last one by default.
        task: see `read_target`.
        merge_rare: see `read_target`.

    Raises:
        BadData: one line: what cannot be learnt, and what would do.
    """
    _check_names(name, columns)
    place, found = _find(name, [column.name for column in columns], target)
    goal = columns.pop(place)
    learnt = read_target(name, goal, task, merge_rare)
    everything = learnt.rows.size == len(goal.cells)

    def features() -> Iterator[Column]:
        while columns:
            column = columns.pop(0)
            yield column if everything else column.take(learnt.rows)

    values, names, more = encode_features(features(), learnt.values.astype(np.float64), len(learnt.classes))
    if not names:
        raise BadData(f"{name}: no usable feature column is left ({'; '.join(more) or 'only the target'})")
    learns = PredictionTask.CLASSIFICATION if learnt.classes else PredictionTask.REGRESSION
    told = (*notes, *found, *learnt.notes, *more)
    return Table(name, values, learnt.values, learns, names, learnt.classes, told)


def _check_names(file: str, columns: list[Column]) -> None:
    """Refuses columns of which two have one name, or none at all."""
    if not columns:
        raise BadData(f"{file}: no columns")
    [(name, times)] = Counter(column.name for column in columns).most_common(1)
    if times > 1:
        raise BadData(f"{file}: the header names column {name!r} twice: rename one")


def _find(file: str, names: list[str], wanted: str | None) -> tuple[int, list[str]]:
    """Where the target is, and a note if that was not said to the letter."""
    if wanted is None:
        return len(names) - 1, [f"target: column {names[-1]!r}"]
    if wanted in names:
        return names.index(wanted), []
    alike = [place for place, name in enumerate(names) if _plain(name) == _plain(wanted)]
    if len(alike) == 1:
        return alike[0], [f"target: column {names[alike[0]]!r}"]
    known = names
    if len(names) > _NAMED:
        near = get_close_matches(wanted, names, n=5, cutoff=0.6)
        known = [*(near or names[:5]), "..."]
    raise BadData(f"{file}: no column {wanted[:80]!r}; its columns are {', '.join(known)}")


def _plain(name: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())
