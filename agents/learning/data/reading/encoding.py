"""Bytes of a text file as UTF-8, whatever coding they are in."""

from __future__ import annotations

import codecs
import re

from agents.core.errors import BadData

_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_LOOKED_AT = 4096
_PIECE = 1 << 20
_WINDOWS = "Windows-1252"


def as_utf8(name: str, data: bytes) -> tuple[bytes, list[str]]:
    """A text's bytes as UTF-8 without a byte order mark, and notes.

    A byte order mark decides; text without one is UTF-8, or UTF-16 if every other byte is zero, or else
    Windows-1252.

    Raises:
        BadData: it is in none of these, or no text.
    """
    if data.startswith(codecs.BOM_UTF8):
        data = data[len(codecs.BOM_UTF8) :]
    for mark, coding in _MARKS:
        if data.startswith(mark):
            return _recoded(name, data, coding), []
    head = data[:_LOOKED_AT]
    if b"\0" in head:
        coding = "utf-16-le" if head[1::2].count(0) > head[::2].count(0) else "utf-16-be"
        if head.count(0) < len(head) // 4:
            raise BadData(f"{name}: no text: save the table as CSV, Excel or Parquet")
        return _recoded(name, data, coding), [f"read as {coding.upper()}, without a byte order mark"]
    at = _not_utf8(data)
    if at is None:
        return data, []
    recoded = _recoded(name, data, "cp1252", f"neither UTF-8 nor {_WINDOWS}")
    return recoded, [f"not UTF-8 at byte {at}: read as {_WINDOWS} ({_word_at(data, at)!r})"]


def _not_utf8(data: bytes) -> int | None:
    """Where it is not UTF-8."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    for begin in range(0, len(data), _PIECE):
        kept = len(decoder.getstate()[0])
        try:
            decoder.decode(data[begin : begin + _PIECE], begin + _PIECE >= len(data))
        except UnicodeDecodeError as error:
            return begin - kept + error.start
    return None


def _recoded(name: str, data: bytes, coding: str, what: str | None = None) -> bytes:
    try:
        return data.decode(coding).encode()
    except UnicodeError as error:
        at = f" at byte {error.start}" if isinstance(error, UnicodeDecodeError) else ""
        raise BadData(f"{name}: {what or f'not {coding.upper()}'}{at}: save it as UTF-8") from error


def _word_at(data: bytes, at: int) -> str:
    around = data[max(0, at - 20) : at + 20].decode("cp1252", "replace")
    words = re.findall(r"\w+", around)
    return next((word for word in words if not word.isascii()), around[min(at, 20)])
