"""A table through a schema: what it makes of its own table, and where others depart from it.

Rules: P41.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from agents.core.errors import BadData
from agents.learning.data.prepare import partition
from agents.learning.data.samples import PredictionTask
from agents.learning.data.schema.departures import LISTED
from agents.learning.data.schema.document import Schema, parse_schema
from agents.learning.data.schema.kinds import CategoryColumn, ClassTarget, NumberColumn
from agents.learning.data.tables import load_table
from tests.agents.learning.schema.conftest import Lines, SchemaOf

CASES = Path(__file__).parents[1] / "tables" / "cases"
TARGETS = {
    "class-none": "improved",
    "mostly-zero-cost": "cost",
    "plain-regression": "y",
    "spellings-of-yes": "relapse",
    "year-of-a-series": "yield_",
    "trailing-commas": None,
}
REFUSED = ("infinite-target", "count-target")


def table(v: object = "{i}.5", u: object = "{i}", rows: int = 60) -> str:
    """A number, a cell of the test's own, and a class that neither tells."""
    lines = (f"{str(u).format(i=i * 7 % 13)},{str(v).format(i=i * 11 % 59)}" for i in range(rows))
    return "u,v,y\n" + "".join(f"{line},{'ab'[i // 2 % 2]}\n" for i, line in enumerate(lines))


@pytest.mark.parametrize(
    "name", sorted(path.stem for path in CASES.glob("*.csv") if path.stem not in REFUSED)
)
@pytest.mark.parametrize("seed", [0, 1])
def test_a_table_through_its_own_schema_is_the_same_to_the_bit(name: str, seed: int) -> None:
    target = TARGETS.get(name, "state")
    made = partition(load_table(CASES / f"{name}.csv", target), seed)
    assert made.schema is not None
    schema = parse_schema(made.schema.text().encode())
    again = partition(load_table(CASES / f"{name}.csv", schema=schema), seed)
    for one, other in (
        (made.train, again.train),
        (made.validation, again.validation),
        (made.test, again.test),
    ):
        assert np.array_equal(one.features, other.features)
        assert np.array_equal(one.target, other.target)
        assert one.classes == other.classes
    assert again.schema == made.schema


def test_a_count_through_its_own_schema() -> None:
    task = PredictionTask.REGRESSION
    made = partition(load_table(CASES / "count-target.csv", "visits", task), 0)
    again = partition(load_table(CASES / "count-target.csv", schema=made.schema), 0)
    assert np.array_equal(made.train.target, again.train.target)


@pytest.mark.parametrize(
    "v",
    [
        *["1,250", "1.250,5", "{i}%", "$ {i}", "{i} kg", "<{i}", "(1{i})", "−{i}", "{i}e2"],
        *["2024-06-{i:0>2}", "{i}:30"],
    ],
)
def test_each_way_to_write_is_kept(schema_of: SchemaOf, tmp_path: Path, v: str) -> None:
    cells = [v.format(i=i % 27 + 1) for i in range(58)] + ["n.d.", "broken"]
    content = "u;v;y\n" + "".join(f"{i * 7 % 13};{cell};{'ab'[i // 2 % 2]}\n" for i, cell in enumerate(cells))
    schema = schema_of(content)
    column = schema.columns[-1]
    if len(set(cells)) > 3:
        assert not isinstance(column, CategoryColumn)
        assert column.missing_words == ("broken",)
    path = tmp_path / "first.csv"
    one, other = load_table(path, "y"), load_table(path, schema=schema)
    assert np.array_equal(one.features, other.features, equal_nan=True)


def test_words_are_matched_as_they_are_joined(schema_of: SchemaOf, tmp_path: Path) -> None:
    schema = schema_of(
        "u,v,y\n" + "".join(f"{i * 7 % 13},{'yn'[i % 2]},{'ab'[i // 2 % 2]}\n" for i in range(60))
    )
    path = tmp_path / "second.csv"
    path.write_text(
        "v,y,u\n" + "".join(f"{(' TRUE', 'No')[i % 2]},{'ab'[i // 2 % 2]},{i * 7 % 13}\n" for i in range(60))
    )
    loaded = load_table(path, schema=schema)
    assert loaded.feature_names == ("u", "v=y")
    assert loaded.features[:4].tolist() == [[0, 1], [7, 0], [1, 1], [8, 0]]
    assert loaded.notes == ()


