"""`make demo` before and after its chain: what it refuses, what it clears away, what it says in the end.

Rules: A17.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from agents.core.errors import NodeUnavailable, StopAgent
from agents.demo.collect import DividedData
from agents.demo.outcome import DemoOutcome
from agents.demo.run import DemoRun
from agents.demo.scenario import Scenario
from agents.demo.screen import Screen
from agents.output.heartbeat import Heartbeat
from agents.storage.locks import alone
from scripts import demo
from scripts.local_chain import ROOT, LocalChain
from testing.csv_lines import schema_of
from testing.histories import ALL_CHEATS, Story, told

STORY = told(rounds=4, cheats=ALL_CHEATS)


def run(capsys: pytest.CaptureFixture[str], **flags: Any) -> tuple[int, str, str]:
    """The exit code, and what was said on stdout and stderr."""
    code = 0
    try:
        demo.main(**flags)
    except SystemExit as ended:
        code = int(ended.code or 0)
    said = capsys.readouterr()
    return code, said.out, said.err


@pytest.fixture(autouse=True)
def not_impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a slow machine it would say how long it takes."""
    monkeypatch.setattr(demo, "Heartbeat", partial(Heartbeat, every=3_600))


def test_two_demos_do_not_write_to_one_folder(
    capsys: pytest.CaptureFixture[str], chains: list[str], tmp_path: Path
) -> None:
    with alone(demo.lock_of(tmp_path)):
        code, _, wrong = run(capsys, data="wine", folder=tmp_path)
    assert (code, chains) == (2, [])
    assert f"another demo writes to {tmp_path}: name another folder" in wrong


