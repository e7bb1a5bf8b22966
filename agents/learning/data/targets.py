"""What is to be learnt: classes, or a number."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from agents.core.errors import BadData
from agents.learning.data.columns import Numbers, numbers_of
from agents.learning.data.meaning.categories import Categories, categories_of, join
from agents.learning.data.reading.cells import Column
from agents.learning.data.samples import FloatArray, Int64Array, PredictionTask
from agents.learning.data.schema.kinds import AnyTarget, ClassTarget, NumberTarget

MIN_ROWS = 40
MIN_CLASS_ROWS = 10
MAX_CLASSES = 50
MAX_INTEGER_CLASSES = 20
"""A whole-number target with more distinct values than this is a regression's."""

RARE = "(rare)"


@dataclass(frozen=True)
class Target:
    """A target column, of the rows that have one.

    Attributes:
        rows: (n,) their numbers in the file.
        values: (n,) int64 class numbers, or float64.
        classes: their names in order; empty for a regression.
        column: for the schema.
    """

    rows: Int64Array
    values: Int64Array | FloatArray
    classes: tuple[str, ...]
    notes: tuple[str, ...]
    column: AnyTarget


def read_target(
    file: str, column: Column, task: PredictionTask | None = None, merge_rare: int | None = None
) -> Target:
    """The target's values.

    Args:
        file: its name, for messages.
        column: all its rows.
        task: what to take it for; by default words and at most `MAX_INTEGER_CLASSES` different whole numbers
            are classes, any other numbers a regression's.
        merge_rare: classes with fewer rows become one class; if even together they are fewer, their rows are
            left out.

    Raises:
        BadData: one line: what cannot be learnt, and what would do.
    """
    rows = np.flatnonzero(column.cells.present)
    enough(file, rows.size)
    numbers = numbers_of(column.take(rows), of_target=True)
    if numbers is None:
        if task is PredictionTask.REGRESSION:
            raise BadData(
                f"{file}: target {column.name!r} is text, and no number can be learnt from it: choose another"
                " column, or classification"
            )
        words, codes = column.take(rows).cells.distinct()
        found = categories_of(words, codes)
        classes = _Found(rows, found.codes, found.labels, found.notes)
    else:
        _check_finite(file, column.name, numbers.values)
        known = ~np.isnan(numbers.values)
        rows = rows[known]
        enough(file, rows.size)
        classes = _of_numbers(file, column.name, rows, replace(numbers, values=numbers.values[known]), task)
    if classes.classes:
        classes = _with_classes(file, column.name, classes, task, merge_rare, numeric=numbers is not None)
    dropped = rows_without(len(column.cells), rows.size)
    notes = (*dropped, *(f"target {column.name!r}: {note}" for note in classes.notes))
    made = _column(column.name, classes, numbers)
    return Target(classes.rows, classes.values, classes.classes, notes, made)


def enough(file: str, rows: int) -> None:
    """Refuses a table of too few rows.

    Raises:
        BadData: it is one.
    """
    if rows < MIN_ROWS:
        raise BadData(f"{file}: {rows} rows with a target; at least {MIN_ROWS} are needed")


def rows_without(cells: int, rows: int) -> list[str]:
    """A note on rows that have no target."""
    return [f"{cells - rows} rows without a target dropped"] if cells > rows else []


@dataclass(frozen=True)
class _Found:
    """A target as it looks; see `Target`. Of rare classes: what they became, or which are left out."""

    rows: Int64Array
    values: Int64Array | FloatArray
    classes: tuple[str, ...]
    notes: tuple[str, ...]
    rare: str | None = None
    left_out: tuple[str, ...] = ()


def _column(name: str, found: _Found, numbers: Numbers | None) -> AnyTarget:
    missing_words = () if numbers is None else numbers.missing_words
    if found.classes:
        return ClassTarget(
            kind="classes",
            name=name,
            classes=found.classes,
            rare=found.rare,
            left_out=found.left_out,
            numbers=None if numbers is None else numbers.form,
            missing_words=missing_words,
        )
    assert numbers is not None
    return NumberTarget(kind="number", name=name, written=numbers.form, missing_words=missing_words)


