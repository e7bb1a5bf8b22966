"""Tables: scikit-learn's real data sets by name, or any file with a header row."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from agents.core.errors import BadData
from agents.learning.data.groups import Groups
from agents.learning.data.samples import FloatArray, Int64Array, PredictionTask
from agents.learning.data.schema.document import VERSION, Schema
from agents.learning.data.schema.kinds import ClassTarget, NumberColumn, NumberTarget

BUILT_IN = {
    "breast-cancer": "load_breast_cancer",
    "digits": "load_digits",
    "diabetes": "load_diabetes",
    "wine": "load_wine",
}


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
        schema: of its columns; a draft, without fills, centres and scales, unless it is `given`.
        groups: whose row each is, if a column says so.
    """

    name: str
    features: FloatArray
    target: Int64Array | FloatArray
    task: PredictionTask
    feature_names: tuple[str, ...]
    class_names: tuple[str, ...]
    notes: tuple[str, ...]
    schema: Schema
    groups: Groups | None = None
    given: bool = False


@dataclass(frozen=True)
class Asked:
    """What is to be made of a table; see `load_table`."""

    target: str | None = None
    task: PredictionTask | None = None
    merge_rare: int | None = None
    group: str | None = None
    keep: tuple[str, ...] = ()
    schema: Schema | None = None

    @property
    def said(self) -> tuple[str, ...]:
        """What was asked of the reading beside a schema, in words."""
        given = (
            (self.target, "target column"),
            (self.task, "task"),
            (self.merge_rare, "merging of rare classes"),
            (self.group, "group"),
            (self.keep or None, "columns to keep"),
        )
        return tuple(what for value, what in given if value is not None)


def load_table(
    source: str | Path,
    target: str | None = None,
    task: PredictionTask | None = None,
    merge_rare: int | None = None,
    query: str | None = None,
    *,
    group: str | None = None,
    keep: tuple[str, ...] = (),
    schema: Schema | None = None,
) -> Table:
    """Load a built-in data set (`BUILT_IN`), a file, or the rows of a query.

    A target that is text, or has at most 20 different whole numbers, makes a classification; any other a
    regression, unless `task` says otherwise.

    Args:
        source: a built-in name, the path of a file with a header (CSV and its kin, also packed, Parquet,
            Feather, Excel), or the address of a PostgreSQL database (``postgresql://user@host/database``).
        target: the column to learn; the last one by default.
        task: what the target is.
        merge_rare: classes with fewer rows are made one.
        query: a SELECT, for a database.
        group: the column that says whose row it is.
        keep: columns that are features though they look like an identifier, or give the target away.
        schema: says all of the above and what each column is, so that nothing is guessed.

    Raises:
        BadData: one line: what is wrong with the table and what to do.
        Departed: where it is not as the schema says.
    """
    asked = Asked(target, task, merge_rare, group, keep, schema)
    if schema is not None and asked.said:
        raise BadData(f"the schema says it all: leave the {asked.said[0]} out, or change the schema")
    is_database = str(source).startswith(("postgresql://", "postgres://"))
    if query is not None and not is_database:
        raise BadData("a query needs a database: give its address, postgresql://user@host/database")
    if str(source) in BUILT_IN:
        if asked.said or schema is not None:
            what = asked.said[0] if asked.said else "schema"
            raise BadData(f"built-in data {source} have their own target: leave the {what} out")
        return _built_in(str(source))
    if is_database:
        return _of_query(str(source), query, asked)
    if "://" in str(source):  # it may hold a password: it is not told
        raise BadData("no file but an address: save the table to a file first")
    if str(source) == "-":
        raise BadData("'-' is no file: save the table to one first")
    path = Path(source)
    try:
        there = path.exists()
    except OSError as error:  # a name that is too long, a folder that nobody may enter
        raise BadData(f"{str(source)[:80]}: {error.strerror}: name a file that can be read") from error
    if not there:
        raise BadData(
            f"no file {str(source)[:200]}, nor built-in data of that name: give a CSV, Excel or Parquet "
            f"file, or one of {', '.join(BUILT_IN)}"
        )
    # Not before a file is read: Arrow takes time and room, and other agents read none.
    from agents.learning.data.loading import table_of
    from agents.learning.data.reading.sources import read_file

    columns, notes = read_file(path)
    return table_of(path.name, columns, notes, asked)


def _of_query(address: str, query: str | None, asked: Asked) -> Table:
    if query is None:
        raise BadData("a database needs a query: say which rows with a SELECT")
    from agents.learning.data.loading import table_of
    from agents.learning.data.reading.database import read_query

    name, columns, notes = read_query(address, query)
    return table_of(name, columns, notes, asked)


def _built_in(name: str) -> Table:
    import sklearn.datasets  # nor this one, which is larger than all of an agent that waits

    bunch = getattr(sklearn.datasets, BUILT_IN[name])()
    task = PredictionTask.REGRESSION if name == "diabetes" else PredictionTask.CLASSIFICATION
    target = bunch.target.astype(np.float64 if task is PredictionTask.REGRESSION else np.int64)
    classes = () if task is PredictionTask.REGRESSION else tuple(str(label) for label in bunch.target_names)
    features = np.asarray(bunch.data, dtype=np.float64)
    names = tuple(map(str, bunch.feature_names))
    return Table(name, features, target, task, names, classes, (), _built_in_schema(task, names, classes))


def _built_in_schema(task: PredictionTask, names: tuple[str, ...], classes: tuple[str, ...]) -> Schema:
    return Schema(
        holdfast_schema=VERSION,
        task=task,
        target=ClassTarget(kind="classes", name="target", classes=classes)
        if classes
        else NumberTarget(kind="number", name="target"),
        columns=tuple(NumberColumn(kind="number", name=name) for name in names),
    )
