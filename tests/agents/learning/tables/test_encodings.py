"""Text files in any coding.

Rules: P10, P18.
"""

from __future__ import annotations

import pytest

from agents.core.errors import BadData
from agents.learning.data.reading.encoding import as_utf8
from testing.csv_lines import Loader, lines

TEXT = "Größe,v,y\n" + lines(lambda i: i * i % 17)


@pytest.mark.parametrize(
    "coding", ["utf-8", "utf-8-sig", "utf-16", "utf-32", "utf-16-le", "utf-16-be", "cp1252"]
)
def test_every_coding_gives_the_same_table(load: Loader, coding: str) -> None:
    table = load(TEXT.encode(coding))
    assert table.feature_names == ("Größe", "v")
    assert table.features[:3].tolist() == [[0.5, 0], [7.5, 1], [1.5, 4]]


@pytest.mark.parametrize(
    ("data", "text", "notes"),
    [
        (b"abc", b"abc", []),
        ("é".encode(), "é".encode(), []),
        (b"\xef\xbb\xbfabc", b"abc", []),
        ("aé".encode("utf-16"), "aé".encode(), []),
        (b"\xfe\xff\x00a", b"a", []),
        ("é".encode("utf-32"), "é".encode(), []),
        (b"a\x00b\x00", b"ab", ["read as UTF-16-LE, without a byte order mark"]),
        (b"\x00a\x00b", b"ab", ["read as UTF-16-BE, without a byte order mark"]),
        (b"in M\xfcnster", "in Münster".encode(), ["not UTF-8 at byte 4: read as Windows-1252 ('Münster')"]),
        (b"cost \x80", "cost €".encode(), ["not UTF-8 at byte 5: read as Windows-1252 ('€')"]),
    ],
)
def test_a_mark_decides_and_what_was_guessed_is_noted(data: bytes, text: bytes, notes: list[str]) -> None:
    assert as_utf8("t", data) == (text, notes)


def test_finds_what_is_not_utf8_at_the_border_of_two_pieces() -> None:
    letters = b"a" * ((1 << 20) - 1)
    assert as_utf8("t", letters + "é".encode()) == (letters + "é".encode(), [])
    with pytest.raises(BadData, match=rf"^t: neither .* at byte {1 << 20}: save it as UTF-8$"):
        as_utf8("t", letters + b"a\x81")
    _, notes = as_utf8("t", letters + b"\xe9a")
    assert notes == [f"not UTF-8 at byte {len(letters)}: read as Windows-1252 ('{'a' * 20}éa')"]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"a\x81b", "t: neither UTF-8 nor Windows-1252 at byte 1: save it as UTF-8"),
        (b"\xff\xfea", "t: not UTF-16 at byte 2: save it as UTF-8"),
        (bytes(range(256)) * 4, "t: no text: save the table as CSV, Excel or Parquet"),
    ],
)
def test_refuses_what_is_no_text(data: bytes, message: str) -> None:
    with pytest.raises(BadData) as refused:
        as_utf8("t", data)
    assert str(refused.value) == message
