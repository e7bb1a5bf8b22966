"""What a text file's first lines tell: where the table begins, what divides it, its columns' names."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from agents.core.errors import BadData

MARKS = (",", ";", "\t", "|", " ")
_COMMENTS = ("#", "%", "//")
_SEP_LINE = re.compile(r'\s*"?sep=(.)"?\s*$', re.IGNORECASE)
_SAMPLE_BYTES = 4 << 20
_SAMPLE_ROWS = 50
_BELOW = 1 << 16


@dataclass(frozen=True)
class Layout:
    """How a text file is laid out.

    Attributes:
        delimiter: one character.
        names: of all columns of a row; empty for one that the header does not name.
        begin: where the first row begins, in bytes.
        lines: how many lines stand above it.
        comment: what comment lines begin with, if there are any.
        row_names: whether the first column has the rows' names, as R writes them: the header is one short.
        unnamed_end: whether rows end with a delimiter that the header lacks.
    """

    delimiter: str
    names: tuple[str, ...]
    begin: int
    lines: int
    comment: str | None
    row_names: bool
    unnamed_end: bool

    @property
    def header_fields(self) -> int:
        """How many fields the header has."""
        return len(self.names) - self.row_names - self.unnamed_end


class _Lines:
    """The lines of a text, whatever ends them, with a count of what was taken."""

    def __init__(self, text: str) -> None:
        self._lines = io.StringIO(text, newline="")
        self.lines = 0
        self.letters = 0

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = next(self._lines)
        self.lines += 1
        self.letters += len(line)
        return line


def layout_of(name: str, data: bytes) -> Layout:
    """Looks at a UTF-8 text's first lines.

    Raises:
        BadData: it is empty, or the header's quotes are broken.
    """
    text = data[:_SAMPLE_BYTES].decode("utf-8", "ignore")
    said, comment, begin, above = _preamble(text)
    if begin == len(text):
        raise BadData(f"{name}: the file is empty")
    delimiter = said or _delimiter(text[begin:])
    lines = _Lines(text[begin:])
    try:
        header = next(csv.reader(lines, delimiter=delimiter, strict=True, skipinitialspace=True))
    except csv.Error as error:
        raise BadData(f"{name}: line {above + lines.lines}: {error}") from error
    names = [field.strip() for field in header]
    names[0] = names[0].removeprefix("#").strip()  # a header written as a comment
    rest = text[begin + lines.letters :]
    rows = _rows(rest, delimiter)
    row_names, unnamed_end = _one_more(len(names), rows)
    while len(names) > 1 and not names[-1] and rows and all(len(row) < len(names) for row in rows):
        names.pop()
    names = [""] * row_names + names + [""] * unnamed_end
    start = len(text[: begin + lines.letters].encode())
    return Layout(delimiter, tuple(names), start, above + lines.lines, comment, row_names, unnamed_end)


def _preamble(text: str) -> tuple[str | None, str | None, int, int]:
    """The delimiter of a ``sep=`` line, the mark of comments, and letters and lines above the header."""
    lines = _Lines(text)
    said: str | None = None
    comment: str | None = None
    taken = (0, 0)
    for line in lines:
        sep = _SEP_LINE.match(line) if said is None else None
        mark = next((mark for mark in _COMMENTS if line.lstrip().startswith(mark)), None)
        if sep is not None:
            said = sep[1]
        elif mark is not None and not _is_header(
            line, text[lines.letters : lines.letters + _BELOW], mark, said
        ):
            comment = mark
        elif line.strip():
            break
        taken = (lines.letters, lines.lines)
    return said, comment, *taken


def _is_header(line: str, below: str, mark: str, said: str | None) -> bool:
    """Whether a line that begins like a comment has as many fields as the rows have that come next."""
    delimiter = said or _delimiter(line + below)
    first, *rows = _rows(line + below, delimiter)[:3]
    return (
        len(first) > 1
        and bool(rows)
        and not rows[0][0].lstrip().startswith(mark)
        and all(len(row) == len(first) for row in rows)
    )


def _delimiter(text: str) -> str:
    """Of all marks that one which divides the rows as the header, and both into most fields."""

    def worth(mark: str) -> tuple[bool, bool, int]:
        rows = _rows(text, mark)
        fields = len(rows[0])
        alike = sum(fields <= len(row) <= fields + 1 or not row[-1] for row in rows)
        if mark == " " and alike < len(rows):
            return False, False, 0
        return fields > 1, alike >= 0.9 * len(rows), 0 if mark == " " else fields

    return max(MARKS, key=worth)


def _rows(text: str, delimiter: str) -> list[list[str]]:
    """The first rows that are not blank, as well as can be told."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True)
    try:
        rows = [[field.strip() for field in row] for row in islice(reader, _SAMPLE_ROWS)]
    except csv.Error:
        rows = [[text[:_SAMPLE_ROWS]]]
    return [row for row in rows if any(row)] or [[""]]


def _one_more(fields: int, rows: list[list[str]]) -> tuple[bool, bool]:
    """Whether rows have one field more than the header: a name in front, or nothing at the end."""
    if (not rows[0][0] and len(rows) == 1) or any(len(row) != fields + 1 for row in rows):
        return False, False
    ends = not any(row[-1] for row in rows)
    return not ends, ends
