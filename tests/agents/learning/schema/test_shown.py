"""A schema to look at, two to compare, and the ranges of a public one."""

from __future__ import annotations

import json

import pytest

from agents.core.errors import BadData
from agents.learning.data.schema.document import Schema, parse_schema
from agents.learning.data.schema.ranges import ranges
from agents.learning.data.schema.shown import differences, shown
from tests.agents.learning.schema.test_document import AGE, COST, SEEN, SEX, WHOLE

COLUMNS = [
    {**AGE, "outside": "cut", "written": {"thousands": ",", "units": ["kg"]}, "missing_words": ["old"]},
    {**SEX, "categories": ["f", "m", "x"], "other": "x", "fill": None},
    {**SEEN, "fill": 100},
    {"name": "dose", "kind": "number", "centre": 1.5, "scale": 2.25},
]


def schema(**changes: object) -> Schema:
    return parse_schema(json.dumps({**WHOLE, "columns": COLUMNS, **changes}).encode())


def test_is_shown_as_a_table() -> None:
    lines = list(shown(schema()))
    assert lines[:5] == [
        "column  kind      range          centre  scale  missing      written",
        "age     number    18 to 90, cut  54      18     50           1,000.5 kg; missing: old",
        "sex     category                                a departure  f, m, x; others are x",
        "seen    date      0 to 20000     10000   5000   100          day.month.year",
        "dose    number                   1.5     2.25   a departure  plain",
    ]
    assert lines[6:-1] == [
        "target     state: sick, well",
        "task       classification, of 6 features",
        "group      patient: rows of one stay together",
        "dropped    row",
        "ranges     not public",
    ]
    assert lines[-1].endswith(schema().digest().hex())


def test_a_number_as_target_and_many_categories_are_shown() -> None:
    many = {**SEX, "categories": [f"c{i}" for i in range(9)], "fill": "c0"}
    lines = list(
        shown(schema(task="regression", target=COST, columns=[many], dropped=[], group=None, public=True))
    )
    assert "c0, c1, c2, c3, c4, c5, ... (9)" in lines[1]
    assert lines[3:6] == [
        "target     cost: a number, centre 500, scale 250",
        "task       regression, of 9 features",
        "ranges     public",
    ]


def test_differences_are_a_line_each() -> None:
    assert differences(schema(), schema(salt="ab" * 32)) == []
    other = schema(
        columns=[
            {**SEX, "categories": ["f", "m", "x"], "other": "x", "fill": "m"},
            {**AGE, "outside": "cut", "written": {"units": ["kg"]}, "missing_words": ["old"]},
            {"name": "seen", "kind": "number", "range": [0, 1]},
            {"name": "new", "kind": "number", "range": [0, 1]},
        ],
        group=None,
    )
    assert differences(schema(), other) == [
        "column 'dose' is in the first alone",
        "column 'new' is in the second alone",
        "column 'age': written is {'thousands': ',', 'units': ('kg',)} in the first, {'units': ('kg',)} in "
        "the second",
        "column 'sex': fill is not said in the first, m in the second",
        "column 'seen': kind is 'date' in the first, 'number' in the second",
        "the columns are in another order",
        "group is patient in the first, not said in the second",
    ]


def test_ranges_are_those_of_a_public_schema_alone() -> None:
    with pytest.raises(BadData, match="the schema's ranges are not public"):
        ranges(schema())
    with pytest.raises(BadData, match="the schema has no range for column 'dose'"):
        ranges(schema(public=True))
    public = schema(public=True, columns=[AGE, SEX, SEEN])
    assert ranges(public) == ({"age": (18, 90), "seen": (0, 20000)}, None)
    assert ranges(schema(public=True, columns=[AGE], task="regression", target=COST))[1] == (0, 1000)
