"""A trained model as a file: what it gives is what the agents' own scores are, bit for bit.

Rules: P65.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx.reference import ReferenceEvaluator

from agents.core.errors import BadData, BadPlan
from agents.learning.data.prepare import Prepared, partition
from agents.learning.data.reading.sources import read_file
from agents.learning.data.samples import FEATURE_BITS, FEATURE_LIMIT, FloatArray, Samples
from agents.learning.data.scaling import Standardiser, quantised
from agents.learning.data.schema.rows import rows_of
from agents.learning.data.tables import Table, load_table
from agents.learning.evaluate import forecast, in_one_place
from agents.learning.export.document import TrainedDocument
from agents.learning.export.onnx import to_onnx
from agents.learning.families.registry import default_plan, family_of
from agents.learning.integers.weights import Weights
from agents.learning.judgement import Forecast

FAMILIES = [
    ("breast-cancer", None),
    ("breast-cancer", "encrypted-linear"),
    ("wine", "logistic"),
    ("wine", "encrypted-features"),
    ("diabetes", None),
    ("diabetes", "ridge"),
]


def trained(name: str | Path, model: str | None = None) -> tuple[TrainedDocument, Table, Prepared]:
    table = load_table(name)
    prepared = partition(table, 0)
    form = prepared.train
    plan = default_plan(form.task, form.classes, form.features.shape[1], model, 8, rows=len(form))
    plan = plan.model_copy(update={"rounds": 2})
    return TrainedDocument(plan, in_one_place(plan, form), prepared.schema), table, prepared


def run(model: bytes, features: FloatArray) -> list[FloatArray]:
    made = onnx.load_from_string(model)
    onnx.checker.check_model(made, full_check=True)
    return [np.asarray(value) for value in ReferenceEvaluator(made).run(None, {"features": features})]


@pytest.mark.parametrize(("name", "model"), FAMILIES)
def test_onnx_gives_the_agents_scores_bit_for_bit(name: str, model: str | None) -> None:
    document, table, prepared = trained(name, model)
    scores, said = run(to_onnx(document), table.features)
    rows = run_of_samples(prepared, table)
    own = family_of(document.plan).scores(document.weights, rows)
    assert np.array_equal(scores, own)
    if document.plan.classes:
        assert np.array_equal(said, own.argmax(axis=1))
    else:
        assert document.schema is not None
        centre, scale = document.schema.unit
        assert np.array_equal(said, own[:, 0] * scale + centre)


def run_of_samples(prepared: Prepared, table: Table) -> Samples:
    """All of a table's rows as they are learnt, in its order."""
    assert prepared.schema is not None
    standard = Standardiser.of(prepared.schema).apply(table.features)
    grid = quantised(standard, FEATURE_BITS, FEATURE_LIMIT)
    return Samples(grid, np.zeros(len(grid), np.int32), prepared.train.classes)


def test_without_a_schema_the_input_is_standardised() -> None:
    document, _, prepared = trained("wine")
    bare = TrainedDocument(document.plan, document.weights)
    scores, _ = run(to_onnx(bare), prepared.test.features / 2.0**FEATURE_BITS)
    assert np.array_equal(scores, family_of(document.plan).scores(document.weights, prepared.test))


def test_rows_that_are_cut_and_cells_that_are_missing() -> None:
    document, table, _ = trained("diabetes", "ridge")
    plan = document.plan.model_copy(update={"clip": 1, "step": "1/2"})
    features = table.features[:40].copy()
    features[::3, 2], features[1::3, 4] = np.nan, 1e9
    cut = TrainedDocument(plan, document.weights, document.schema)
    scores, _ = run(to_onnx(cut), features)
    assert np.isfinite(scores).all()
    assert np.abs(scores).max() < np.abs(run(to_onnx(document), features)[0]).max()


@pytest.mark.parametrize("family", ["network", "encrypted-cubic", "encrypted-network", "moments"])
def test_other_families_have_no_onnx_form(family: str) -> None:
    prepared = partition(load_table("breast-cancer"), 0)
    plan = default_plan(prepared.train.task, 2, 30, family)
    document = TrainedDocument(plan, family_of(plan).initial_weights(), prepared.schema)
    with pytest.raises(BadPlan, match="have no ONNX form here"):
        to_onnx(document)


