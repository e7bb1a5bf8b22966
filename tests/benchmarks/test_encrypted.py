"""The benchmark of encrypted training: it measures the real thing, and its peer computes what it says."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks.encrypted import bench
from benchmarks.encrypted.__main__ import SHORT, main, tables
from benchmarks.encrypted.figure import draw
from benchmarks.encrypted.tutorial import PRECISE, SIGMOID, EncryptedLogisticRegression


def test_a_step_is_measured_on_the_largest_subset_and_its_sum_is_right() -> None:
    step = bench.measure_step("encrypted-logistic", "breast-cancer", 2)
    assert step.exact
    assert step.rows == max(map(len, bench.subsets_of("breast-cancer", 0).subsets))
    assert step.step.least <= step.step.middle <= step.step.most
    assert step.result > 0 < step.keys


def test_accuracies_are_of_the_last_round() -> None:
    first, last = (
        bench.accuracies("encrypted-logistic", "breast-cancer", [3], rounds)[0] for rounds in (1, 8)
    )
    assert first < 0.9 < last  # after the first of two rounds not all subsets have contributed


def test_the_tutorial_takes_a_step_of_gradient_descent() -> None:
    chance = np.random.default_rng(1)
    rows, labels = chance.normal(size=(4, 6)), np.array([0.0, 1.0, 1.0, 0.0])
    weight, bias = chance.normal(size=6) * 0.1, 0.1
    model = EncryptedLogisticRegression(PRECISE.context())
    model.renew(list(weight), bias)
    model.epoch(model.encrypted(rows), labels, step=1.0, decay=0.1)
    scores = rows @ weight + bias
    errors = sum(factor * scores**power for power, factor in enumerate(SIGMOID)) - labels
    found, found_bias = model.read()
    assert found == pytest.approx(weight * 0.9 - errors @ rows / 4, abs=1e-3)
    assert found_bias == pytest.approx([bias - errors.mean()], abs=1e-3)


@pytest.mark.parametrize(
    ("flags", "told"), [(["--repeats", "0"], "repeats is 0: choose 1 to 1000"), (["--colour"], "--colour")]
)
def test_a_wrong_flag_is_one_line(flags: list[str], told: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(flags)
    said = capsys.readouterr().err
    assert end.value.code == 2
    assert told in said
    assert said.count("\n") == 1


def test_a_report_becomes_a_table_and_a_figure(tmp_path: Path) -> None:
    spread = {"middle": 1_500.0, "least": 1_000.0, "most": 2_000.0}
    step = {
        "name": "bfv",
        "family": "encrypted-linear",
        "data": "digits",
        "rows": 9,
        "features": 3,
        "outputs": 1,
        "local_steps": 2,
        "step": spread,
        "plain": {"middle": 3.0, "least": 2.0, "most": 4.0},
        "first": 2_000.0,
        "keys": 12_300_000,
        "weights": 45_600,
        "result": 789,
    }
    report = {
        "steps": [step],
        "goals_ms": {"bfv.digits": 50},
        "accuracy": {"encrypted-linear": {SHORT["digits"]: 0.9}},
        "accuracy_outside": {"digits": 0.95},
        "tutorial_epoch_ms": spread,
    }
    times, sizes = tables(report)
    assert times.rows == (
        (
            "encrypted-linear",
            "digits",
            "9 x 3",
            "2",
            "1500.0 (1000.0 to 2000.0)",
            "50",
            "2,000",
            "3.00",
            "500.0",
        ),
    )
    assert sizes.rows == (("encrypted-linear", "digits", "12.3 MB", "46 kB", "1 kB", "0.900", "0.950"),)
    draw(report, tmp_path / "steps.svg")
    first = (tmp_path / "steps.svg").read_bytes()
    draw(report, tmp_path / "steps.svg")
    assert b"<svg" in first
    assert first == (tmp_path / "steps.svg").read_bytes()
