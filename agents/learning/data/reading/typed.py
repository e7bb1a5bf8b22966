"""Files that say themselves what their columns are: Parquet and Feather."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet

from agents.core.errors import BadData
from agents.learning.data.meaning.numbers import Style
from agents.learning.data.reading.cells import Cells, Column, tidy

_ALL = Style(decimal=".")
_PANDAS_INDEX = "__index_level_"


def read_parquet(path: Path) -> tuple[list[Column], list[str]]:
    """The columns of a Parquet file, and notes.

    Raises:
        BadData: it is broken.
    """
    try:
        with pyarrow.parquet.ParquetFile(path, memory_map=True) as file:
            return _columns(file.read(use_threads=False))
    except (pa.ArrowException, OSError) as error:
        raise BadData(f"{path.name}: no sound Parquet file: write it again") from error


def read_feather(path: Path) -> tuple[list[Column], list[str]]:
    """The columns of a Feather (Arrow) file, and notes.

    Raises:
        BadData: it is broken.
    """
    try:
        return _columns(pyarrow.feather.read_table(path, use_threads=False))
    except (pa.ArrowException, OSError) as error:
        raise BadData(f"{path.name}: no sound Feather file: write it again") from error


def _columns(table: pa.Table) -> tuple[list[Column], list[str]]:
    columns: list[Column] = []
    notes: list[str] = []
    for place, name in enumerate(table.column_names):
        cells = None if name.startswith(_PANDAS_INDEX) else _cells(table.column(place))
        if cells is None:
            why = (
                "an index of pandas"
                if name.startswith(_PANDAS_INDEX)
                else f"of type {table.schema.types[place]}"
            )
            notes.append(f"column {name!r} dropped: {why}")
        else:
            columns.append(
                Column(name.strip() or f"column {place + 1}", cells, _ALL, unnamed=not name.strip())
            )
    return columns, notes


def _cells(column: pa.ChunkedArray) -> Cells | None:
    """Numbers as doubles, all else as text; None for what is neither."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
        column = column.cast(kind)
    number = pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)
    try:
        cast = column.cast(pa.float64() if number else pa.string(), safe=False)
    except pa.ArrowException:
        return None
    whole = cast.combine_chunks() if cast.num_chunks != 1 else cast.chunk(0)
    return Cells(whole) if number else tidy(whole, spelled=False)
