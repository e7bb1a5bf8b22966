"""Lines of small CSV files for the tests of tables."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from agents.learning.data.prepare import partition
from agents.learning.data.schema.document import Schema
from agents.learning.data.tables import Table, load_table

ROWS = 60

Loader = Callable[..., Table]
Refusal = Callable[..., str]


def lines(cell: Callable[[int], object], rows: int = ROWS, mark: str = ",") -> str:
    """Rows of a number u, one cell of the test's own, and a class y that u does not tell."""
    return "".join(f"{i * 7 % 13}.5{mark}{cell(i)}{mark}{'ab'[i // 2 % 2]}\n" for i in range(rows))


def schema_of(source: str | Path, target: str | None = None) -> Schema:
    """The schema that is made of a table with seed 0."""
    schema = partition(load_table(source, target), 0).schema
    assert schema is not None
    return schema
