"""Which mark groups digits and which divides decimals, as the words of a whole column tell."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass

Convention = tuple[str, str]
"""What stands between groups of three digits, and before decimals."""

_CONVENTIONS: tuple[Convention, ...] = (
    ("", "."),
    ("", ","),
    (",", "."),
    (".", ","),
    (" ", "."),
    (" ", ","),
    ("'", "."),
    ("'", ","),
    ("", ".,"),
)
_INDIAN = r"|[0-9]{1,2}(?:,[0-9]{2})+,[0-9]{3}"
_ZEROS = str.maketrans("123456789", "000000000")


@dataclass(frozen=True)
class Style:
    """What the file tells of how its numbers are written.

    Attributes:
        comma_usual: whether a comma divides decimals as a matter of course: it does not divide the cells.
        decimal: what divides decimals in columns where there is no doubt of it; empty if nothing, or both.
    """

    comma_usual: bool = False
    decimal: str = ""


def shape(digits: str) -> str:
    """A number with every digit a zero, but for the first if it is none: all that conventions look at."""
    return ("0" if digits[0] == "0" else "1" if digits[0].isdigit() else digits[0]) + digits[1:].translate(
        _ZEROS
    )


def fits(digits: str, convention: Convention) -> bool:
    """Whether a number, or its shape, is written so."""
    return _PATTERNS[convention].fullmatch(digits) is not None


def choose(numbers: Counter[str], examples: dict[str, str], style: Style) -> tuple[Convention, list[str]]:
    """How most cells can be read; where that leaves two ways, the file decides, and a doubt is a note.

    Args:
        numbers: how many cells have a shape.
        examples: a number of each.
        style: of the file.
    """
    counts = {
        convention: sum(count for digits, count in numbers.items() if pattern.fullmatch(digits))
        for convention, pattern in _PATTERNS.items()
    }
    most = max(counts.values())
    best = [convention for convention in _CONVENTIONS if counts[convention] == most]
    for mark in ".,":
        other = "," if mark == "." else "."
        if {("", mark), (mark, other)} <= set(best) and any(mark in digits for digits in numbers):
            return _of_two_ways(numbers, examples, mark, other, style)
    return best[0], []


def _of_two_ways(
    numbers: Counter[str], examples: dict[str, str], mark: str, other: str, style: Style
) -> tuple[Convention, list[str]]:
    """Of a column in which each mark is followed by three digits: do marks group, or divide decimals?

    Where every number has one mark, both give the same column but for a factor of 1000, which no model sees.
    """
    marked = [digits for digits in numbers if mark in digits]
    if not all(_GROUPS[mark].fullmatch(digits) for digits in marked):
        return ("", mark), []
    usual = style.comma_usual == (mark == ",")
    mixed = len(marked) < len(numbers)
    if style.decimal == other or (mixed and not usual and style.decimal != mark):
        return (mark, other), []
    if not mixed or (usual and style.decimal == mark):
        return ("", mark), []
    example = examples[marked[0]]
    plain = float(example.replace(mark, "."))
    told = f"{example!r} is {plain:g}, though it could be {example.replace(mark, '')}"
    return ("", mark), [f"every {mark!r} stands before three digits, read as a decimal mark ({told})"]


def _pattern(convention: Convention) -> re.Pattern[str]:
    group, decimal = (re.escape(mark) for mark in convention)
    tail = f"(?:[{decimal}][0-9]*)?"
    if not group:
        return re.compile(f"(?:[0-9]+{tail}|[{decimal}][0-9]+)")
    grouped = f"[0-9]{{1,3}}(?:{group}[0-9]{{3}})+" + (_INDIAN if convention[0] == "," else "")
    return re.compile(f"(?:(?:{grouped}|[0-9]+){tail}|[{decimal}][0-9]+)")


_PATTERNS = {convention: _pattern(convention) for convention in _CONVENTIONS}
_GROUPS = {mark: re.compile(rf"[1-9][0-9]{{0,2}}(?:{re.escape(mark)}[0-9]{{3}})+") for mark in ".,"}
