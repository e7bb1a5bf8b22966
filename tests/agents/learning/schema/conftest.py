"""Schemas made of tables, and tables read through them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from agents.learning.data.prepare import partition
from agents.learning.data.schema.departures import Departed
from agents.learning.data.schema.document import Schema, parse_schema
from agents.learning.data.tables import load_table

SchemaOf = Callable[..., Schema]
Lines = Callable[[str, Schema], tuple[str, ...]]


@pytest.fixture
def schema_of(tmp_path: Path) -> SchemaOf:
    """The schema that is made of a table of this content, read from its own text."""

    def made(content: str, target: str | None = "y", **how: object) -> Schema:
        path = tmp_path / "first.csv"
        path.write_text(content)
        schema = partition(load_table(path, target, **how), 0).schema  # type: ignore[arg-type]
        assert schema is not None
        return parse_schema(schema.text().encode())

    return made


@pytest.fixture
def departures(tmp_path: Path) -> Lines:
    """Where a table of this content departs from a schema."""

    def lines(content: str, schema: Schema) -> tuple[str, ...]:
        path = tmp_path / "second.csv"
        path.write_text(content)
        with pytest.raises(Departed) as caught:
            load_table(path, schema=schema)
        assert "\n" not in str(caught.value)
        return caught.value.lines

    return lines