def _check_finite(file: str, name: str, values: FloatArray) -> None:
    infinite = int(np.isinf(values).sum())
    if infinite:
        raise BadData(
            f"{file}: target {name!r} is infinite in {infinite} of {values.size} rows: correct or empty them"
        )


def _of_numbers(
    file: str, name: str, rows: Int64Array, numbers: Numbers, task: PredictionTask | None
) -> _Found:
    values = numbers.values
    distinct = np.unique(values)
    if distinct.size == 1:
        raise BadData(f"{file}: target {name!r} is the same in every row: there is nothing to learn")
    whole = bool((distinct == np.rint(distinct)).all())
    if task is None and (not whole or distinct.size > MAX_INTEGER_CLASSES):
        task = PredictionTask.REGRESSION
    if task is PredictionTask.REGRESSION:
        return _Found(rows, values, (), numbers.notes)
    labels = tuple(str(int(value)) if whole else repr(float(value)) for value in distinct)
    return _Found(rows, np.searchsorted(distinct, values).astype(np.int64), labels, numbers.notes)


def _with_classes(
    file: str,
    name: str,
    target: _Found,
    task: PredictionTask | None,
    merge_rare: int | None,
    *,
    numeric: bool,
) -> _Found:
    if len(target.classes) == 1:
        raise BadData(
            f"{file}: target {name!r} has the single class {target.classes[0]!r}: there is nothing to learn"
        )
    if merge_rare is not None:
        target = _merged(target, merge_rare)
        enough(file, target.rows.size)
    number = ", or learn it as a number (task regression)" if numeric else ""
    if len(target.classes) > MAX_CLASSES:
        raise BadData(
            f"{file}: target {name!r} has {len(target.classes)} classes, over {MAX_CLASSES}: choose another "
            f"column{number}"
        )
    counts = np.bincount(target.values.astype(np.int64), minlength=len(target.classes))
    if counts.min() < MIN_CLASS_ROWS:
        rare = target.classes[int(counts.argmin())]
        raise BadData(
            f"{file}: class {rare!r} of target {name!r} has {counts.min()} rows, at least {MIN_CLASS_ROWS}"
            f" are needed: merge or drop it (merge-rare {MIN_CLASS_ROWS}){number}"
        )
    if len(target.classes) == 1:
        raise BadData(
            f"{file}: target {name!r} has no second class of {MIN_CLASS_ROWS} rows: choose another column"
        )
    if numeric and task is None and len(target.classes) > 2:
        note = f"{len(target.classes)} whole numbers, learnt as classes (task regression: as a number)"
        target = replace(target, notes=(*target.notes, note))
    return target


def _merged(target: _Found, least: int) -> _Found:
    """Rare classes as one, or left out if they are rare even together."""
    counts = np.bincount(target.values.astype(np.int64), minlength=len(target.classes))
    rare = set(np.flatnonzero(counts < least).tolist())
    if not rare:
        return target
    codes = target.values.astype(np.int64)
    total = int(counts[sorted(rare)].sum())
    if total >= least:
        joined = join(Categories(target.classes, codes), rare, RARE)
        return replace(
            target,
            values=joined.codes,
            classes=joined.labels,
            notes=(*target.notes, *joined.notes),
            rare=RARE,
        )
    kept: npt.NDArray[np.bool_] = ~np.isin(codes, sorted(rare))
    left = [place for place in range(len(target.classes)) if place not in rare]
    note = f"{total} rows of {len(rare)} rare classes (as {target.classes[min(rare)]!r}) left out"
    return _Found(
        target.rows[kept],
        np.searchsorted(left, codes[kept]).astype(np.int64),
        tuple(target.classes[place] for place in left),
        (*target.notes, note),
        left_out=tuple(target.classes[place] for place in sorted(rare)),
    )
