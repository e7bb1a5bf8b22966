"""A table of the user's own: its target found, its features encoded, as it looks or as a schema says."""

from __future__ import annotations

import logging
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches

import numpy as np

from agents.core.errors import BadData
from agents.learning.data.groups import Groups, groups_of
from agents.learning.data.header import without_units
from agents.learning.data.reading.cells import Column
from agents.learning.data.samples import FloatArray, Int64Array, PredictionTask
from agents.learning.data.schema.departures import Departures
from agents.learning.data.schema.document import VERSION, Schema
from agents.learning.data.schema.draft import Drafter
from agents.learning.data.schema.kinds import AnyColumn
from agents.learning.data.schema.through import (
    check_names,
    column_through,
    columns_by_name,
    target_through,
)
from agents.learning.data.tables import Asked, Table
from agents.learning.data.targets import Target, read_target

log = logging.getLogger(__name__)

_NAMED = 20
"""Of so many columns at most, all are named in a message."""

_MANY = 100_000
"""Of so many rows, progress is told."""


def table_of(name: str, columns: list[Column], notes: list[str], asked: Asked) -> Table:
    """The table that columns make. The list is emptied on the way, so that each column's room is free again.

    Args:
        name: of the file.
        columns: of n rows each.
        notes: on how they were read.
        asked: what to learn of it.

    Raises:
        BadData: one line: what cannot be learnt, and what would do.
    """
    _check_names(name, columns)
    columns, more = without_units(name, columns)
    if len(columns[0].cells) >= _MANY:
        log.info("%s: %d rows by %d columns read", name, len(columns[0].cells), len(columns))
    notes = [*notes, *more]
    if asked.schema is not None:
        return _through(name, columns, notes, asked.schema)
    return _drafted(name, columns, notes, asked)


# --- as it looks ---


def _drafted(name: str, columns: list[Column], notes: list[str], asked: Asked) -> Table:
    names = [column.name for column in columns]
    for wanted in asked.keep:
        if wanted not in names:
            raise BadData(f"{name}: no column {wanted[:80]!r} to keep; {_known(names, wanted)}")
    groups, notes = _grouped(name, columns, notes, asked.group)
    place, found = _find(name, [column.name for column in columns], asked.target)
    goal = columns.pop(place)
    learnt = read_target(name, goal, asked.task, asked.merge_rare)
    drafter = Drafter(
        name, learnt.values.astype(np.float64), len(learnt.classes), asked.keep, grouped=groups is not None
    )
    made = _Made([], [], [], [])
    for at, column in enumerate(_rows_of(columns, learnt.rows)):
        decided = drafter.decide(column, first=at == 0)
        made.notes.extend(decided.notes)
        if decided.column is None:
            made.dropped.append(column.name)
        else:
            made.columns.append(decided.column)
            made.arrays.extend(decided.arrays)
        _tell(name, column, at)
    if not made.columns:
        why = "; ".join(made.notes) or "only the target"
        raise BadData(f"{name}: no usable feature column is left ({why})")
    task = PredictionTask.CLASSIFICATION if learnt.classes else PredictionTask.REGRESSION
    schema = Schema(
        holdfast_schema=VERSION,
        task=task,
        target=learnt.column,
        columns=tuple(made.columns),
        dropped=tuple(made.dropped),
        group=asked.group,
    )
    return _table(name, schema, learnt, groups, made.arrays, [*notes, *found, *learnt.notes, *made.notes])


@dataclass(frozen=True)
class _Made:
    """What became of the columns so far."""

    columns: list[AnyColumn]
    dropped: list[str]
    arrays: list[FloatArray]
    notes: list[str]


def _grouped(
    file: str, columns: list[Column], notes: list[str], wanted: str | None
) -> tuple[Groups | None, list[str]]:
    """Takes the column that says whose row it is."""
    if wanted is None:
        return None, notes
    names = [column.name for column in columns]
    if wanted not in names:
        raise BadData(f"{file}: no column {wanted[:80]!r} to group by; {_known(names, wanted)}")
    groups, more = groups_of(columns.pop(names.index(wanted)))
    if not columns:
        raise BadData(f"{file}: no column is left beside the group's")
    return groups, [*notes, *more]


# --- as a schema says ---


def _through(name: str, columns: list[Column], notes: list[str], schema: Schema) -> Table:
    departures = Departures(name)
    check_names(schema, [column.name for column in columns], departures)
    names = [column.name for column in columns]
    if schema.target.name not in names or (schema.group is not None and schema.group not in names):
        departures.check()
    groups, notes = _grouped(name, columns, notes, schema.group)
    goal = columns.pop([column.name for column in columns].index(schema.target.name))
    learnt = target_through(name, goal, schema, departures)
    known = {column.name: column for column in schema.columns}
    arrays: list[FloatArray] = []
    notes = [*notes, *learnt.notes]
    wanted = list(columns_by_name(columns, schema))
    for at, column in enumerate(_rows_of(wanted, learnt.rows)):
        through = column_through(column, known[column.name], learnt.rows, departures)
        arrays += through.arrays
        notes += through.notes
        _tell(name, column, at)
    departures.check()
    return replace(_table(name, schema, learnt, groups, arrays, notes), given=True)


# --- both ways ---


def _rows_of(columns: list[Column], rows: Int64Array) -> Iterator[Column]:
    """The columns one by one, taken out of the list, with only these rows."""
    everything = bool(columns) and rows.size == len(columns[0].cells)
    while columns:
        column = columns.pop(0)
        yield column if everything else column.take(rows)


def _tell(name: str, column: Column, at: int) -> None:
    if len(column.cells) >= _MANY:
        log.info("%s: column %d, %r, understood", name, at + 1, column.name)


def _table(
    name: str,
    schema: Schema,
    learnt: Target,
    groups: Groups | None,
    arrays: list[FloatArray],
    notes: Sequence[str],
) -> Table:
    features = np.empty((learnt.rows.size, len(arrays)))
    for place in range(len(arrays)):
        features[:, place] = arrays[place]
        arrays[place] = features[:0, 0]  # room for the next
    return Table(
        name,
        features,
        learnt.values,
        schema.task,
        schema.features,
        schema.classes,
        tuple(notes),
        schema,
        None if groups is None else groups.take(learnt.rows),
    )


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
    raise BadData(f"{file}: no column {wanted[:80]!r}; {_known(names, wanted)}")


def _known(names: list[str], wanted: str) -> str:
    """The columns that there are; of many those whose names are near."""
    known = names
    if len(names) > _NAMED:
        near = get_close_matches(wanted, names, n=5, cutoff=0.6)
        known = [*(near or names[:5]), "..."]
    return f"its columns are {', '.join(known)}"


def _plain(name: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())
