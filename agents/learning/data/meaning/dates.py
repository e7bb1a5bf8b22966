"""Days and times of day as numbers: days since 1970, hours since midnight."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

import numpy as np

from agents.learning.data.meaning.forms import DateForm
from agents.learning.data.meaning.missing import is_missing_number
from agents.learning.data.meaning.numbers import MAX_STRAY, Understood
from agents.learning.data.samples import FloatArray, Int64Array

_EPOCH = date(1970, 1, 1).toordinal()
_FIRST_YEAR, _LAST_YEAR = 1900, 2100
_MIN_COMPACT = 10
_LOOKED_AT = 1000
"""Of many different words, about so many are looked at first: if none is a date of some form, none is."""

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_CENTURY_TURNS = 69
"""A year of two digits from here on is of the last century, as in POSIX."""

_CLOCK = r"(?:[T ]\s*(?P<H>\d{1,2}):(?P<M>\d{2})(?::(?P<S>\d{2}(?:[.,]\d+)?))?\s*(?P<half>[AaPp][Mm])?)?"


@dataclass(frozen=True)
class _Form:
    """A way to write dates: what a note calls it, and how it looks."""

    name: DateForm
    pattern: re.Pattern[str]


def _form(name: DateForm, pattern: str) -> _Form:
    return _Form(name, re.compile(pattern + _CLOCK, re.IGNORECASE))


_FORMS = (
    _form("year, month, day", r"(?P<y>\d{4})[-/.](?P<m>\d{1,2})[-/.](?P<d>\d{1,2})"),
    _form("day.month.year", r"(?P<d>\d{1,2})\.(?P<m>\d{1,2})\.(?P<y>\d{4}|\d{2})"),
    _form("month/day/year", r"(?P<m>\d{1,2})(?P<mark>[/-])(?P<d>\d{1,2})(?P=mark)(?P<y>\d{4}|\d{2})"),
    _form("day/month/year", r"(?P<d>\d{1,2})(?P<mark>[/-])(?P<m>\d{1,2})(?P=mark)(?P<y>\d{4}|\d{2})"),
    _form("day, month's name, year", r"(?P<d>\d{1,2})[-. ]+(?P<b>[a-z]{3,9})\.?[-., ]+(?P<y>\d{4}|\d{2})"),
    _form("month's name, day, year", r"(?P<b>[a-z]{3,9})\.? +(?P<d>\d{1,2}),? +(?P<y>\d{4})"),
    _form("year and month", r"(?P<y>\d{4})[-/](?P<m>\d{1,2})"),
)
_TIME = re.compile(
    r"(?P<H>\d{1,3}):(?P<M>[0-5]\d)(?::(?P<S>[0-5]\d(?:\.\d+)?))?\s*(?P<half>[ap]m)?", re.IGNORECASE
)


def understand_dates(words: Sequence[str], codes: Int64Array) -> Understood | None:
    """A column's words as days (or hours); None if it is no column of dates.

    Args:
        words: the different cells.
        codes: (n,) which word a row has; -1 for none.
    """
    counts = np.bincount(codes[codes >= 0], minlength=len(words))
    if not any(word[:1].isalnum() and any(letter.isdigit() for letter in word) for word in words[:50]):
        return None
    best: tuple[int, Understood] | None = None
    tied = ""
    some = words[:: max(1, len(words) // _LOOKED_AT)]
    for name, unit, read in _WAYS:
        if len(words) > _LOOKED_AT and all(read(word) is None for word in some):
            continue
        values = np.array([np.nan if (value := read(word)) is None else value for word in words])
        missed = np.isnan(values)
        stray = tuple(
            bool(lacks) and not is_missing_number(word) for word, lacks in zip(words, missed, strict=True)
        )
        known, strays = int(counts[~missed].sum()), int(counts[list(stray)].sum())
        if not known or strays > MAX_STRAY * (known + strays):
            continue
        if best is None or known > best[0]:
            first = int(np.flatnonzero(~missed)[0])
            best = (
                known,
                Understood(
                    values, stray, (f"{name} read as {unit} ({words[first]!r} is {values[first]:g})",), name
                ),
            )
            tied = name
            if read is _read_iso and not strays:
                break
        elif known == best[0] and tied == "month/day/year" and name == "day/month/year":
            note = f"{best[1].notes[0]}; no cell tells that days do not come first"
            best = known, Understood(best[1].values, best[1].stray, (note,), best[1].form)
    return best[1] if best is not None else None


def understand_compact(values: FloatArray) -> Understood | None:
    """Whole numbers of eight digits that all are dates (20240620) as days; None if they are not.

    Args:
        values: (n,) float64, NaN where missing.
    """
    known = values[~np.isnan(values)]
    distinct = np.unique(known)
    if distinct.size < _MIN_COMPACT or distinct[0] < _FIRST_YEAR * 10000 or distinct[-1] > _LAST_YEAR * 10000:
        return None
    days = [_days(int(one) // 10000, int(one) // 100 % 100, int(one) % 100) for one in distinct]
    if any(day is None or one != int(one) for day, one in zip(days, distinct, strict=True)):
        return None
    places = np.searchsorted(distinct, np.where(np.isnan(values), distinct[0], values))
    read = np.where(np.isnan(values), np.nan, np.array(days, dtype=np.float64)[places])
    told = f"year, month, day read as days since 1970 ('{int(known[0])}' is {read[~np.isnan(values)][0]:g})"
    return Understood(read, (), (told,), "yyyymmdd")


def read_dates(words: Sequence[str], form: DateForm) -> FloatArray:
    """What words are as days since 1970, or hours, if they are written so; NaN for those that are not."""
    read = _BY_NAME[form]
    return np.array([np.nan if (value := read(word)) is None else value for word in words])


def _days(year: int, month: int, day: int) -> float | None:
    try:
        return float(date(year, month, day).toordinal() - _EPOCH)
    except ValueError:
        return None


def _read_iso(word: str) -> float | None:
    """As ISO 8601 writes it, in the year's usual range, with or without time and zone."""
    if len(word) < 10 or word[4] != "-":
        return None
    try:
        at = datetime.fromisoformat(word)
    except ValueError:
        return None
    if at.tzinfo is not None:
        at = at.astimezone(UTC)
    seconds = at.hour * 3600 + at.minute * 60 + at.second + at.microsecond / 1e6
    return at.toordinal() - _EPOCH + seconds / 86400


