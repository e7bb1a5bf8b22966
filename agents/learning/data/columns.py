"""From columns of cells to numbers: what is kept, encoded or dropped, each decision with a note."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from agents.learning.data.identifiers import identifier, is_target, names_classes, numbers_rows
from agents.learning.data.meaning.categories import MAX_CATEGORIES, Categories, categories_of, group_rare
from agents.learning.data.meaning.dates import understand_compact, understand_dates
from agents.learning.data.meaning.numbers import Understood, cells, understand
from agents.learning.data.reading.cells import Column
from agents.learning.data.samples import FloatArray, Int64Array

MAX_MISSING = 0.4
"""A feature with a larger share of missing cells is dropped."""


@dataclass(frozen=True)
class Numbers:
    """A column that was understood as numbers.

    Attributes:
        values: (n,) float64, NaN where missing.
        notes: without the column's name.
    """

    values: FloatArray
    notes: tuple[str, ...] = ()


def numbers_of(column: Column, *, of_target: bool = False) -> Numbers | None:
    """A column's cells as numbers or days; None if they are words.

    Args:
        column: some cells of which are not missing.
        of_target: whether words such as "none" may be classes.
    """
    usual = column.style.decimal == "." and not column.style.comma_usual
    plain = None if not usual and column.cells.doubtful_dots() else column.cells.plain_numbers()
    if plain is not None:
        days = understand_compact(plain)
        return Numbers(plain) if days is None else Numbers(days.values, days.notes)
    words, codes = column.cells.distinct()
    understood = understand(words, codes, column.style, of_target=of_target) or understand_dates(words, codes)
    if understood is None:
        return None
    values = np.where(codes >= 0, understood.values[codes], np.nan)
    return Numbers(values, (*understood.notes, *_strays(words, codes, understood)))


def _strays(words: list[str], codes: Int64Array, understood: Understood) -> list[str]:
    """A note on the words among numbers, which are missing cells now."""
    counts = np.bincount(codes[codes >= 0], minlength=len(words))
    missed = np.flatnonzero(np.isnan(understood.values))
    if not missed.size:
        return []
    usual = words[int(missed[counts[missed].argmax()])]
    return [f"{cells(int(counts[missed].sum()))} without a number (as {usual!r}) taken as missing"]


@dataclass(frozen=True)
class _Encoded:
    arrays: tuple[FloatArray, ...] = ()
    names: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def encode_features(
    columns: Iterable[Column], target: FloatArray, classes: int
) -> tuple[FloatArray, tuple[str, ...], tuple[str, ...]]:
    """Encode feature columns: numbers as they are, words one-hot; unusable ones are dropped.

    Args:
        columns: of n rows each.
        target: (n,) float64: what is to be learnt, so that a column that tells it can be found.
        classes: how many it has; 0 for a regression.

    Returns:
        (n, d) float64 features with NaN where missing, their d names, and notes on what was done.
    """
    arrays: list[FloatArray] = []
    names: list[str] = []
    notes: list[str] = []
    for place, column in enumerate(columns):
        encoded = _encode(column, target, classes, first=place == 0)
        arrays += encoded.arrays
        names += encoded.names
        notes += encoded.notes
    features = np.empty((target.size, len(arrays)))
    for place in range(len(arrays)):
        features[:, place] = arrays[place]
        arrays[place] = features[:0, 0]  # room for the next
    return features, tuple(names), tuple(notes)


def _encode(column: Column, target: FloatArray, classes: int, *, first: bool) -> _Encoded:
    name = column.name
    if column.cells.absent == len(column.cells):
        return _dropped(name, f"{len(column.cells)} of {len(column.cells)} values are missing")
    numbers = numbers_of(column)
    if numbers is not None:
        values = np.where(np.isfinite(numbers.values), numbers.values, np.nan)
        return _encode_numbers(column, Numbers(values, numbers.notes), target, classes, first=first)
    words, codes = column.cells.distinct()
    return _encode_words(column, categories_of(words, codes), target, classes)


def _encode_numbers(
    column: Column, numbers: Numbers, target: FloatArray, classes: int, *, first: bool
) -> _Encoded:
    name, values = column.name, numbers.values
    absent = int(np.isnan(values).sum())
    if absent > MAX_MISSING * values.size:
        return _dropped(name, f"{absent} of {values.size} values are missing", *numbers.notes)
    distinct = np.unique(values[~np.isnan(values)])
    if distinct.size == 1:
        return _dropped(name, "it is constant")
    rows = numbers_rows(name, values, distinct, unnamed=column.unnamed, first=first)
    if rows is not None:
        return _dropped(name, rows)
    if classes == distinct.size:
        codes = np.where(np.isnan(values), -1, np.searchsorted(distinct, values))
        told = names_classes(codes, distinct.size, target, classes)
    else:
        told = None if classes else is_target(values, target)
    if told is not None:
        return _dropped(name, told)
    notes = [f"column {name!r}: {note}" for note in numbers.notes]
    if absent:
        notes.append(f"column {name!r}: {absent} missing values set to the training median")
    return _Encoded((values,), (name,), tuple(notes))


def _encode_words(column: Column, found: Categories, target: FloatArray, classes: int) -> _Encoded:
    name, rows = column.name, found.codes.size
    absent = int((found.codes < 0).sum())
    if absent > MAX_MISSING * rows:
        return _dropped(name, f"{absent} of {rows} values are missing")
    if len(found.labels) == 1:
        return _dropped(name, "it is constant")
    known = identifier(name, len(found.labels), rows - absent)
    if known is not None:
        return _dropped(name, known)
    told = names_classes(found.codes, len(found.labels), target, classes)
    if told is not None:
        return _dropped(name, told)
    few = found if len(found.labels) <= MAX_CATEGORIES else group_rare(found)
    if few is None:
        return _dropped(name, f"text with {len(found.labels)} different values")
    counts = np.bincount(few.codes[few.codes >= 0], minlength=len(few.labels))
    usual = int(counts.argmax())
    filled = np.where(few.codes < 0, usual, few.codes)
    first = 1 if len(few.labels) == 2 else 0
    note = f"column {name!r}: {len(few.labels)} categories one-hot encoded"
    note += f", {absent} missing values set to {few.labels[usual]!r}" if absent else ""
    notes = [*(f"column {name!r}: {joined}" for joined in few.notes), note]
    return _Encoded(
        tuple((filled == place).astype(np.float64) for place in range(first, len(few.labels))),
        tuple(f"{name}={label}" for label in few.labels[first:]),
        tuple(notes),
    )


def _dropped(name: str, why: str, *notes: str) -> _Encoded:
    return _Encoded(notes=(f"column {name!r} dropped: {'; '.join((why, *notes))}",))
