"""The benchmark of noise: it measures the real thing, and tells it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.privacy import bench
from benchmarks.privacy.__main__ import main, table_of


def test_more_noise_costs_more() -> None:
    cost = bench.measure("wine", (("dealt", 4), ("own", 1)), range(3))
    assert (cost.rows, cost.columns) == (142, 13)
    assert sum(cost.noisy["own 1"]) < sum(cost.noisy["dealt 4"]) < sum(cost.central) <= 3
    assert cost.ratio == pytest.approx(1.15, abs=0.05)


def test_a_run_is_told_and_kept(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["--seeds", "1", "--tables", "wine", "--folder", str(tmp_path)])
    report = json.loads((tmp_path / "report.json").read_text())
    assert [cost["table"] for cost in report["tables"]] == ["wine"]
    (row,) = table_of(report).rows
    assert row[:2] == ("wine", "142 x 13")
    assert all(0 <= float(score) <= 1 for score in row[3:])
    assert "microseconds for a number of the noise" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("flags", "told"),
    [(["--seeds", "0"], "seeds is 0: choose 1 to 1000"), (["--tables", "iris"], "--tables")],
)
def test_a_wrong_flag_is_one_line(flags: list[str], told: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(flags)
    said = capsys.readouterr().err
    assert end.value.code == 2
    assert told in said
    assert said.count("\n") == 1
