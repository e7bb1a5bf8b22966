"""Numbers as people write them: 26,162 and 1.250,50 and $5 and 25.6 % and −3 and <0.1.

How a column groups and divides its digits is decided by the column as a whole, and where it alone does not
tell, by the other columns of the file. What had to be understood is a note.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from agents.learning.data.meaning.missing import is_missing_number
from agents.learning.data.samples import FloatArray, Int64Array

MAX_STRAY = 0.05
"""Numbers among which so large a share of the cells is words are still numbers."""


@dataclass(frozen=True)
class Style:
    """What the file tells of how its numbers are written.

    Attributes:
        comma_usual: whether a comma divides decimals as a matter of course: it does not divide the cells.
        decimal: what divides decimals in columns where there is no doubt of it; empty if nothing, or both.
    """

    comma_usual: bool = False
    decimal: str = ""


@dataclass(frozen=True)
class Understood:
    """What a column's different words are as numbers.

    Attributes:
        values: one for each word; NaN for what is none.
        stray: for each word, whether it is no number although it is no usual spelling of a missing one.
        notes: what had to be understood, without the column's name.
    """

    values: FloatArray
    stray: tuple[bool, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Written:
    """A word that looks like a number."""

    sign: float
    digits: str
    exponent: str
    bound: str
    percent: bool
    currency: str
    brackets: bool


_CODES = "USD|EUR|GBP|CHF|JPY|CNY|INR|BRL|RUB|SEK|NOK|DKK|PLN|CZK|HUF|AUD|CAD|NZD|SGD|HKD|KRW|MXN|ZAR|TRY|ILS"
_CURRENCY = rf"(?:US|CA|AU|NZ|HK|R)?[$]|[€£¥₹₽₩₺₴₪₫฿₦₱¢]|(?:{_CODES})\b|Fr\.|kr\.?|zł|Kč|Rs\.?"
_WORD = re.compile(
    rf"""
    (?P<bound>[<>≤≥]=?)? \s*
    (?P<open>\()? \s* (?P<minus>[+-])? \s*
    (?P<before>{_CURRENCY})? \s* (?P<inner>[+-])? \s*
    (?P<digits>[0-9](?:[0-9.,' ]*[0-9.,])?|[.,][0-9]+)
    (?P<exponent>[eE][+-]?[0-9]+)? \s*
    (?P<percent>%)? \s* (?P<after>{_CURRENCY})? \s*
    (?P<close>\))?
    """,
    re.VERBOSE,
)
_AS_ASCII = str.maketrans(
    {"−": "-", "–": "-", "‐": "-", "’": "'", "\u00a0": " ", "\u202f": " ", "\u2009": " "}
)
_MINUSES = re.compile("[−–‐]")
_ZEROS = str.maketrans("123456789", "000000000")
_MANY = 10_000
_LOOKED_AT = 1000
"""Of very many different words, so many are looked at first: if none is a number, the column is none."""

Convention = tuple[str, str]
"""What stands between groups of three digits, and before decimals."""

_PLAIN: Convention = ("", ".")
_COMMA: Convention = ("", ",")
_EITHER: Convention = ("", ".,")
_CONVENTIONS: tuple[Convention, ...] = (
    _PLAIN,
    _COMMA,
    (",", "."),
    (".", ","),
    (" ", "."),
    (" ", ","),
    ("'", "."),
    ("'", ","),
    _EITHER,
)
_INDIAN = r"|[0-9]{1,2}(?:,[0-9]{2})+,[0-9]{3}"


def understand(
    words: Sequence[str], codes: Int64Array, style: Style, *, of_target: bool = False
) -> Understood | None:
    """A column's words as numbers; None if it is no column of numbers.

    Args:
        words: the different cells.
        codes: (n,) which word a row has; -1 for none.
        style: of the file.
        of_target: whether words such as "none" may be classes, and so count as words.
    """
    if len(words) > _MANY and not any(_written(word) for word in words[:: len(words) // _LOOKED_AT]):
        return None
    counts = np.bincount(codes[codes >= 0], minlength=len(words))
    written = [_written(word) for word in words]
    _keep_one_currency(written, counts)
    shapes = [None if one is None else _shape(one.digits) for one in written]
    tally: Counter[str] = Counter()
    examples: dict[str, str] = {}
    for one, shape, count in zip(written, shapes, counts, strict=True):
        if one is not None and shape is not None:
            tally[shape] += int(count)
            examples.setdefault(shape, one.digits)
    if not tally:
        return None
    convention, doubt = _convention(tally, examples, style)
    fit = {shape for shape in tally if _PATTERNS[convention].fullmatch(shape)}
    values = np.array(
        [
            _value(one, convention) if one is not None and shape in fit else np.nan
            for one, shape in zip(written, shapes, strict=True)
        ]
    )
    no_number = np.isnan(values)
    stray = [
        bool(lacks) and (of_target or not is_missing_number(word))
        for word, lacks in zip(words, no_number, strict=True)
    ]
    strays, known = int(counts[stray].sum()), int(counts[~no_number].sum())
    if strays > MAX_STRAY * (known + strays) or (strays and np.unique(values[~no_number]).size < 2):
        return None
    notes = [*_notes(words, counts, written, values, convention, style), *doubt]
    notes += _percent_notes(words, counts, written, values)
    return Understood(values, tuple(stray), tuple(notes))


def _written(word: str) -> _Written | None:
    found = _WORD.fullmatch(word.translate(_AS_ASCII).strip())
    if found is None or bool(found["open"]) != bool(found["close"]) or (found["minus"] and found["inner"]):
        return None
    if (found["before"] and found["after"]) or (found["bound"] and found["open"]):
        return None
    negative = "-" in (found["minus"], found["inner"]) or bool(found["open"])
    return _Written(
        -1.0 if negative else 1.0,
        found["digits"],
        found["exponent"] or "",
        found["bound"] or "",
        bool(found["percent"]),
        (found["before"] or found["after"] or "").rstrip("."),
        bool(found["open"]),
    )


def _keep_one_currency(written: list[_Written | None], counts: Int64Array) -> None:
    """Amounts in another currency than the most are no numbers of this column."""
    tally: Counter[str] = Counter()
    for one, count in zip(written, counts, strict=True):
        if one is not None and one.currency:
            tally[one.currency] += int(count)
    if len(tally) > 1:
        usual = tally.most_common(1)[0][0]
        written[:] = [None if one is not None and one.currency not in ("", usual) else one for one in written]


# --- groups and decimals ---


def _pattern(convention: Convention) -> re.Pattern[str]:
    group, decimal = (re.escape(mark) for mark in convention)
    tail = f"(?:[{decimal}][0-9]*)?"
    if not group:
        return re.compile(f"(?:[0-9]+{tail}|[{decimal}][0-9]+)")
    grouped = f"[0-9]{{1,3}}(?:{group}[0-9]{{3}})+" + (_INDIAN if convention[0] == "," else "")
    return re.compile(f"(?:(?:{grouped}|[0-9]+){tail}|[{decimal}][0-9]+)")


_PATTERNS = {convention: _pattern(convention) for convention in _CONVENTIONS}
_GROUPS = {mark: re.compile(rf"[1-9][0-9]{{0,2}}(?:{re.escape(mark)}[0-9]{{3}})+") for mark in ".,"}


def _convention(
    numbers: Counter[str], examples: dict[str, str], style: Style
) -> tuple[Convention, list[str]]:
    """How most cells can be read; where that leaves two ways, the file decides, and a doubt is a note."""
    fits = {
        convention: sum(count for digits, count in numbers.items() if pattern.fullmatch(digits))
        for convention, pattern in _PATTERNS.items()
    }
    most = max(fits.values())
    best = [convention for convention in _CONVENTIONS if fits[convention] == most]
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


def _shape(digits: str) -> str:
    """A number with every digit a zero, but for the first if it is none: all that conventions look at."""
    return ("0" if digits[0] == "0" else "1" if digits[0].isdigit() else digits[0]) + digits[1:].translate(
        _ZEROS
    )


def _value(one: _Written, convention: Convention) -> float:
    group, decimal = convention
    digits = one.digits.replace(group, "") if group else one.digits
    for mark in decimal:
        digits = digits.replace(mark, ".")
    return one.sign * float(digits + one.exponent)


# --- notes ---


def cells(count: int) -> str:
    """So many cells, in words."""
    return f"{count} cell" if count == 1 else f"{count} cells"


def _notes(
    words: Sequence[str],
    counts: Int64Array,
    written: Sequence[_Written | None],
    values: FloatArray,
    convention: Convention,
    style: Style,
) -> Iterator[str]:
    known = [
        (word, int(count), one, float(value))
        for word, count, one, value in zip(words, counts, written, values, strict=True)
        if one is not None and not np.isnan(value)
    ]
    group, decimal = convention
    usual = style.comma_usual or "," not in decimal
    kinds = (
        ("with thousands", lambda _, one: bool(group) and group in one.digits),
        ("with a decimal comma", lambda _, one: not usual and not group and "," in one.digits),
        ("in percent", lambda _, one: one.percent),
        ("in a currency", lambda _, one: bool(one.currency)),
        ("in brackets, as negative amounts", lambda _, one: one.brackets),
        ("with another minus sign", lambda word, _: _MINUSES.search(word) is not None),
        ("beyond a limit, set to the limit", lambda _, one: bool(one.bound)),
    )
    for what, holds in kinds:
        some = [(word, count, value) for word, count, one, value in known if holds(word, one)]
        if some:
            word, _, value = some[0]
            yield f"{cells(sum(count for _, count, _ in some))} {what} ({word!r} is {value:.15g})"


def _percent_notes(
    words: Sequence[str], counts: Int64Array, written: Sequence[_Written | None], values: FloatArray
) -> list[str]:
    """Cells without a percent sign among those with one: shares of 1 are multiplied, others as they are."""
    signed = np.array([one is not None and one.percent for one in written])
    bare = ~signed & ~np.isnan(values)
    if not signed.any() or not bare.any():
        return []
    first = int(np.flatnonzero(bare)[0])
    if np.abs(values[bare]).max() <= 1 < np.abs(values[signed]).max():
        values[bare] *= 100
    return [
        f"{cells(int(counts[bare].sum()))} without a percent sign among them "
        f"({words[first]!r} is {values[first]:g} %)"
    ]