def test_other_words_go_where_the_schema_says(schema_of: SchemaOf, tmp_path: Path) -> None:
    codes = [f"c{i % 25}" for i in range(60)]
    content = "u,v,y\n" + "".join(
        f"{i * 7 % 13},{codes[i] if i % 2 else 'c0'},{'ab'[i // 2 % 2]}\n" for i in range(60)
    )
    schema = schema_of(content)
    column = schema.columns[1]
    assert isinstance(column, CategoryColumn)
    assert column.other == "(other)"
    path = tmp_path / "second.csv"
    path.write_text(content.replace("c0", "never seen"))
    loaded = load_table(path, schema=schema)
    assert loaded.feature_names == ("u", "v=c0")
    assert not loaded.features[:, 1].any()


def test_a_rare_spelling_of_yes_stays_with_the_others(schema_of: SchemaOf, tmp_path: Path) -> None:
    """Beside other words yes and Y are two."""
    words = [*["yes"] * 20, *["no"] * 20, *[f"w{i}" for i in range(19)], "Y"]
    content = "u,v,y\n" + "".join(f"{i * 7 % 13},{words[i]},{'ab'[i // 2 % 2]}\n" for i in range(60))
    schema = schema_of(content)
    one = load_table(tmp_path / "first.csv", "y")
    assert one.feature_names == ("u", "v=(other)", "v=no", "v=yes")
    other = load_table(tmp_path / "first.csv", schema=schema)
    assert np.array_equal(one.features, other.features)


@pytest.mark.parametrize(
    ("content", "first"),
    [
        (table(v="x{i}"), "row 1, column 'v': 'x0' is no number"),
        (table(v="1,5").replace("1,5", '"1,5"'), "row 1, column 'v': '1,5' is no number"),
        (table(v="{i}00"), "row 1, column 'v': '000' is outside 0.5 to 58.5"),
        (table(u=""), "column 'u' is all empty"),
        (table().replace("u,v", "U,v"), "column 'u' is not in the table: is it 'U'?"),
        (table().replace(",a\n", ",c\n"), "row 1, column 'y': 'c' is none of 'a', 'b'"),
    ],
)
def test_a_departure_names_row_column_and_value(
    schema_of: SchemaOf, departures: Lines, content: str, first: str
) -> None:
    schema = schema_of(table())
    if first.endswith("all empty"):
        column = schema.columns[0].model_copy(update={"fill": None})
        schema = schema.model_copy(update={"columns": (column, *schema.columns[1:])})
        first = "row 1, column 'u': an empty cell where the schema has nothing to fill it with"
    assert departures(content, schema)[0] == first


def test_columns_that_the_schema_does_not_name_depart_unless_it_drops_them(
    schema_of: SchemaOf, departures: Lines, tmp_path: Path
) -> None:
    schema = schema_of(table())
    wider = table().replace("u,v,y", "u,v,w,y").replace(".5,", ".5,9,")
    told = departures(wider, schema)
    assert told == ("column 'w' is not in the schema: add it, or name it as dropped",)
    (tmp_path / "third.csv").write_text(wider)
    dropped = schema.model_copy(update={"dropped": ("w",)})
    assert load_table(tmp_path / "third.csv", schema=dropped).feature_names == ("u", "v")


def test_without_its_target_nothing_else_is_looked_at(schema_of: SchemaOf, departures: Lines) -> None:
    told = departures(table(v="x").replace("u,v,y", "u,v,z"), schema_of(table()))
    assert told == (
        "column 'y' is not in the table",
        "column 'z' is not in the schema: add it, or name it as dropped",
    )


def test_many_departures_are_counted(schema_of: SchemaOf, departures: Lines) -> None:
    told = departures(table(v="x{i}"), schema_of(table()))
    assert len(told) == LISTED + 1
    assert told[-1] == "10 more departures"


def test_a_long_cell_is_cut(schema_of: SchemaOf, departures: Lines) -> None:
    assert departures(table(v="x" * 500), schema_of(table()))[0] == (
        f"row 1, column 'v': '{'x' * 80}...' is no number"
    )


