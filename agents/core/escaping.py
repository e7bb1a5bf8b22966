r"""Text that others wrote, made fit to be shown: one line of visible letters.

What is shown may hold the words of another member, a node, a store or a file. In a terminal they could
colour, move or erase; in a log begin a line of their own; anywhere swap the direction of what is read, or
hide in it. So they are escaped where they are shown, once for each kind of place, and not where they are
read: `agents.output` for terminals and logs, `agents.report` for pages and figures, `agents.demo` for its
screen.

What comes out is for people. A backslash stays as it is: paths and what was escaped before stay legible, and
escaping twice is escaping once. A program that has to tell ``\x1b`` from the letter of that number reads the
JSON.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator

MOST = 4_000
"""How many characters of a text are shown unless another number is given."""

LEAST = 64
"""No text is cut to fewer: as much as says what was left out."""

_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Categories that nobody sees or that move what is around them: controls, formats (which swap directions and
have no width), halves of letters, letters of private use or of no meaning, ends of lines and paragraphs."""

_BLANK = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
"""Letters by their category, and yet nothing to see."""

_MARKS = frozenset({"Mn", "Me"})
_MOST_MARKS = 4
"""Marks over and under one letter. Written languages have up to four; more of them cover other lines."""


def printable(text: object, most: int = MOST) -> str:
    r"""Anything as one line that does nothing but stand there; what is long loses its middle.

    Args:
        text: what is shown, or what has a ``str``.
        most: how many characters come out; at least `LEAST`.

    Returns:
        The text with each letter that is hidden as ``\xNN``, ``\uNNNN`` or ``\UNNNNNNNN``. Of that the same
        comes out again.
    """
    whole, most = str(text), max(most, LEAST)
    if len(whole) <= most:
        shown = escaped(whole)
        if len(shown) <= most:
            return shown
    return _cut(whole, most)


def escaped(text: str) -> str:
    """The same without a limit, for documents of our own that hold words of others."""
    return text if text.isascii() and text.isprintable() else "".join(_pieces(text))


def _pieces(text: str) -> Iterator[str]:
    """What each letter is shown as."""
    marks = _MOST_MARKS  # the first letter has nothing of ours to stand on
    for letter in text:
        category = unicodedata.category(letter)
        marks = marks + 1 if category in _MARKS else 0
        if category in _HIDDEN or letter in _BLANK or marks > _MOST_MARKS:
            yield _number(letter)
        else:
            yield letter


def _number(letter: str) -> str:
    code = ord(letter)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _cut(text: str, most: int) -> str:
    """Its head, how many of its letters are left out, and its tail; no escape is broken."""
    room = (most - len(_gap(len(text)))) // 2
    head, tail = list(_pieces(text[:room])), list(_pieces(text[-room:]))
    while sum(map(len, head)) > room:
        head.pop()
    while sum(map(len, tail)) > room:
        tail.pop(0)
    return "".join((*head, _gap(len(text) - len(head) - len(tail)), *tail))


def _gap(letters: int) -> str:
    return f" [... {letters:,} more ...] "
