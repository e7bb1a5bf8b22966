"""Text files with a header: CSV and its kin. Arrow reads the cells, Python's parser finds what is broken."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as arrow

from agents.core.errors import BadData
from agents.learning.data.meaning.missing import spellings
from agents.learning.data.meaning.numbers import Style
from agents.learning.data.reading.cells import Cells, Column, tidy
from agents.learning.data.reading.encoding import as_utf8
from agents.learning.data.reading.layout import Layout, layout_of

_BLOCK_BYTES = 4 << 20
_LOOKED_AT = 1000
_DECIMALS = {
    mark: rf"^[^0-9.,]*(?:[0-9]+[{mark}](?:[0-9]{{1,2}}|[0-9]{{4,}})|0[{mark}][0-9]{{3}})[^0-9.,]*$"
    for mark in ".,"
}


def read_delimited(name: str, data: bytes, *, spelled: bool = True) -> tuple[list[Column], list[str]]:
    """The columns of a text file, and notes.

    Args:
        name: of the file.
        data: its bytes.
        spelled: whether an unquoted NA and the like are missing cells; else only empty ones are.

    Raises:
        BadData: no text, empty, rows of another length than the header, broken quotes.
    """
    text, notes = as_utf8(name, data)
    del data
    layout = layout_of(name, text)
    body, first_line = text[layout.begin :], layout.lines
    del text
    if b'"' in body:
        body = _unpadded(body, layout.delimiter)
        _check(name, body, layout, first_line)
    batches, comments = _read(name, body, layout, first_line, spelled=spelled)
    if not len(batches):
        raise BadData(f"{name}: no rows below the header")
    if comments or layout.comment:
        notes.append(f"comment lines that begin with {layout.comment!r} skipped")
    columns, more = _columns(name, batches, layout, spelled=spelled and b'"' not in body)
    return columns, notes + more


def _read(name: str, body: bytes, layout: Layout, above: int, *, spelled: bool) -> tuple[pa.Table, int]:
    """The rows of cells, and how many comment lines are among them."""
    keys = [str(number) for number in range(len(layout.names))]
    comments = 0
    broken = False

    def other(row: arrow.InvalidRow) -> str:
        nonlocal comments, broken
        if layout.comment is not None and row.text.lstrip().startswith(layout.comment):
            comments += 1
        elif row.text.replace(layout.delimiter, "").strip():
            broken = True
        return "skip"

    try:
        batches = arrow.open_csv(
            pa.BufferReader(body),
            arrow.ReadOptions(use_threads=False, column_names=keys, block_size=_BLOCK_BYTES),
            arrow.ParseOptions(
                delimiter=layout.delimiter, newlines_in_values=b'"' in body, invalid_row_handler=other
            ),
            arrow.ConvertOptions(
                check_utf8=False,
                column_types=dict.fromkeys(keys, pa.string()),
                strings_can_be_null=True,
                quoted_strings_can_be_null=False,
                null_values=list(spellings()) if spelled else [""],
            ),
            memory_pool=pa.system_memory_pool(),
        )
        table = pa.Table.from_batches(batches, batches.schema)
    except pa.ArrowInvalid as error:
        if not body.strip():
            raise BadData(f"{name}: no rows below the header") from error
        _check(name, body, layout, above)
        raise BadData(f"{name}: {str(error).splitlines()[0]}") from error
    if broken:
        _check(name, body, layout, above)
        raise BadData(f"{name}: rows of another length than the header's {layout.header_fields} fields")
    return table, comments


def _columns(name: str, table: pa.Table, layout: Layout, *, spelled: bool) -> tuple[list[Column], list[str]]:
    """Columns with their names; the names of rows and what no header names and no row fills are left out."""
    cells = [tidy(_whole(column), spelled=spelled) for column in table.columns]
    full = _full_rows(cells, layout)
    if not full.all():
        cells = [Cells(one.array.filter(pa.array(full))) for one in cells]
    style = Style(layout.delimiter not in (",", " "), _decimal(cells))
    notes: list[str] = []
    columns: list[Column] = []
    for place, (title, one) in enumerate(zip(layout.names, cells, strict=True)):
        if place == 0 and layout.row_names:
            notes.append("first column dropped: names of the rows, for the header has none for it")
        elif not title and one.absent == len(one):
            notes.append(f"column {place + 1} dropped: it has neither name nor cells")
        elif place == len(cells) - 1 and layout.unnamed_end:
            raise BadData(
                f"{name}: rows have {len(cells)} fields, the header has {layout.header_fields}: name all "
                "columns"
            )
        else:
            columns.append(Column(title or f"column {place + 1}", one, style, unnamed=not title))
    return columns, notes


def _decimal(cells: list[Cells]) -> str:
    """What divides decimals where there is no doubt: a mark before another number of digits than three."""
    found = {
        mark
        for mark in ".,"
        for one in cells
        if pc.any(pc.match_substring_regex(one.array.slice(0, _LOOKED_AT), _DECIMALS[mark])).as_py()
    }
    return found.pop() if len(found) == 1 else ""


def _whole(column: pa.ChunkedArray) -> pa.Array:
    return column.combine_chunks() if column.num_chunks != 1 else column.chunk(0)


def _full_rows(cells: list[Cells], layout: Layout) -> npt.NDArray[np.bool_]:
    """(n,) bool: which rows are neither empty nor comments."""
    full = cells[0].present.copy()
    for one in cells[1:]:
        full |= one.present
    if layout.comment is not None:
        starts = pc.starts_with(cells[0].array, layout.comment).fill_null(False)
        full &= ~np.asarray(starts.to_numpy(zero_copy_only=False), dtype=np.bool_)
    return full


def _unpadded(body: bytes, delimiter: str) -> bytes:
    """Without the blanks between a delimiter and a quote, which Arrow takes for the beginning of a cell."""
    mark = re.escape(delimiter.encode())
    if delimiter == " " or re.search(rb"(?:^|[\r\n]|%s) +\"" % mark, body) is None:
        return body
    return re.sub(rb"(?:(?<=%s)|(?<=[\r\n])|\A) *(\"(?:[^\"]|\"\")*\")" % mark, rb"\1", body)


def _check(name: str, body: bytes, layout: Layout, above: int) -> None:
    """Finds the first row that is broken.

    Raises:
        BadData: there is one.
    """
    reader = csv.reader(_lines(body), delimiter=layout.delimiter, strict=True, skipinitialspace=True)
    fields = len(layout.names)
    try:
        for row in reader:
            if not any(cell.strip() for cell in row):
                continue
            comment = layout.comment is not None and row[0].lstrip().startswith(layout.comment)
            if len(row) != fields and not comment:
                raise BadData(
                    f"{name}: line {above + reader.line_num} has {len(row)} fields, the header has "
                    f"{layout.header_fields}"
                )
    except csv.Error as error:
        raise BadData(f"{name}: line {above + reader.line_num}: {error}") from error


def _lines(body: bytes) -> Iterator[str]:
    return iter(io.TextIOWrapper(io.BytesIO(body), "utf-8", newline=""))
