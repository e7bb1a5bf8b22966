"""From a column of cells to numbers: as it looks, or as a schema says. Both ways end in the same arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from agents.learning.data.meaning.categories import same_word
from agents.learning.data.meaning.dates import read_dates, understand_compact, understand_dates
from agents.learning.data.meaning.forms import PLAIN, DateForm, NumberForm
from agents.learning.data.meaning.missing import is_missing_number
from agents.learning.data.meaning.numbers import Understood, cells, read_numbers, understand
from agents.learning.data.reading.cells import Column
from agents.learning.data.samples import FloatArray, Int64Array
from agents.learning.data.schema.kinds import CategoryColumn

MISSING, WRONG = -1, -2
"""In the place of a category's number: no cell, or a word that is none of the categories."""


@dataclass(frozen=True)
class Numbers:
    """A column that was understood as numbers.

    Attributes:
        values: (n,) float64, NaN where missing.
        notes: without the column's name.
        form: how they are written.
        missing_words: words among them that were taken for missing cells.
    """

    values: FloatArray
    notes: tuple[str, ...] = ()
    form: NumberForm | DateForm = PLAIN
    missing_words: tuple[str, ...] = ()


def numbers_of(column: Column, *, of_target: bool = False) -> Numbers | None:
    """A column's cells as numbers or days, as they look; None if they are words.

    Args:
        column: some cells of which are not missing.
        of_target: whether words such as "none" may be classes.
    """
    usual = column.style.decimal == "." and not column.style.comma_usual
    plain = None if not usual and column.cells.doubtful_dots() else column.cells.plain_numbers()
    if plain is not None:
        days = understand_compact(plain)
        return Numbers(plain) if days is None else Numbers(days.values, days.notes, days.form)
    words, codes = column.cells.distinct()
    understood = understand(words, codes, column.style, of_target=of_target) or understand_dates(words, codes)
    if understood is None:
        return None
    stray = sorted(word for word, is_stray in zip(words, understood.stray, strict=True) if is_stray)
    return Numbers(
        _each_row(understood.values, codes),
        (*understood.notes, *_strays(words, codes, understood)),
        understood.form,
        tuple(stray),
    )


def numbers_as(
    column: Column, form: NumberForm | DateForm, missing_words: Sequence[str]
) -> tuple[FloatArray, Int64Array]:
    """A column's cells as numbers or days that are written so.

    Args:
        column: of n cells.
        form: how they are written.
        missing_words: words that say that there is no number, beside the usual ones.

    Returns:
        (n,) float64 values, NaN where missing; and the numbers of the rows whose cells are something else.
    """
    if form == PLAIN or (isinstance(form, NumberForm) and column.cells.typed):
        plain = column.cells.plain_numbers()
        if plain is not None:
            return plain, np.array([], dtype=np.int64)
    words, codes = column.cells.distinct()
    values = read_numbers(words, form) if isinstance(form, NumberForm) else read_dates(words, form)
    known = {*missing_words}
    wrong = [
        bool(lacks) and word not in known and not is_missing_number(word)
        for word, lacks in zip(words, np.isnan(values), strict=True)
    ]
    values[[word in known for word in words]] = np.nan
    places = np.flatnonzero(np.array([*wrong, False])[codes])  # -1, a missing cell, is the last
    return _each_row(values, codes), places.astype(np.int64)


def categories_as(column: Column, labels: Sequence[str], other: str | None) -> Int64Array:
    """(n,) which of these labels a row has, or MISSING, or WRONG.

    Args:
        column: of n cells.
        labels: of the categories.
        other: the one of all other words, if there is one.
    """
    same = same_word(labels)
    place = {same(label): number for number, label in enumerate(labels)}
    rest = WRONG if other is None else labels.index(other)
    words, codes = column.cells.distinct()
    places = np.array([*(place.get(same(word), rest) for word in words), MISSING], dtype=np.int64)
    found: Int64Array = places[codes]
    return found


def one_hot(codes: Int64Array, column: CategoryColumn) -> tuple[FloatArray, ...]:
    """A column's features: (n,) float64 each, of the rows' categories; missing ones are filled."""
    fill = column.categories.index(column.fill) if column.fill is not None else MISSING
    filled = np.where(codes == MISSING, fill, codes)
    return tuple(
        (filled == place).astype(np.float64) for place in range(column.first, len(column.categories))
    )


def _each_row(values: FloatArray, codes: Int64Array) -> FloatArray:
    """(n,) the value of each row's word; NaN where there is none."""
    if not values.size:
        return np.full(codes.size, np.nan)
    return np.where(codes >= 0, values[codes], np.nan)


def _strays(words: list[str], codes: Int64Array, understood: Understood) -> list[str]:
    """A note on the words among numbers, which are missing cells now."""
    counts = np.bincount(codes[codes >= 0], minlength=len(words))
    missed = np.flatnonzero(np.isnan(understood.values))
    if not missed.size:
        return []
    usual = words[int(missed[counts[missed].argmax()])]
    return [f"{cells(int(counts[missed].sum()))} without a number (as {usual!r}) taken as missing"]