def _read_form(form: _Form) -> Callable[[str], float | None]:
    def read(word: str) -> float | None:
        found = form.pattern.fullmatch(word)
        if found is None:
            return None
        parts = found.groupdict()
        month = _month(parts)
        year = int(parts["y"])
        if len(parts["y"]) == 2:
            year += 1900 if year >= _CENTURY_TURNS else 2000
        days = _days(year, month, int(parts.get("d") or 1))
        hours = _hours(parts)
        return None if days is None or hours is None else days + hours / 24

    return read


def _month(parts: dict[str, str | None]) -> int:
    """1 to 12; 0 for a word that is no month."""
    name = parts.get("b")
    if name is None:
        return int(parts["m"] or 0)
    return _MONTHS.index(name[:3].lower()) + 1 if name[:3].lower() in _MONTHS else 0


def _hours(parts: dict[str, str | None]) -> float | None:
    """Hours since midnight; None for an hour that no clock shows."""
    hour = int(parts["H"] or 0)
    half = (parts["half"] or "").lower()
    if half:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if half == "pm" else 0)
    minutes, seconds = int(parts["M"] or 0), float((parts["S"] or "0").replace(",", "."))
    return None if parts["M"] and minutes > 59 else hour + minutes / 60 + seconds / 3600


def _read_time(word: str) -> float | None:
    found = _TIME.fullmatch(word)
    return None if found is None else _hours(found.groupdict())


def _read_compact(word: str) -> float | None:
    if len(word) != 8 or not word.isdigit():
        return None
    return _days(int(word[:4]), int(word[4:6]), int(word[6:]))


_WAYS: tuple[tuple[DateForm, str, Callable[[str], float | None]], ...] = (
    ("year, month, day", "days since 1970", _read_iso),
    *((form.name, "days since 1970", _read_form(form)) for form in _FORMS),
    ("hours and minutes", "hours", _read_time),
)


def _read_year_first(word: str) -> float | None:
    days = _read_iso(word)
    return days if days is not None else _WAYS[1][2](word)


_BY_NAME: dict[DateForm, Callable[[str], float | None]] = {
    **{name: read for name, _, read in _WAYS},
    "year, month, day": _read_year_first,
    "yyyymmdd": _read_compact,
}
