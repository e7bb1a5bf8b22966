"""Rows through a schema without a target: for whoever uses a model that was trained through it.

Rules: P41.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from agents.learning.data.prepare import partition
from agents.learning.data.reading.sources import read_file
from agents.learning.data.schema.departures import Departed
from agents.learning.data.schema.rows import rows_of
from agents.learning.data.tables import load_table
from testing.csv_lines import schema_of

CASES = Path(__file__).parents[1] / "tables" / "cases"


@pytest.mark.parametrize("name", ["dates", "diagnosis-codes", "one-slip-of-the-key", "percent-signs"])
def test_rows_become_the_features_that_were_trained_on(name: str) -> None:
    path = CASES / f"{name}.csv"
    columns, _ = read_file(path)
    features, _ = rows_of(
        name, [column for column in columns if column.name != "state"], schema_of(path, "state")
    )
    prepared = partition(load_table(path, "state"), 0)
    trained = np.concatenate([prepared.train.features, prepared.validation.features, prepared.test.features])
    assert sorted(map(tuple, features.tolist())) == sorted(map(tuple, trained.tolist()))


def test_rows_that_depart_are_told() -> None:
    path = CASES / "dates.csv"
    columns, _ = read_file(path)
    schema = schema_of(path, "state")
    with pytest.raises(Departed, match="column 'seen' is not in the table"):
        rows_of("t", [column for column in columns if column.name == "age"], schema)
    age = schema.columns[0].model_copy(update={"range": (30.0, 31.0)})
    narrow = schema.model_copy(update={"columns": (age, *schema.columns[1:])})
    with pytest.raises(Departed, match=r"column 'age': '.*' is outside 30 to 31"):
        rows_of("t", columns, narrow)


def test_missing_cells_are_filled_and_noted() -> None:
    path = CASES / "three-words-in-a-number-column.csv"
    columns, _ = read_file(path)
    _, notes = rows_of("t", columns, schema_of(path, "state"))
    assert notes[0].startswith("column 'lactate': 3 missing values set to ")
