"""Tables: scikit-learn's real data sets by name, or any CSV file with a header row."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import sklearn.datasets

from agents.core.errors import BadData
from agents.learning.data.columns import Column, encode_features
from agents.learning.data.csv_file import read_csv
from agents.learning.data.samples import FloatArray, Int64Array, PredictionTask

BUILT_IN = {
    "breast-cancer": "load_breast_cancer",
    "digits": "load_digits",
    "diabetes": "load_diabetes",
    "wine": "load_wine",
}

MIN_ROWS = 40
MIN_CLASS_ROWS = 10
MAX_CLASSES = 50
MAX_INTEGER_CLASSES = 20
"""A whole-number target with more distinct values than this is a regression's."""


@dataclass(frozen=True)
class Table:
    """A table made of numbers, with what was done to it.

    Attributes:
        name: of the data set, or the file's name.
        features: (n, d) float64; NaN where a value is missing (`prepare.partition` fills in the training
            median).
        target: (n,) int64 class numbers, or float64 values of a regression.
        task: what the target is.
        feature_names: d names; a one-hot column is called ``column=category``.
        class_names: the classes in the order of their numbers; empty for a regression.
        notes: one line for each thing done to the data, for the report.
    """

    name: str
    features: FloatArray
    target: Int64Array | FloatArray
    task: PredictionTask
    feature_names: tuple[str, ...]
    class_names: tuple[str, ...]
    notes: tuple[str, ...]


def load_table(source: str | Path, target: str | None = None) -> Table:
    """Load a built-in data set (`BUILT_IN`) or a CSV file.

    A CSV target that is text, or has at most 20 different whole numbers, makes a classification; any other
    a regression.

    Args:
        source: a built-in name, or the path of a CSV file: UTF-8, header row, separated by comma, semicolon
            or tab.
        target: the column to learn; the last one by default.

    Raises:
        BadData: one line: what is wrong with the table and what to do.
    """
    if str(source) in BUILT_IN:
        if target is not None:
            raise BadData(f"built-in data {source} have their own target: leave the target column out")
        return _built_in(str(source))
    path = Path(source)
    if not path.is_file():
        raise BadData(
            f"no file {source}, nor built-in data of that name: give a CSV or one of {', '.join(BUILT_IN)}"
        )
    return _from_columns(path.name, read_csv(path), target)


def _built_in(name: str) -> Table:
    bunch = getattr(sklearn.datasets, BUILT_IN[name])()
    task = PredictionTask.REGRESSION if name == "diabetes" else PredictionTask.CLASSIFICATION
    target = bunch.target.astype(np.float64 if task is PredictionTask.REGRESSION else np.int64)
    classes = () if task is PredictionTask.REGRESSION else tuple(str(label) for label in bunch.target_names)
    features = np.asarray(bunch.data, dtype=np.float64)
    return Table(name, features, target, task, tuple(map(str, bunch.feature_names)), classes, ())


def _from_columns(name: str, columns: list[Column], target: str | None) -> Table:
    names = [column.name for column in columns]
    wanted = names[-1] if target is None else target
    if wanted not in names:
        raise BadData(f"{name}: no column {wanted!r}; its columns are {', '.join(names)}")
    notes = [f"target: column {wanted!r}"] if target is None else []
    goal = columns[names.index(wanted)]
    kept = [row for row, text in enumerate(goal.cells) if text is not None]
    if len(kept) < len(goal.cells):
        notes.append(f"{len(goal.cells) - len(kept)} rows without a target dropped")
    if len(kept) < MIN_ROWS:
        raise BadData(f"{name}: {len(kept)} rows with a target; at least {MIN_ROWS} are needed")
    values, class_names = _target(name, goal.take(kept))
    features, feature_names, feature_notes = encode_features(
        [c.take(kept) for c in columns if c.name != wanted]
    )
    if not feature_names:
        raise BadData(
            f"{name}: no usable feature column is left ({'; '.join(feature_notes) or 'only the target'})"
        )
    task = PredictionTask.CLASSIFICATION if class_names else PredictionTask.REGRESSION
    return Table(name, features, values, task, feature_names, class_names, (*notes, *feature_notes))


def _target(name: str, goal: Column) -> tuple[Int64Array | FloatArray, tuple[str, ...]]:
    """The target's values and, for a classification, the names of its classes."""
    numbers = goal.numbers()
    if numbers is not None:
        distinct = np.unique(numbers)
        if distinct.size == 1:
            raise BadData(f"{name}: target {goal.name!r} is the same in every row: there is nothing to learn")
        whole = bool((numbers == np.rint(numbers)).all())
        if not whole or distinct.size > MAX_INTEGER_CLASSES:
            return numbers, ()
        labels: list[str] = [str(int(value)) for value in distinct]
        codes = np.searchsorted(distinct, numbers).astype(np.int64)
    else:
        labels = sorted({text for text in goal.cells if text is not None})
        codes = np.array([labels.index(text) for text in goal.cells if text is not None], dtype=np.int64)
    _check_classes(name, goal.name, labels, np.bincount(codes))
    return codes, tuple(labels)


def _check_classes(name: str, target: str, labels: list[str], counts: Int64Array) -> None:
    if len(labels) == 1:
        raise BadData(
            f"{name}: target {target!r} has the single class {labels[0]!r}: there is nothing to learn"
        )
    if len(labels) > MAX_CLASSES:
        raise BadData(
            f"{name}: target {target!r} has {len(labels)} classes, over {MAX_CLASSES}: choose another column"
        )
    if counts.min() < MIN_CLASS_ROWS:
        rare = labels[int(counts.argmin())]
        raise BadData(
            f"{name}: class {rare!r} of target {target!r} has {counts.min()} rows, at least {MIN_CLASS_ROWS}"
            " are needed: merge or drop it"
        )
