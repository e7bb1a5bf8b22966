"""Reading a CSV file into text columns: UTF-8, header row, comma, semicolon or tab."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from agents.core.errors import BadData
from agents.learning.data.columns import Column

DELIMITERS = (",", ";", "\t")
MAX_BYTES = 256 * 2**20
MISSING = frozenset({"", "?", "-", "na", "n/a", "nan", "null", "none"})


def read_csv(path: Path) -> list[Column]:
    """Read the file's columns; blank lines are skipped, missing cells (`MISSING`, any case) become None.

    Raises:
        BadData: too large, not UTF-8, empty, a header name used twice, rows of another length, broken quotes.
    """
    if path.stat().st_size > MAX_BYTES:
        raise BadData(f"{path.name}: larger than {MAX_BYTES >> 20} MiB")
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadData(f"{path.name}: not UTF-8 at byte {error.start}: save it as UTF-8") from error
    first = next((line for line in io.StringIO(text) if line.strip()), None)
    if first is None:
        raise BadData(f"{path.name}: the file is empty")
    delimiter = max(DELIMITERS, key=lambda mark: len(next(csv.reader([first], delimiter=mark))))
    header, rows = _rows(path.name, text, delimiter)
    return [
        Column(name, tuple(_cell(row[i]) for row in rows), delimiter == ";") for i, name in enumerate(header)
    ]


def _rows(name: str, text: str, delimiter: str) -> tuple[list[str], list[list[str]]]:
    reader = csv.reader(
        io.StringIO(text, newline=""), delimiter=delimiter, strict=True, skipinitialspace=True
    )
    header: list[str] | None = None
    rows: list[list[str]] = []
    try:
        for row in reader:
            if not any(cell.strip() for cell in row):
                continue
            if header is None:
                header = _header(name, row)
            elif len(row) != len(header):
                raise BadData(
                    f"{name}: line {reader.line_num} has {len(row)} fields, the header has {len(header)}"
                )
            else:
                rows.append(row)
    except csv.Error as error:
        raise BadData(f"{name}: line {reader.line_num}: {error}") from error
    if not rows:
        raise BadData(f"{name}: no rows below the header")
    return header or [], rows


def _header(name: str, row: list[str]) -> list[str]:
    header = [cell.strip() or f"column {number}" for number, cell in enumerate(row, 1)]
    for column in header:
        if header.count(column) > 1:
            raise BadData(f"{name}: the header names column {column!r} twice: rename one")
    return header


def _cell(text: str) -> str | None:
    stripped = text.strip()
    return None if stripped.casefold() in MISSING else stripped
