"""What strangers write: bytes that are no text, and texts that do something where they are shown."""

from __future__ import annotations

import unicodedata

NOT_UTF8 = b"\xff\xfe \xed\xa0\x80 \x1b[31m\x00\xc3"
ODD_BYTES = (b"", b"\0", NOT_UTF8, bytes(31), b"\xff" * 33, b"../" * 40)

ODD_TEXTS = (
    NOT_UTF8.decode(errors="backslashreplace"),
    "\x1b[31mred\x1b[0m",
    "\x1b]0;a title\x07",
    "\x1b[2J\x1b[H",
    "\x9b31m",
    "\n12:00:00 bob: all is well",
    "\r12:00:00 bob: all is well",
    "one\u2028two\u2029three\x0bfour\x0cfive\x85six",
    "\u202egnp.exe",
    "\u2066\u2067\u2068\u2069\u202a\u202b\u202c\u202d\u200e\u200f\u061c",
    "pay\u200b\u200c\u200d\u2060\ufeff\u00ad me",
    "z" + "\u0301" * 200,
    "\U000e0041\ue000\uffff\u0378\x7f\x00\x08",
    "\u3164\u2800",
    "<script>alert(1)</script>",
    '" onload="alert(1)',
    "$x_{$",
    "a|b`c`[d](e)",
    "%s %d {0}",
    "[bold red]x[/]",
    "x" * 100_000,
)
"""The kinds of it: colours, titles, erased screens, forged lines, other directions, letters that nobody sees
or that cover others, HTML, formulas, tables, templates, floods."""


def is_clean(line: str) -> bool:
    """Whether a line has neither an end within it nor a letter that is hidden."""
    hidden = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
    return not hidden & set(map(unicodedata.category, line)) and not set(line) & set("\u034f\u2800\u3164")
