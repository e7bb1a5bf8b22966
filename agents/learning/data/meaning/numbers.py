"""Numbers as people write them: 26,162 and 1.250,50 and $5 and 25.6 % and 12 kg and −3 and <0.1.

How a column groups and divides its digits is decided by the column as a whole, and where it alone does not
tell, by the other columns of the file. What had to be understood is a note. Where a schema says how numbers
are written, nothing is decided.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from agents.learning.data.meaning.amounts import PERCENT, Amount, amount, has_another_minus, is_currency
from agents.learning.data.meaning.conventions import Style, choose, fits, shape
from agents.learning.data.meaning.forms import DateForm, NumberForm
from agents.learning.data.meaning.missing import is_missing_number
from agents.learning.data.samples import FloatArray, Int64Array

__all__ = ["MAX_STRAY", "Style", "Understood", "cells", "read_numbers", "understand"]

MAX_STRAY = 0.05
"""Numbers among which so large a share of the cells is words are still numbers."""

_MANY = 10_000
_LOOKED_AT = 1000
"""Of very many different words, so many are looked at first: if none is a number, the column is none."""


@dataclass(frozen=True)
class Understood:
    """What a column's different words are as numbers.

    Attributes:
        values: one for each word; NaN for what is none.
        stray: for each word, whether it is no number although it is no usual spelling of a missing one.
        notes: what had to be understood, without the column's name.
        form: how they are written.
    """

    values: FloatArray
    stray: tuple[bool, ...]
    notes: tuple[str, ...]
    form: NumberForm | DateForm


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
    if len(words) > _MANY and not any(amount(word) for word in words[:: len(words) // _LOOKED_AT]):
        return None
    counts = np.bincount(codes[codes >= 0], minlength=len(words))
    amounts = [amount(word) for word in words]
    units = _usual_units(amounts, counts)
    amounts = [one if one is not None and one.unit in ("", *units) else None for one in amounts]
    shapes = [None if one is None else shape(one.digits) for one in amounts]
    tally: Counter[str] = Counter()
    examples: dict[str, str] = {}
    for one, form, count in zip(amounts, shapes, counts, strict=True):
        if one is not None and form is not None:
            tally[form] += int(count)
            examples.setdefault(form, one.digits)
    if not tally:
        return None
    (group, decimal), doubt = choose(tally, examples, style)
    written = NumberForm.model_validate({"thousands": group, "decimal": decimal, "units": units})
    values = _values(amounts, written)
    no_number = np.isnan(values)
    stray = [
        bool(lacks) and (of_target or not is_missing_number(word))
        for word, lacks in zip(words, no_number, strict=True)
    ]
    strays, known = int(counts[stray].sum()), int(counts[~no_number].sum())
    if strays > MAX_STRAY * (known + strays) or (strays and np.unique(values[~no_number]).size < 2):
        return None
    notes = [*_notes(words, counts, amounts, values, written, style), *doubt]
    bare = np.array([one is not None and not one.unit for one in amounts]) & ~no_number
    if PERCENT in units and bare.any():
        signed = ~bare & ~no_number
        if np.abs(values[bare]).max() <= 1 < np.abs(values[signed]).max():
            written = written.model_copy(update={"bare_factor": 100})
            values = _values(amounts, written)
    notes += _bare_notes(words, counts, values, bare, units)
    return Understood(values, tuple(stray), tuple(notes), written)


def read_numbers(words: Sequence[str], form: NumberForm) -> FloatArray:
    """What words are as numbers that are written so; NaN for those that are none."""
    known = ("", *form.units)
    amounts = [amount(word) for word in words]
    return _values([one if one is not None and one.unit in known else None for one in amounts], form)


def _usual_units(amounts: list[Amount | None], counts: Int64Array) -> tuple[str, ...]:
    """Percent signs, the usual currency, the usual unit: numbers with another are no numbers of a column."""
    tally: Counter[str] = Counter()
    for one, count in zip(amounts, counts, strict=True):
        if one is not None and one.unit:
            tally[one.unit] += int(count)
    kinds: dict[str, str] = {}
    for unit, _ in tally.most_common():
        kinds.setdefault("%" if unit == PERCENT else "$" if is_currency(unit) else "kg", unit)
    if "kg" in kinds and len(kinds) > 1:
        return (tally.most_common(1)[0][0],)
    return tuple(sorted(kinds.values()))


def _values(amounts: Sequence[Amount | None], form: NumberForm) -> FloatArray:
    convention = (form.thousands, form.decimal)
    factors = {True: float(form.bare_factor), False: 1.0}
    return np.array(
        [
            np.nan
            if one is None or not fits(one.digits, convention)
            else _value(one, form) * factors[not one.unit]
            for one in amounts
        ]
    )


def _value(one: Amount, form: NumberForm) -> float:
    digits = one.digits.replace(form.thousands, "") if form.thousands else one.digits
    for mark in form.decimal:
        digits = digits.replace(mark, ".")
    return one.sign * float(digits + one.exponent)


# --- notes ---


def cells(count: int) -> str:
    """So many cells, in words."""
    return f"{count} cell" if count == 1 else f"{count} cells"


def _notes(
    words: Sequence[str],
    counts: Int64Array,
    amounts: Sequence[Amount | None],
    values: FloatArray,
    form: NumberForm,
    style: Style,
) -> Iterator[str]:
    known = [
        (word, int(count), one, float(value))
        for word, count, one, value in zip(words, counts, amounts, values, strict=True)
        if one is not None and not np.isnan(value)
    ]
    group = form.thousands
    usual = style.comma_usual or "," not in form.decimal
    measured = [unit for unit in form.units if unit != PERCENT and not is_currency(unit)]
    kinds = (
        ("with thousands", lambda _, one: bool(group) and group in one.digits),
        ("with a decimal comma", lambda _, one: not usual and not group and "," in one.digits),
        ("in percent", lambda _, one: one.percent),
        ("in a currency", lambda _, one: bool(one.unit) and is_currency(one.unit)),
        (f"in {''.join(measured)}", lambda _, one: one.unit in measured),
        ("in brackets, as negative amounts", lambda _, one: one.brackets),
        ("with another minus sign", lambda word, _: has_another_minus(word)),
        ("beyond a limit, set to the limit", lambda _, one: bool(one.bound)),
    )
    for what, holds in kinds:
        some = [(word, count, value) for word, count, one, value in known if holds(word, one)]
        if some:
            word, _, value = some[0]
            yield f"{cells(sum(count for _, count, _ in some))} {what} ({word!r} is {value:.15g})"


def _bare_notes(
    words: Sequence[str],
    counts: Int64Array,
    values: FloatArray,
    bare: npt.NDArray[np.bool_],
    units: tuple[str, ...],
) -> Iterator[str]:
    """Cells without what others have beside their numbers; amounts of money are usual so."""
    named = [unit for unit in units if not is_currency(unit)]
    if not named or not bare.any():
        return
    first = int(np.flatnonzero(bare)[0])
    lacks = "a percent sign among them" if named == [PERCENT] else f"a unit, taken as {named[0]}"
    example = f"{words[first]!r} is {values[first]:g} {named[0]}"
    yield f"{cells(int(counts[bare].sum()))} without {lacks} ({example})"
