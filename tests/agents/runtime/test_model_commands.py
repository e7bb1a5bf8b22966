"""`holdfast model export` and `holdfast predict`: from a model owner's folder to answers about a table.

Rules: P65.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
import pytest

from agents import cli
from agents.learning.data.prepare import partition
from agents.learning.data.tables import load_table
from agents.learning.evaluate import forecast, in_one_place, predict
from agents.learning.families.registry import default_plan, family_of
from agents.learning.plans.base import Plan
from testing.workers import TC

ROWS = [
    f"{n % 17},{['red', 'blue'][(n % 17 < 8) ^ (n % 30 == 0)]},{3 * (n % 17) + n % 5}" for n in range(120)
]


def table(folder: Path, target: str, rows: Sequence[str] = ROWS, header: str = "size,colour,price") -> Path:
    path = folder / f"{target}.csv"
    path.write_text("\n".join([header, *rows]) + "\n")
    return path


def trained(folder: Path, file: Path, target: str) -> Plan:
    """A model owner's folder, and what its data owner hands over."""
    loaded = load_table(file, target)
    prepared = partition(loaded, 0)
    form = prepared.train
    plan = default_plan(form.task, form.classes, form.features.shape[1])
    assert prepared.schema is not None
    (folder / "schema.json").write_text(prepared.schema.text())
    kept = folder / "models" / "tumour"
    states = kept / "states" / f"{TC:x}"
    states.mkdir(parents=True)
    (kept / "plan.json").write_bytes(plan.canonical_bytes())
    (states / "9.weights").write_bytes(family_of(plan).initial_weights().to_bytes())
    (states / "10.weights").write_bytes(in_one_place(plan, form).to_bytes())
    return plan


def run(*words: object) -> int:
    with pytest.raises(SystemExit) as end:
        cli.main([str(word) for word in words])
    return int(end.value.code or 0)


def exported(folder: Path) -> Path:
    out = folder / "model.json"
    words = ("--schema", folder / "schema.json", "--onnx", folder / "model.onnx")
    assert run("model", "export", "tumour", "--home", folder, "--out", out, *words) == 0
    return out


def answers(folder: Path, model: Path, file: Path) -> list[list[str]]:
    assert run("predict", file, "--model", model, "--out", folder / "answers.csv") == 0
    return list(csv.reader((folder / "answers.csv").read_text().splitlines()))


def test_classes_and_their_chances_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = table(tmp_path, "colour")
    plan = trained(tmp_path, file, "colour")
    model = exported(tmp_path)
    assert "2 features, 2 classes" in capsys.readouterr().out
    header, *found = answers(tmp_path, model, file)
    assert header == ["class", "chance of blue", "chance of red"]
    assert len(found) == 120
    prepared = partition(load_table(file, "colour"), 0)
    weights = in_one_place(plan, prepared.train)
    assert forecast(plan, weights, prepared.train).chances is not None
    told = [["blue", "red"].index(row[0]) for row in found]
    everything = [float(row[2]) for row in found]
    assert np.mean([label == (chance > 0.5) for label, chance in zip(told, everything, strict=True)]) == 1
    assert np.mean(predict(plan, weights, prepared.train) == prepared.train.target) > 0.9


def test_values_are_told_in_the_targets_own_unit(tmp_path: Path) -> None:
    file = table(tmp_path, "price")
    trained(tmp_path, file, "price")
    header, *found = answers(tmp_path, exported(tmp_path), file)
    assert header == ["value"]
    truth = np.array([float(row.split(",")[2]) for row in ROWS])
    assert np.abs(np.array([float(value) for (value,) in found]) - truth).mean() < 3


def test_the_last_round_is_exported_and_onnx_can_be_read(tmp_path: Path) -> None:
    trained(tmp_path, table(tmp_path, "price"), "price")
    told = json.loads(exported(tmp_path).read_text())
    assert any(any(row) for row in told["weights"]["output"])
    onnx.checker.check_model(onnx.load_from_string((tmp_path / "model.onnx").read_bytes()), full_check=True)


def test_answers_are_printed_without_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = table(tmp_path, "price")
    trained(tmp_path, file, "price")
    model = exported(tmp_path)
    capsys.readouterr()
    assert run("predict", table(tmp_path, "few", ["3,red", "4,blue"], "size,colour"), "--model", model) == 0
    assert capsys.readouterr().out.splitlines()[0] == "value"


def test_cells_that_cannot_be_read_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [f"{n % 17},{['red', 'blue', 'green'][n % 3]},{3 * (n % 17) + n % 5}" for n in range(120)]
    trained(tmp_path, table(tmp_path, "price", rows), "price")
    model = exported(tmp_path)
    capsys.readouterr()
    strange = table(tmp_path, "few", ["3,red", ",purple", "4,blue"], "size,colour")
    assert run("predict", strange, "--model", model) == 2
    said = capsys.readouterr().err.splitlines()
    assert said == ["row 2, column 'colour': 'purple' is none of 'blue', 'green', 'red'"]
    gaps = table(tmp_path, "gaps", ["3,red", ",blue"], "size,colour")
    assert run("predict", gaps, "--model", model) == 0
    assert "column 'size'" in capsys.readouterr().err


def test_what_is_missing_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = table(tmp_path, "price")
    for words, told in (
        (("model", "export", "tumour", "--home", tmp_path, "--out", tmp_path / "m"), "has no trained model"),
        (("predict", file, "--model", tmp_path / "none"), "no file"),
        (("predict", tmp_path / "none.csv", "--model", file), "name a table"),
        (("predict", file, "--model", file), "no model that `holdfast model export` wrote"),
    ):
        assert run(*words) == 2
        said = capsys.readouterr().err
        assert told in said
        assert said.count("\n") == 1


def test_damaged_weights_are_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    trained(tmp_path, table(tmp_path, "price"), "price")
    (tmp_path / "models" / "tumour" / "states" / f"{TC:x}" / "10.weights").write_bytes(b"damaged")
    assert run("model", "export", "tumour", "--home", tmp_path, "--out", tmp_path / "m") == 2
    assert "10.weights: " in capsys.readouterr().err


def test_without_a_schema_a_model_reads_no_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = table(tmp_path, "price")
    trained(tmp_path, file, "price")
    assert run("model", "export", "tumour", "--home", tmp_path, "--out", tmp_path / "m") == 0
    assert run("predict", file, "--model", tmp_path / "m") == 2
    assert "export it with --schema" in capsys.readouterr().err
