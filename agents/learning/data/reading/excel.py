"""Spreadsheets: their first sheet, as text cells."""

from __future__ import annotations

import datetime
import io
from collections.abc import Sequence

import python_calamine

from agents.core.errors import BadData
from agents.learning.data.meaning.numbers import Style
from agents.learning.data.reading.cells import Cells, Column, tidy

_STYLE = Style(decimal=".")
_Value = int | float | str | bool | datetime.time | datetime.date | datetime.datetime | datetime.timedelta


def read_excel(name: str, data: bytes) -> tuple[list[Column], list[str]]:
    """The columns of a workbook's first sheet that has cells, and notes.

    Raises:
        BadData: it cannot be opened (a password?), or has no rows.
    """
    try:
        book = python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(data))
        sheets = {title: book.get_sheet_by_name(title).to_python() for title in book.sheet_names[:1]}
        if not any(sheets.values()):
            sheets = {title: book.get_sheet_by_name(title).to_python() for title in book.sheet_names}
    except (python_calamine.CalamineError, OSError) as error:
        raise BadData(f"{name}: this spreadsheet cannot be opened ({error}): save it as CSV") from error
    title, rows = next(((title, rows) for title, rows in sheets.items() if rows), ("", []))
    several = len(book.sheet_names) > 1
    notes = [f"sheet {title!r}, of {len(book.sheet_names)}"] if several else []
    full = [row for row in rows if any(_text(value) for value in row)]
    if len(full) < 2:
        raise BadData(f"{name}: {'no rows below the header' if full else 'the sheet is empty'}")
    header, *body = full
    return _columns(header, body, notes), notes


def _columns(header: Sequence[_Value], body: list[list[_Value]], notes: list[str]) -> list[Column]:
    columns = []
    for place, value in enumerate(header):
        title = _text(value)
        cells = tidy(Cells.of_texts(_text(row[place]) for row in body).array, spelled=True)
        if not title and cells.absent == len(cells):
            notes.append(f"column {place + 1} dropped: it has neither name nor cells")
        else:
            columns.append(Column(title or f"column {place + 1}", cells, _STYLE, unnamed=not title))
    return columns


def _text(value: _Value) -> str:
    """A cell as a CSV file would have it."""
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return str(int(value))
    if isinstance(value, datetime.timedelta):
        return repr(value.total_seconds())
    return value.isoformat() if isinstance(value, datetime.date | datetime.time) else str(value).strip()
