"""Words as categories: spellings of one word are one, rare ones are grouped."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from agents.learning.data.samples import Int64Array

MAX_CATEGORIES = 20
"""With more, the rare ones become one."""

OTHER = "(other)"

_MIN_ROWS = 3
"""A category with fewer rows is rare, where there are too many."""

_MIN_COVERED = 0.2
"""If the usual categories have a smaller share of the rows, the column is an identifier or free text."""

_YES = frozenset({"yes", "y", "true", "t", "1", "on"})
_NO = frozenset({"no", "n", "false", "f", "0", "off"})


@dataclass(frozen=True)
class Categories:
    """A column of words.

    Attributes:
        labels: in alphabetical order.
        codes: (n,) which label a row has; -1 where missing.
        notes: what was joined, without the column's name.
    """

    labels: tuple[str, ...]
    codes: Int64Array
    notes: tuple[str, ...] = ()


def same_word(words: Sequence[str]) -> Callable[[str], str]:
    """What is equal of two spellings of one word, among these: all but capitals and blanks.

    In a column of yes and no alone, yes, Y and TRUE are one.
    """
    keys = {_key(word) for word in words}
    if keys <= _YES | _NO and keys & _YES and keys & _NO:
        return _yes_or_no
    return _key


def _key(word: str) -> str:
    return " ".join(word.split()).casefold()


def _yes_or_no(word: str) -> str:
    key = _key(word)
    return "yes" if key in _YES else "no" if key in _NO else key


def categories_of(words: Sequence[str], codes: Int64Array) -> Categories:
    """Words that differ in capitals and blanks alone are one; so are yes, Y and TRUE in a column of those.

    Each is called as it is written most often.
    """
    counts = np.bincount(codes[codes >= 0], minlength=len(words))
    same = same_word(words)
    keys = [same(word) for word in words]
    spellings: defaultdict[str, list[tuple[int, str]]] = defaultdict(list)
    for key, word, count in zip(keys, words, counts, strict=True):
        spellings[key].append((-int(count), word))
    names = {key: min(written)[1] for key, written in spellings.items()}
    labels = sorted(names.values())
    place = {label: number for number, label in enumerate(labels)}
    places = np.array([place[names[key]] for key in keys])
    joined = sorted(
        ", ".join(repr(word) for _, word in sorted(one)) for one in spellings.values() if len(one) > 1
    )
    notes = (f"spellings of one word joined: {'; '.join(joined[:3])}",) if joined else ()
    return Categories(tuple(labels), np.where(codes >= 0, places[codes], -1), notes)


def group_rare(categories: Categories) -> Categories | None:
    """At most `MAX_CATEGORIES`: the usual ones and `OTHER`; None if hardly a row has a usual one."""
    counts = np.bincount(categories.codes[categories.codes >= 0], minlength=len(categories.labels))
    by_size = sorted(range(counts.size), key=lambda place: (-counts[place], categories.labels[place]))
    usual = [place for place in by_size[: MAX_CATEGORIES - 1] if counts[place] >= _MIN_ROWS]
    if counts[usual].sum() < _MIN_COVERED * counts.sum():
        return None
    return join(categories, set(range(counts.size)) - set(usual), OTHER)


def join(categories: Categories, places: set[int], label: str) -> Categories:
    """The categories with some of them made one.

    Args:
        categories: of a column.
        places: which to join.
        label: what they become.
    """
    tally = Counter(categories.codes[categories.codes >= 0].tolist())
    names = [label if place in places else name for place, name in enumerate(categories.labels)]
    labels = tuple(sorted(set(names)))
    new = np.array([labels.index(name) for name in names])
    rows = sum(tally[place] for place in places)
    rarest = min(places, key=lambda place: (tally[place], categories.labels[place]))
    note = (
        f"{len(places)} rare categories of {rows} rows (as {categories.labels[rarest]!r}) made one, {label!r}"
    )
    codes = np.where(categories.codes >= 0, new[categories.codes], -1)
    return Categories(labels, codes, (*categories.notes, note))