def test_rows_are_counted_in_the_table_not_among_those_with_a_target(
    schema_of: SchemaOf, departures: Lines
) -> None:
    rows = table().splitlines()
    rows[1], rows[5] = rows[1][:-1], rows[5].replace("44.5", "broken")
    told = departures("\n".join(rows), schema_of(table()))
    assert told == ("row 5, column 'v': 'broken' is no number",)


def changed(schema: Schema, place: int, **fields: object) -> Schema:
    columns = list(schema.columns)
    columns[place] = columns[place].model_copy(update=fields)
    return schema.model_copy(update={"columns": tuple(columns)})


def test_other_values_are_cut_where_the_schema_says_so(schema_of: SchemaOf, tmp_path: Path) -> None:
    schema = changed(schema_of(table()), 1, range=(10.0, 20.0), outside="cut", fill=15.0)
    path = tmp_path / "second.csv"
    path.write_text(table().replace(",0.5,", ",,", 1))
    loaded = load_table(path, schema=schema)
    assert loaded.notes == (
        "column 'v': 49 cells (as '22.5') cut to 10 to 20",
        "column 'v': 1 missing values set to 15",
    )
    prepared = partition(loaded, 0)
    column = schema.columns[1]
    assert isinstance(column, NumberColumn)
    assert column.standard is not None
    centre, scale = column.standard
    assert prepared.train.features[:, 1].max() == round((20 - centre) / scale * 256)
    assert prepared.notes == ()
    assert prepared.schema == schema


def test_classes_may_be_left_out_or_made_one(schema_of: SchemaOf, tmp_path: Path) -> None:
    schema = schema_of(table())
    path = tmp_path / "second.csv"
    path.write_text(table() + "1,2,c\n" * 12)
    left = schema.model_copy(update={"target": schema.target.model_copy(update={"left_out": ("c",)})})
    assert load_table(path, schema=left).notes == ("target 'y': 12 rows left out (as 'c')",)
    target = ClassTarget(kind="classes", name="y", classes=("a", "b", "more"), rare="more")
    merged = load_table(path, schema=schema.model_copy(update={"target": target}))
    assert np.bincount(merged.target.astype(int)).tolist() == [30, 30, 12]


def test_a_class_of_few_rows_is_refused(schema_of: SchemaOf, tmp_path: Path) -> None:
    target = ClassTarget(kind="classes", name="y", classes=("a", "b", "c"))
    path = tmp_path / "second.csv"
    path.write_text(table() + "1,2,c\n" * 9)
    with pytest.raises(
        BadData, match=r"class 'c' of target 'y' has 9 rows, at least 10 are needed: leave it"
    ):
        load_table(path, schema=schema_of(table()).model_copy(update={"target": target}))


@pytest.mark.parametrize("label", ["1.0", "1", "1.5"])
def test_classes_that_are_numbers_go_by_value(
    schema_of: SchemaOf, departures: Lines, tmp_path: Path, label: str
) -> None:
    numbered = table().replace(",a\n", ",1\n").replace(",b\n", ",2\n")
    schema = schema_of(numbered)
    other = numbered.replace(",1\n", f",{label}\n")
    if label == "1.5":
        assert departures(other, schema)[0] == "row 1, column 'y': '1.5' is none of '1', '2'"
        return
    (tmp_path / "second.csv").write_text(other)
    assert np.bincount(load_table(tmp_path / "second.csv", schema=schema).target.astype(int)).tolist() == [
        30,
        30,
    ]


@pytest.mark.parametrize(
    "how",
    [
        {"target": "y"},
        {"task": PredictionTask.REGRESSION},
        {"merge_rare": 10},
        {"group": "u"},
        {"keep": ("u",)},
    ],
)
def test_what_the_schema_says_is_not_said_twice(
    schema_of: SchemaOf, tmp_path: Path, how: dict[str, object]
) -> None:
    schema = schema_of(table())
    with pytest.raises(BadData, match=r"the schema says it all: leave the .* out, or change the schema$"):
        load_table(tmp_path / "first.csv", schema=schema, **how)  # type: ignore[arg-type]


def test_built_in_data_take_no_schema(schema_of: SchemaOf) -> None:
    with pytest.raises(BadData, match=r"built-in data wine have their own target: leave the schema out$"):
        load_table("wine", schema=schema_of(table()))
