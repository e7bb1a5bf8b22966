"""A schema as a document: one canonical form, and faults that are told in one line.

Rules: P40.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from agents.core.errors import BadData
from agents.learning.data.schema.document import MAX_BYTES, Schema, parse_schema

ROOT = Path(__file__).parents[4]
AGE = {"name": "age", "kind": "number", "range": [18, 90], "fill": 50}
SEX = {"name": "sex", "kind": "category", "categories": ["f", "m"], "fill": "f"}
SEEN = {"name": "seen", "kind": "date", "written": "day.month.year", "range": [0, 20000]}
STATE = {"kind": "classes", "name": "state", "classes": ["sick", "well"]}
COST = {"kind": "number", "name": "cost", "range": [0, 1000]}
WHOLE = {
    "holdfast_schema": 1,
    "task": "classification",
    "target": STATE,
    "columns": [AGE, SEX, SEEN],
    "dropped": ["row"],
    "group": "patient",
}


def parsed(**changes: object) -> Schema:
    return parse_schema(json.dumps({**WHOLE, **changes}).encode())


def refused(data: bytes) -> str:
    with pytest.raises(BadData) as caught:
        parse_schema(data, "s.json")
    message = str(caught.value)
    assert "\n" not in message
    return message.removeprefix("s.json: ")


def test_names_its_features_and_classes() -> None:
    schema = parsed(columns=[AGE, SEX, {**SEX, "name": "ward", "categories": ["a", "b", "f"]}])
    assert schema.features == ("age", "sex=m", "ward=a", "ward=b", "ward=f")
    assert schema.classes == ("sick", "well")
    assert parsed(task="regression", target=COST).classes == ()


def test_the_schema_in_the_documents_is_one() -> None:
    text = (ROOT / "docs" / "plans.md").read_text()
    [example] = [block for block in text.split("```")[1::2] if "holdfast_schema" in block]
    schema = parse_schema(example.removeprefix("json").encode())
    assert schema.features == ("age", "income", "seen", "sex=m")
    assert schema.group == "patient_id"


def test_centre_and_scale_are_by_default_those_of_the_range() -> None:
    age = parsed().columns[0]
    assert age.kind == "number"
    assert age.standard == (54, 18)
    [given] = parsed(columns=[{**AGE, "centre": 1, "scale": 2}]).columns
    assert given.kind == "number"
    assert given.standard == (1, 2)


def test_one_content_has_one_canonical_form() -> None:
    schema = parsed()
    canonical = schema.canonical_bytes()
    assert parse_schema(canonical) == schema
    assert parse_schema(schema.text().encode()) == schema
    assert schema.digest() == hashlib.sha256(canonical).digest()
    shuffled = json.dumps(dict(reversed(WHOLE.items())), indent=3) + "\n"
    assert parse_schema(shuffled.encode()).canonical_bytes() == canonical
    assert parsed(public=False, salt="").digest() == schema.digest()
    assert parsed(public=True).digest() != schema.digest()
    assert parsed(salt="ab" * 32).digest() != schema.digest()


def test_its_text_is_a_column_a_line_whatever_is_in_a_name() -> None:
    text = parsed(columns=[{**AGE, "name": "âge\u202e\x1b"}, SEX]).text()
    assert '  {"name": "âge\\u202e\\u001b", "kind": "number", "range": [18.0, 90.0], "fill": 50.0},\n' in text
    assert parse_schema(text.encode()).columns[0].name == "âge\u202e\x1b"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"colums": []}, "colums: Extra inputs are not permitted"),
        ({"holdfast_schema": 2}, "holdfast_schema: Input should be 1"),
        ({"task": "regression"}, "a regression does not learn a target of kind 'classes'"),
        ({"columns": []}, "columns: Tuple should have at least 1 item after validation, not 0"),
        ({"columns": [{**AGE, "fil": 3}]}, "column 'age': fil: Extra inputs are not permitted"),
        ({"columns": [{**AGE, "fill": "3"}]}, "column 'age': fill: Input should be a valid number"),
        (
            {"columns": [{**AGE, "centre": 1, "scale": 0}]},
            "column 'age': scale: Input should be greater than 0",
        ),
        ({"columns": [{**AGE, "centre": 1}]}, "column 'age': centre and scale go together"),
        ({"columns": [{**AGE, "range": [5, 5]}]}, "column 'age': a range goes up: 5 to 5 does not"),
        ({"columns": [{**AGE, "range": None}]}, "column 'age' has neither a range nor centre and scale"),
        ({"columns": [AGE, AGE]}, "column 'age' is there twice"),
        ({"dropped": ["state"]}, "column 'state' is there twice"),
        ({"group": "age"}, "column 'age' is there twice"),
        (
            {"columns": [{**SEX, "categories": ["f", "m", "f"]}]},
            "column 'sex': category 'f' is there twice",
        ),
        (
            {"columns": [{**SEX, "categories": ["f", "m", " F"]}]},
            "column 'sex': category ' F' is 'f' in another spelling",
        ),
        (
            {"columns": [{**SEX, "fill": "x"}]},
            "column 'sex': fill is 'x', which is none of the categories",
        ),
        (
            {"columns": [{**SEX, "other": "x"}]},
            "column 'sex': other is 'x', which is none of the categories",
        ),
        (
            {"columns": [{**SEX, "centre": [0.5, 0.5]}]},
            "column 'sex': centre has 2 numbers for 1 features",
        ),
        (
            {"columns": [{**AGE, "written": {"thousands": ".", "decimal": "."}}]},
            "column 'age': written: '.' between thousands and '.' before decimals",
        ),
        (
            {"columns": [{**AGE, "written": {"bare_factor": 100}}]},
            "column 'age': written: bare_factor is for columns whose units have '%'",
        ),
        ({"target": {**STATE, "classes": ["a", "A"]}}, "target: class 'A' is 'a' in another spelling"),
        ({"target": {**STATE, "rare": "x"}}, "target: rare is 'x', which is none of the classes"),
        (
            {"target": {**STATE, "numbers": {}}},
            "target: class 'sick' is no number, though the classes are numbers",
        ),
        (
            {"target": {**STATE, "classes": ["1", "2"], "left_out": ["x"], "numbers": {}}},
            "target: class 'x' is no number, though the classes are numbers",
        ),
        (
            {"target": {**STATE, "classes": ["1", "1.0"], "numbers": {}}},
            "target: two of the classes 1, 1.0 are the same number",
        ),
        (
            {"columns": [{**AGE, "range": [-1e308, 1e308]}]},
            "column 'age': the range -1e+308 to 1e+308 is too wide",
        ),
        ({"columns": [{**AGE, "fill": 10**400}]}, "column 'age': fill: Input should be a "),
        ({"task": "regression", "target": {**COST, "range": None}}, "column 'cost' has neither a range nor"),
    ],
)
def test_a_fault_is_one_line(changes: dict[str, object], message: str) -> None:
    assert refused(json.dumps({**WHOLE, **changes}).encode()).startswith(message)


def test_a_wrong_kind_names_the_kinds() -> None:
    told = refused(json.dumps({**WHOLE, "columns": [{**AGE, "kind": "numbers"}]}).encode())
    assert told.startswith("column 'age': Input tag 'numbers' found using 'kind'")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "no JSON document of a schema (Expecting value"),
        (b"\xff", "no JSON document of a schema ("),
        (b"[1]", "Input should be"),
        (b"[" * 100_000, "no JSON document of a schema ("),
        (b'{"task": 1, "task": 2}', "no JSON document of a schema (key 'task' is there twice)"),
        (b" " * (MAX_BYTES + 1), "larger than 16 MiB"),
    ],
)
def test_what_is_no_schema_is_one_line(data: bytes, message: str) -> None:
    assert refused(data).startswith(message)
