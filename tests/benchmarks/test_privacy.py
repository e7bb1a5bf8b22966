"""The benchmark of noise: it measures the real thing, and tells it."""

from __future__ import annotations

import io
import json
import math
import tarfile
from pathlib import Path

import pytest

from agents.core.errors import BadInput
from agents.learning.data.samples import PredictionTask
from benchmarks.privacy import bench, tables
from benchmarks.privacy.__main__ import GOALS, goals_of, main, table_of


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
    assert (report["seeds"], report["goals"]) == ([0], [])


def cost(table: str, lost: float) -> dict[str, object]:
    """Measured, as a report has it."""
    return {"table": table, "central": [0.9, 0.8], "noisy": {f"dealt {GOALS[table][0]}": [0.85 - lost] * 2}}


def test_goals_are_of_the_tables_that_were_measured() -> None:
    near, far = goals_of([cost("breast-cancer", 0.029), cost("diamonds", 0.021)])
    assert (near["epsilon"], near["most"], near["met"]) == (4, 0.03, True)
    assert (far["table"], far["epsilon"], far["met"]) == ("diamonds", 1, False)
    assert far["lost"] == pytest.approx(0.021)


def test_a_goal_that_is_missed_fails_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(GOALS, "wine", (1, 0.0))
    with pytest.raises(SystemExit) as end:
        main(["--seeds", "2", "--first-seed", "7", "--tables", "wine", "--folder", str(tmp_path)])
    assert end.value.code == 1
    assert "wine, epsilon 1" in capsys.readouterr().out
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["seeds"] == [7, 8]
    assert not report["goals"][0]["met"]


# --- tables of other packages ---


@pytest.fixture
def packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in the place of that with the packages."""
    monkeypatch.setattr(tables, "PACKAGES", tmp_path)
    tables.table.cache_clear()
    return tmp_path


def with_file_of_r(packages: Path, name: str, text: str) -> None:
    """As pydataset packs it."""
    (packages / "pydataset").mkdir()
    with tarfile.open(packages / "pydataset" / "resources.tar.gz", "w:gz") as archive:
        member = tarfile.TarInfo(f"resources/{name}")
        member.size = len(text.encode())
        archive.addfile(member, io.BytesIO(text.encode()))


def test_fair_is_whether_there_was_an_affair(packages: Path) -> None:
    folder = packages / "statsmodels" / "datasets" / "fair"
    folder.mkdir(parents=True)
    rows = "".join(f"{20 + i % 9},{i % 5},{i % 3}.5\n" if i % 2 else f"30,{i % 5},0\n" for i in range(40))
    (folder / "fair.csv").write_text("age,children,affairs\n" + rows)
    fair = tables.table("fair")
    assert (fair.task, fair.class_names) == (PredictionTask.CLASSIFICATION, ("no", "yes"))
    assert fair.feature_names == ("age", "children")
    assert fair.target.tolist() == [0, 1] * 20


def test_diamonds_have_the_logarithm_of_their_price(packages: Path) -> None:
    rows = "".join(
        f"{i},{1 + i * 7 % 60 / 100},{('Good', 'Fair')[i % 2]},{1000 + 37 * i}\n" for i in range(60)
    )
    with_file_of_r(packages, "r/csv/ggplot2/diamonds.csv", '"",carat,cut,price\n' + rows)
    diamonds = tables.table("diamonds")
    assert diamonds.task is PredictionTask.REGRESSION
    assert "carat" in diamonds.feature_names
    assert not any("price" in name for name in diamonds.feature_names)
    assert diamonds.target[0] == pytest.approx(math.log(1000))


def test_hi_is_whether_the_wife_is_insured(packages: Path) -> None:
    rows = "".join(f"{i},{i % 41},{('no', 'yes')[i % 2]},{i % 7}\n" for i in range(60))
    with_file_of_r(packages, "r/csv/Ecdat/HI.csv", '"",whrswk,whi,kids\n' + rows)
    assert tables.table("HI").class_names == ("no", "yes")


@pytest.mark.parametrize("name", tables.OTHERS)
def test_a_package_that_is_not_there_is_told(packages: Path, name: str) -> None:
    with pytest.raises(BadInput, match="is not there: `make bench-privacy` fetches it"):
        tables.table(name)


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        (["--seeds", "0"], "seeds is 0: choose 1 to 1000"),
        (["--first-seed", "-1"], "first-seed is -1: choose 0 or more"),
        (["--tables", "iris"], "--tables"),
    ],
)
def test_a_wrong_flag_is_one_line(flags: list[str], told: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(flags)
    said = capsys.readouterr().err
    assert end.value.code == 2
    assert told in said
    assert said.count("\n") == 1
