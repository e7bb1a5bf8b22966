"""The benchmark of real tables: it measures the real thing, and tells it."""

from __future__ import annotations

import io
import json
import tarfile
from dataclasses import replace
from pathlib import Path

import pytest

from agents.core.errors import BadInput
from benchmarks.tables import __main__ as command
from benchmarks.tables.bench import Division, Measured, measure
from benchmarks.tables.catalogue import CATALOGUE, Entry
from benchmarks.tables.sources import written

DIVISION = Division(0.8, 0.81, 0.82, 0.9, 0.5, rounds=2, settled=True, says_only=False)
MEASURED = Measured("a/b", "y", "pydataset", False, 100, 5, 2, "encrypted-logistic", "Peer", (DIVISION,))


def packages(tmp_path: Path) -> Path:
    """A package of each kind, with one small table."""
    rows = "\n".join(f'"{n}",{n % 7},{n % 5},"{"ab"[n % 2]}"' for n in range(60))
    text = f'"","x","id","y"\n{rows}\n'.encode()
    folder = tmp_path / "packages"
    (folder / "pydataset").mkdir(parents=True)
    with tarfile.open(folder / "pydataset" / "resources.tar.gz", "w:gz") as archive:
        for name in ("r/csv/MASS/small.csv", "r/csv/MASS/._small.csv"):
            member = tarfile.TarInfo(name)
            member.size = len(text)
            archive.addfile(member, io.BytesIO(text))
    (folder / "statsmodels" / "datasets" / "votes").mkdir(parents=True)
    (folder / "statsmodels" / "datasets" / "votes" / "votes.csv").write_text("'x'\t'y'\n1\t2\n")
    (folder / "vega_datasets" / "_data").mkdir(parents=True)
    (folder / "vega_datasets" / "_data" / "cars.json").write_text('[{"x": 1, "y": null}]')
    (folder / "vega_datasets" / "_data" / "rain.csv").write_text("x,y\n1,2\n")
    return folder


@pytest.mark.parametrize(
    ("entry", "text"),
    [
        (Entry("votes", "y", "statsmodels"), "x,y\n1,2\n"),
        (Entry("cars", "y", "vega_datasets"), "x,y\n1,\n"),
        (Entry("rain", "y", "vega_datasets", without=("x",)), "y\n2\n"),
    ],
)
def test_tables_are_taken_out_of_packages(tmp_path: Path, entry: Entry, text: str) -> None:
    path = written(entry, tmp_path / "tables", packages(tmp_path))
    assert path.read_bytes().decode().replace("\r\n", "\n") == text


def test_names_of_rows_and_columns_that_are_not_wanted_are_left_out(tmp_path: Path) -> None:
    path = written(Entry("MASS/small", "y", without=("id",)), tmp_path, packages(tmp_path))
    assert path.read_text().splitlines()[:2] == ["x,y", "0,a"]


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        (Entry("MASS/none", "y"), "MASS/none is not in"),
        (Entry("MASS/small", "z"), "MASS/small has the columns x, id, y"),
        (Entry("MASS/small", "y", without=("w",)), "MASS/small has the columns x, id, y"),
        (Entry("none", "y", "statsmodels"), "run `make bench-tables`"),
    ],
)
def test_a_table_that_is_not_there_is_one_line(tmp_path: Path, entry: Entry, words: str) -> None:
    with pytest.raises(BadInput, match=words):
        written(entry, tmp_path, packages(tmp_path))


def test_the_catalogue_is_of_many_tables_and_none_that_defaults_were_chosen_on() -> None:
    assert len({(entry.name, entry.target) for entry in CATALOGUE}) == len(CATALOGUE) >= 50
    assert sum(entry.medical for entry in CATALOGUE) >= 20
    names = {entry.name.lower() for entry in CATALOGUE}
    assert not names & {"breast-cancer", "wine", "digits", "diabetes", "mass/cpus"}


def test_a_table_is_measured_as_the_market_would_learn_it(tmp_path: Path) -> None:
    rows = "\n".join(f"{n % 7},{(n * 3) % 11},{'ab'[(n % 7 > 3) ^ (n % 70 == 0)]}" for n in range(140))
    file = tmp_path / "small.csv"
    file.write_text(f"x,z,y\n{rows}\n")
    found = measure(Entry("MASS/small", "y"), file, range(2))
    assert (found.rows, found.columns, found.classes) == (140, 2, 2)
    assert (found.family, found.peer) == ("encrypted-logistic", "LogisticRegression")
    assert found.mean("market") == found.mean("single") > 0.9
    assert found.within
    assert found.settled
    assert not found.says_only
    assert found.mean("rounds") == 2
    assert 0.4 < found.mean("commonest") < 0.7 < found.mean("trees")


def test_a_table_of_numbers_has_no_classes_to_guess(tmp_path: Path) -> None:
    file = tmp_path / "small.csv"
    file.write_text("x,y\n" + "\n".join(f"{n % 17},{3 * (n % 17) + n % 5}" for n in range(140)) + "\n")
    found = measure(Entry("MASS/small", "y", regression=True), file, range(1))
    assert (found.classes, found.family, found.peer) == (0, "encrypted-ridge", "Ridge")
    assert found.mean("commonest") == 0.0
    assert found.mean("market") > 0.9
    assert not found.says_only


def test_what_misses_is_told() -> None:
    poor = replace(
        MEASURED,
        divisions=(replace(DIVISION, market=0.7, settled=False, says_only=True),),
    )
    assert (MEASURED.within, poor.within) == (True, False)
    report = command.report_of([MEASURED, poor], 3.0)
    assert report | {"machine": 0, "by_table": 0} == {
        "machine": 0,
        "seconds": 3.0,
        "tables": 2,
        "medical": 0,
        "within": 1,
        "share_within": 0.5,
        "unsettled": 1,
        "one_class_to_everybody": 1,
        "missed": ["a/b y"],
        "by_table": 0,
    }
    (good, bad) = command.table_of([MEASURED, poor]).rows
    assert good[0] == "a/b"
    assert good[-1] == ""
    assert bad[-1] == "0.120 below, not settled, one class to everybody"
    assert "not settled" in command.told(poor)


def test_a_run_is_told_and_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    entry = Entry("MASS/small", "y", medical=True)
    monkeypatch.setattr(command, "CATALOGUE", (entry,))
    monkeypatch.setattr(command, "written", lambda entry, folder: written(entry, folder, packages(tmp_path)))
    command.main(["--seeds", "1", "--jobs", "1", "--folder", str(tmp_path / "out")])
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert (report["tables"], report["medical"]) == (1, 1)
    assert [table["name"] for table in report["by_table"]] == ["MASS/small"]
    assert "1 tables, 1 of them medical" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        (["--seeds", "0"], "seeds is 0: choose 1 to 100"),
        (["--jobs", "200"], "jobs is 200"),
        (["--only", "nothing"], "only is 'nothing': no table is called so"),
    ],
)
def test_a_wrong_flag_is_one_line(flags: list[str], told: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        command.main(flags)
    said = capsys.readouterr().err
    assert end.value.code == 2
    assert told in said
    assert said.count("\n") == 1
