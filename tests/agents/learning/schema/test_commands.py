"""`holdfast schema make`, `check`, `show` and `compare`, and a data owner's `--schema`.

Rules: A17, P40, P41.
"""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import pytest

from agents import cli
from agents.core.errors import BadData
from agents.learning.data.schema.document import parse_schema, read_schema
from agents.output.terminal import say_document

CASES = Path(__file__).parents[1] / "tables" / "cases"
SLIP = CASES / "one-slip-of-the-key.csv"


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]):  # type: ignore[no-untyped-def]
    """What a command says on stdout and stderr, and its exit code."""

    def run_(*words: object) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            cli.main(["schema", *map(str, words)])
        said = capsys.readouterr()
        return int(ended.value.code or 0), said.out, said.err

    return run_


def test_makes_checks_and_shows(run, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    code, text, notes = run("make", SLIP, "--target", "state", "--seed", 1)
    assert code == 0
    assert "column 'pressure': 1 cell far from all others (as 1303000000) cut" in notes
    file = tmp_path / "s.json"
    file.write_text(text)
    assert '"outside": "cut"' in text
    assert run("check", SLIP, "--schema", file)[:2] == (
        0,
        "one-slip-of-the-key.csv is as the schema says: 100 rows, 2 features\n",
    )
    code, shown, _ = run("show", file)
    assert code == 0
    assert "pressure  number" in shown
    assert shown.endswith(f"hash       {read_schema(file).digest().hex()}\n")
    assert run("compare", file, file)[:2] == (0, "the same columns, read alike\n")


def test_every_departure_is_a_line_and_the_exit_code_two(run, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    file = tmp_path / "s.json"
    file.write_text(run("make", SLIP, "--target", "state", "--seed", 1)[1].replace('"cut"', '"refuse"'))
    code, said, _ = run("check", SLIP, "--schema", file)
    assert code == 2
    assert said.startswith("row ")
    assert "column 'pressure': '1303000000' is outside " in said
    assert said.count("\n") == 1
    other = tmp_path / "other.json"
    other.write_text(file.read_text().replace('"refuse"', '"cut"'))
    assert run("compare", file, other)[:2] == (
        1,
        "column 'pressure': outside is refuse in the first, cut in the second\n",
    )


def test_takes_what_a_data_owner_can_say_of_a_table(run) -> None:  # type: ignore[no-untyped-def]
    grouped = run(
        "make", CASES / "same-patient-four-times.csv", "--target", "state", "--group", "patient_id"
    )[1]
    assert parse_schema(grouped.encode()).group == "patient_id"
    kept = run("make", CASES / "index-with-gaps.csv", "--target", "state", "--keep", "column 1")[1]
    assert parse_schema(kept.encode()).features[0] == "column 1"
    task = ("--target", "visits", "--task", "regression")
    assert '"task": "regression"' in run("make", CASES / "count-target.csv", *task)[1]
    assert len(parse_schema(run("make", "wine")[1].encode()).columns) == 13


def test_what_cannot_be_read_is_one_line(run, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    missing = tmp_path / "none.json"
    code, said, told = run("show", missing)
    assert (code, said) == (2, "")
    assert told.endswith(f"schema {missing}: No such file or directory: name a JSON file of a schema\n")
    assert run("check", "nothing.csv", "--schema", missing)[0] == 2
    (tmp_path / "bad.json").write_text("{")
    with pytest.raises(BadData, match="no JSON document"):
        read_schema(tmp_path / "bad.json")


@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_a_document_stays_one_in_any_encoding(monkeypatch: pytest.MonkeyPatch, encoding: str) -> None:
    stream = io.TextIOWrapper(io.BytesIO(), encoding)
    monkeypatch.setattr(sys, "stdout", stream)
    say_document('{"straße": 1}')
    stream.flush()
    assert json.loads(stream.buffer.getvalue().decode(encoding)) == {"straße": 1}