def test_a_document_is_read_as_it_was_written() -> None:
    document, _, _ = trained("wine")
    read = TrainedDocument.from_bytes(document.to_bytes())
    assert read == document
    bare = TrainedDocument(document.plan, document.weights)
    assert TrainedDocument.from_bytes(bare.to_bytes()).schema is None


@pytest.mark.parametrize(
    "change",
    [
        {"holdfast_model": 2},
        {"weights": {"output": [[1]]}},
        {"weights": {"output": [[2**40] * 3] * 14}},
        {"weights": {"other": [[1]]}},
        {"weights": 3},
        {"plan": {}},
        {"schema": {}},
    ],
)
def test_what_is_no_document_is_refused(change: dict[str, object]) -> None:
    document, _, _ = trained("wine")
    told = json.loads(document.to_bytes()) | change
    with pytest.raises(BadData):
        TrainedDocument.from_bytes(json.dumps(told).encode())


@pytest.mark.parametrize("data", [b"", b"[]", b"{}", b"\xff"])
def test_what_is_no_json_is_refused(data: bytes) -> None:
    with pytest.raises(BadData, match="no model that `holdfast model export` wrote"):
        TrainedDocument.from_bytes(data)


def test_a_schema_of_another_table_is_refused() -> None:
    document, _, _ = trained("wine")
    _, _, other = trained("diabetes")
    with pytest.raises(BadData, match="the schema is of 10 features and 0 classes, the model of 13"):
        TrainedDocument(document.plan, document.weights, other.schema).check()


# --- tables ---

ROWS = [f"{10 + n % 30},{['red', 'blue', 'green'][n % 3]},{['yes', 'no'][n % 2]}" for n in range(120)]
HEADER = "size,colour,sick"


def table_file(tmp_path: Path, rows: list[str], header: str = HEADER) -> Path:
    path = tmp_path / "table.csv"
    path.write_text("\n".join([header, *rows]) + "\n")
    return path


def used(document: TrainedDocument, file: Path) -> Forecast:
    return document.forecast(rows_of(file.name, read_file(file)[0], document.known())[0])


def test_a_table_is_read_as_the_one_that_was_trained_on(tmp_path: Path) -> None:
    document, table, prepared = trained(table_file(tmp_path, ROWS))
    said = used(document, tmp_path / "table.csv")
    own = forecast(document.plan, document.weights, run_of_samples(prepared, table))
    assert said.chances is not None
    assert own.chances is not None
    assert np.array_equal(said.chances, own.chances)


def test_a_few_rows_without_a_target_are_read_too(tmp_path: Path) -> None:
    document, _, _ = trained(table_file(tmp_path, ROWS))
    few = table_file(tmp_path, ["12, RED", "39,blue"], "size,colour")
    assert len(used(document, few).said) == 2


@pytest.mark.parametrize(
    ("rows", "header", "words"),
    [
        (["11,2"], "size,shade", "column 'colour' is not in the table"),
        (["big,red", "small,red"], "size,colour", "row 1, column 'size': 'big' is no number"),
        (["12,purple"], "size,colour", "row 1, column 'colour': 'purple'"),
    ],
)
def test_a_table_of_another_form_is_refused(tmp_path: Path, rows: list[str], header: str, words: str) -> None:
    document, _, _ = trained(table_file(tmp_path, ROWS))
    with pytest.raises(BadData, match=words):
        used(document, table_file(tmp_path, rows, header))


def test_without_a_schema_no_table_is_read(tmp_path: Path) -> None:
    document, _, _ = trained("wine")
    with pytest.raises(BadData, match="has no schema"):
        used(TrainedDocument(document.plan, document.weights), table_file(tmp_path, ROWS))


def test_weights_of_a_document_equal_by_what_they_are() -> None:
    document, _, _ = trained("wine")
    changed = {name: matrix + 1 for name, matrix in document.weights.tensors.items()}
    assert TrainedDocument(document.plan, Weights(changed, document.weights.bits)) != document