@pytest.fixture
def chains(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The chains that were started, instead of starting them."""
    started: list[str] = []

    @contextmanager
    def local_chain(name: str, *, block_time: int) -> Iterator[LocalChain]:
        assert block_time == 1
        started.append(name)
        yield LocalChain(name, 8545)
        started.append(f"{name} ended")

    monkeypatch.setattr(demo, "local_chain", local_chain)
    return started


def tree(folder: Path) -> dict[str, bytes]:
    """All files of a folder with what is in them."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def last_run(folder: Path) -> None:
    """What a demo leaves."""
    for name in ("homes/data-owner/journal.sqlite", "store/ab/abcd", "logs/data-owner.log"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)
    for name in ("ganache-cli.json", "report.json", "report.html"):
        (folder / name).write_text(name)


# --- wrong input ---


def test_needs_no_brownie_until_it_deploys() -> None:
    script = "import sys, scripts.demo; sys.exit('brownie' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], cwd=ROOT).returncode == 0


@pytest.mark.parametrize(
    ("flags", "complaint"),
    [
        ({"data": "no-such.csv"}, "no file no-such.csv, nor built-in data of that name"),
        (
            {"data": "digits", "model": "encrypted-cubic", "subsets": 3},
            "the plan has room for 256 rows, the largest subset has 3",
        ),
        ({"data": "wine", "target": "colour"}, "built-in data wine have their own target"),
        ({"data": "wine", "model": "forest"}, "no model 'forest': choose one of linear, ridge"),
        ({"data": "diabetes", "model": "logistic"}, "logistic regression needs classes"),
        ({"subsets": 0}, "subsets is 0: choose 1 to 256"),
        ({"replicas": 17}, "replicas is 17: choose 1 to 16"),
        ({"rounds": 0}, "rounds is 0: choose 1 to 1000"),
        ({"seed": -1}, "seed is -1: choose 0 or more"),
        ({"subsets": 22}, "22 subsets of 3 replicas: the demo runs each cloud owner as a process"),
        ({"data": "wine", "subsets": 64, "replicas": 1}, "64 subsets are too many for 114 rows"),
    ],
)
def test_wrong_input_is_one_line_and_nothing_starts(
    capsys: pytest.CaptureFixture[str],
    chains: list[str],
    tmp_path: Path,
    flags: dict[str, Any],
    complaint: str,
) -> None:
    last_run(tmp_path)
    before = tree(tmp_path)
    code, out, wrong = run(capsys, **flags, folder=tmp_path)
    assert (code, out, chains) == (2, "", [])
    assert wrong.startswith(complaint)
    assert wrong.count("\n") == 1
    assert tree(tmp_path) == before, "the last run is still there"


def test_a_network_that_there_is_not_is_one_line_and_loses_nothing(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    last_run(tmp_path)
    before = tree(tmp_path)
    code, _, wrong = run(capsys, data="wine", network="mainnet", folder=tmp_path)
    assert (code, wrong) == (2, "no local chain is called 'mainnet': use one of ganache, anvil\n")
    assert tree(tmp_path) == before


@pytest.mark.parametrize(
    "problem", [NodeUnavailable("ganache-cli ended"), StopAgent("cloud owner 3 stopped")]
)
def test_a_demo_that_cannot_go_on_ends_with_1(
    capsys: pytest.CaptureFixture[str],
    chains: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    problem: Exception,
) -> None:
    def deploy(*_: object) -> Path:
        raise problem

    monkeypatch.setattr(demo, "_deploy", deploy)
    code, _, wrong = run(capsys, data="wine", folder=tmp_path)
    assert (code, wrong) == (1, f"{problem}\n")


def test_flags_have_help() -> None:
    app = typer.Typer()
    app.command()(demo.main)
    shown = CliRunner().invoke(app, ["--help"], env={"COLUMNS": "200", "TERM": "dumb"}).output
    for flag in ("data", "target", "subsets", "replicas", "rounds", "model", "seed", "network", "folder"):
        assert f"--{flag}" in shown


# --- the folder ---


def hold_a_thesis(folder: Path) -> None:
    (folder / "thesis.tex").write_text("years of work")


def hold_homes(folder: Path) -> None:
    (folder / "homes").mkdir()
    (folder / "homes" / "alice").write_text("her house")


def hold_a_demo_and_more(folder: Path) -> None:
    last_run(folder)
    hold_a_thesis(folder)


def hold_logs(folder: Path) -> None:
    (folder / "logs").mkdir()
    (folder / "logs" / "access.log").write_text("GET /")


@pytest.mark.parametrize("fill", [hold_a_thesis, hold_homes, hold_a_demo_and_more, hold_logs])
def test_refuses_a_folder_that_holds_something_else(
    capsys: pytest.CaptureFixture[str], chains: list[str], tmp_path: Path, fill: Callable[[Path], None]
) -> None:
    fill(tmp_path)
    before = tree(tmp_path)
    code, _, wrong = run(capsys, data="wine", folder=tmp_path)
    line = f"{tmp_path} holds something else than a demo: name another folder, or an empty one\n"
    assert (code, wrong, chains) == (2, line, [])
    assert tree(tmp_path) == before


@pytest.mark.parametrize("name", ["report", "ganache-cli.json"])
def test_refuses_a_file(
    capsys: pytest.CaptureFixture[str], chains: list[str], tmp_path: Path, name: str
) -> None:
    (tmp_path / name).write_text("a file")
    code, _, wrong = run(capsys, data="wine", folder=tmp_path / name)
    assert (code, wrong, chains) == (2, f"{tmp_path / name} is a file: name a folder\n", [])
    assert (tmp_path / name).read_text() == "a file"


# --- a run ---


@pytest.fixture
def played(monkeypatch: pytest.MonkeyPatch, chains: list[str]) -> list[str]:
    """What happened, in order: a told market in the place of a played one."""

    def deploy(_: Scenario, chain: LocalChain, folder: Path) -> Path:
        chains.append(f"deployed, {len(tree(folder)) if folder.exists() else 0} files left")
        folder.mkdir(parents=True, exist_ok=True)
        deployment = folder / "ganache-cli.json"
        deployment.write_text("{}")
        return deployment

    def play(demo: DemoRun, tell: Callable[[Any, Any], None], _say: Callable[[str], None]) -> None:
        assert demo.rpc == "http://127.0.0.1:8545"
        chains.append("played")
        mirror = Story().market
        for logged in STORY.history:
            mirror.apply(logged)
            tell(logged.event, mirror)

    def collect(demo: DemoRun, divided: DividedData, started_at: int, seconds: float) -> DemoOutcome:
        assert seconds >= 0
        assert started_at > 1_700_000_000
        chains.append("collected")
        return STORY.outcome(seconds=seconds, started_at=started_at)

    monkeypatch.setattr(demo, "_deploy", deploy)
    monkeypatch.setattr(demo, "play", play)
    monkeypatch.setattr(demo, "withdraw_all", lambda _: chains.append("withdrawn"))
    monkeypatch.setattr(demo, "collect", collect)
    for name in ("accuracy_plot", "gas_plot"):
        monkeypatch.setattr(f"agents.demo.report.page.{name}", lambda _: "")
    return chains


def test_plays_withdraws_collects_and_reports(
    capsys: pytest.CaptureFixture[str], played: list[str], tmp_path: Path
) -> None:
    folder = tmp_path / "a new [folder]" / "of a long name" / "run"
    code, out, wrong = run(capsys, data="wine", folder=folder)
    assert (code, wrong) == (0, "")
    assert played == [
        "ganache",
        "deployed, 0 files left",
        "played",
        "withdrawn",
        "collected",
        "ganache ended",
    ]
    assert {path.name for path in folder.iterdir()} == {"ganache-cli.json", "report.html", "report.json"}
    lines = out.splitlines()
    steps = [line for line in lines if line.endswith(" ..")]
    assert steps[:2] == ["starting a chain (ganache) ..", "compiling and deploying the market .."]
    assert len(lines) == len(STORY.history) + len(steps) + 6, "a line an event, then the figures"
    assert "accuracy 0.965 on rows that nobody saw (centralised 0.979, best single subset 0.629)" in out
    assert "cheats caught 4 of 4, honest members slashed: 0" in out
    assert "audit ok, ledger conserved" in out
    assert lines[-1] == f"report: {folder / 'report.html'}"


def test_a_run_that_learnt_nothing_says_so_and_ends_with_1(
    capsys: pytest.CaptureFixture[str],
    played: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    outcome = STORY.outcome()
    still = replace(outcome, scores=replace(outcome.scores, updates=()))
    monkeypatch.setattr(demo, "collect", lambda *_: still)
    code, out, wrong = run(capsys, data="wine", folder=tmp_path)
    assert code == 1
    assert f"report: {tmp_path / 'report.html'}" in out
    assert wrong == (
        "nothing was learnt: no round made new weights, 0 honest members were slashed; "
        f"{tmp_path / 'logs'} tells why\n"
    )


def test_every_departure_from_a_schema_is_a_line(
    capsys: pytest.CaptureFixture[str], chains: list[str], tmp_path: Path
) -> None:
    rows = "\n".join(f"{row * 7 % 13}.5,{row % 7},{'ab'[row // 2 % 2]}" for row in range(100))
    data, schema = tmp_path / "t.csv", tmp_path / "s.json"
    data.write_text(f"x,z,y\n{rows}\n")
    schema.write_text(schema_of(data).text())
    data.write_text(f"x,z,y\n{rows}\n1,2,c\n99,1,a\n")
    code, _, wrong = run(capsys, data=str(data), schema=schema, folder=tmp_path / "run")
    assert (code, chains) == (2, [])
    assert wrong.splitlines() == [
        "row 101, column 'y': 'c' is none of 'a', 'b'",
        "row 102, column 'x': '99' is outside 0.5 to 12.5",
    ]


def test_says_loudly_if_the_books_are_wrong(
    capsys: pytest.CaptureFixture[str],
    played: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    wrong = STORY.outcome(contract_balance=STORY.balance - 1, differences=("x",))
    monkeypatch.setattr(demo, "collect", lambda *_: wrong)
    _, out, _ = run(capsys, data="wine", folder=tmp_path)
    assert "audit FAILED, ledger NOT CONSERVED" in out


def test_removes_the_last_run_once_the_chain_is_there(
    capsys: pytest.CaptureFixture[str], played: list[str], tmp_path: Path
) -> None:
    last_run(tmp_path)
    assert run(capsys, data="wine", folder=tmp_path)[0] == 0
    assert played[:2] == ["ganache", "deployed, 0 files left"]
    assert set(tree(tmp_path)) == {"ganache-cli.json", "report.html", "report.json"}


@pytest.mark.parametrize("name", ["ganache-cli.json", "anvil.json"])
def test_removes_a_run_that_did_not_come_far(
    capsys: pytest.CaptureFixture[str], played: list[str], tmp_path: Path, name: str
) -> None:
    (tmp_path / name).write_text("{}")
    assert run(capsys, data="wine", folder=tmp_path)[0] == 0
    assert played[1] == "deployed, 0 files left"


def test_removes_links_and_not_what_they_point_to(
    capsys: pytest.CaptureFixture[str], played: list[str], tmp_path: Path
) -> None:
    folder, elsewhere = tmp_path / "run", tmp_path / "elsewhere"
    last_run(folder)
    last_run(elsewhere)
    before = tree(elsewhere)
    shutil.rmtree(folder / "store")
    (folder / "store").symlink_to(elsewhere, target_is_directory=True)
    assert run(capsys, data="wine", folder=folder)[0] == 0
    assert not (folder / "store").exists()
    assert tree(elsewhere) == before


def test_a_note_on_the_data_is_text(
    capsys: pytest.CaptureFixture[str], played: list[str], tmp_path: Path
) -> None:
    rows = "\n".join(f"{row},{row % 7},{'ab'[row % 2]}" for row in range(100))
    data = tmp_path / "t.csv"
    data.write_text(f"x,z,[bold]y[/]\n{rows}\n")
    code, out, wrong = run(capsys, data=str(data), folder=tmp_path / "run")
    assert (code, wrong) == (0, "")
    assert out.splitlines()[0] == "target: column '[bold]y[/]'"


def test_the_screen_reads_the_model_owners_journal(
    capsys: pytest.CaptureFixture[str],
    played: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen: list[Path] = []

    class Watched(Screen):
        def __init__(self, console: Any, names: Any, tc: Any, journal: Path, heart: Any) -> None:
            seen.append(journal)
            super().__init__(console, names, tc, journal, heart)

    monkeypatch.setattr(demo, "Screen", Watched)
    run(capsys, data="wine", folder=tmp_path)
    assert seen == [tmp_path / "homes" / "model-owner" / "journal.sqlite"]


def test_it_says_what_the_score_alone_does_not() -> None:
    nothing = {"settled": None, "one_class_to_everybody": None, "better_family": None}
    assert list(demo.warnings_of(nothing)) == []
    assert list(demo.warnings_of(nothing | {"settled": True})) == []
    better = {"family": "encrypted-features", "score": 0.9, "own": 0.5}
    told = nothing | {"settled": False, "one_class_to_everybody": "well", "better_family": better}
    assert list(demo.warnings_of(told)) == [
        "NOT SETTLED: the rounds were over while the model still moved",
        "the model says 'well' to everybody: see AUC in the report",
        "encrypted-features would do better: 0.900 where this has 0.500",
    ]
