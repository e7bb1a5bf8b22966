"""Rows of a table through a schema without a target: what a model that was trained through it is asked of."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from agents.learning.data.reading.cells import Column
from agents.learning.data.samples import FEATURE_BITS, FEATURE_LIMIT, Int32Array
from agents.learning.data.scaling import Standardiser, quantised
from agents.learning.data.schema.departures import Departures
from agents.learning.data.schema.document import Schema
from agents.learning.data.schema.through import absent_names, column_through


def rows_of(name: str, columns: Sequence[Column], schema: Schema) -> tuple[Int32Array, list[str]]:
    """(n, d) int32 features of a table's rows, as models are trained on them, and notes.

    Columns that the schema has no feature of, the target among them, are not looked at.

    Args:
        name: of the table, for messages.
        columns: of n rows each.
        schema: a whole one, of the data that the model was trained on.

    Raises:
        Departed: a column is missing, or cells are not as the schema says.
    """
    departures = Departures(name)
    there = {column.name: column for column in columns}
    absent_names([column.name for column in schema.columns], list(there), departures)
    departures.check()
    everything = np.arange(len(columns[0].cells))
    through = [
        column_through(there[column.name], column, everything, departures) for column in schema.columns
    ]
    departures.check()
    features = np.stack([values for column in through for values in column.arrays], axis=1)
    notes = [note for column in through for note in column.notes]
    return quantised(Standardiser.of(schema).apply(features), FEATURE_BITS, FEATURE_LIMIT), notes
