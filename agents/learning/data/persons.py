"""The column that tells people apart: it is read to recognise them, and nothing is learnt from it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from agents.core.errors import BadData
from agents.learning.data.tables import BUILT_IN, Table


def persons_of(source: str | Path, column: str, query: str | None = None) -> tuple[str, ...]:
    """The values of a column, one a row, without those that are missing.

    Args:
        source: path of a file, or address of a database, as `load_table` takes it.
        column: its name.
        query: a SELECT, for a database.

    Raises:
        BadData: there is no such column, or the table cannot be read.
    """
    if str(source) in BUILT_IN:
        raise BadData(f"built-in data {source} have no column that tells people apart: leave --person out")
    # Not before a file is read: Arrow takes time and room, and other agents read none.
    from agents.learning.data.reading.sources import read_file

    if query is None:
        columns, _ = read_file(Path(source))
    else:
        from agents.learning.data.reading.database import read_query

        _, columns, _ = read_query(str(source), query)
    found = next((one for one in columns if one.name == column), None)
    if found is None:
        known = ", ".join(one.name for one in columns[:20])
        raise BadData(f"no column {column[:80]!r} that tells people apart; the columns are {known}")
    return tuple(str(value) for value in found.cells.array.to_pylist() if value is not None)


def without(table: Table, column: str) -> Table:
    """A table without the features that a column was made into.

    Raises:
        BadData: nothing else is left.
    """
    kept = [
        place
        for place, name in enumerate(table.feature_names)
        if name != column and not name.startswith(f"{column}=")
    ]
    if not kept:
        raise BadData(f"{table.name}: nothing but the column {column!r} is left to learn from")
    names = tuple(table.feature_names[place] for place in kept)
    return replace(table, features=table.features[:, np.array(kept)], feature_names=names)
