"""`holdfast status` on homes as agents leave them, running or not; it changes nothing.

Rules: A64.
"""

from __future__ import annotations

import json
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from agents import cli
from agents.chain.database import ChainDatabase
from agents.chain.history import EventStream
from agents.chain.pulse import Pulse
from agents.roles.results import BoundEntry
from agents.status.lines import spell
from agents.status.report import VERSION
from agents.storage.journal import Journal
from benchmarks.agents.long_chain import LongChain, client_of
from testing.compiler import compiled
from testing.events_as_logs import as_log
from testing.histories import Story

INTERFACE = "contracts/interfaces/IMarketplace.sol"


@pytest.fixture(scope="module")
def story() -> Story:
    """A couple in its first round, in which one replica has reported."""
    story = Story()
    story.distribute()
    story.approve(3)
    story.start()
    story.draw()
    first = story.assigned()[0].id
    story.report(lambda ci: ci == first)
    return story


@pytest.fixture
def home(story: Story, tmp_path: Path) -> Path:
    """A model owner's, that has read all of it."""
    abi = compiled(INTERFACE, "abi")["contracts"][INTERFACE]["IMarketplace"]["abi"]
    abi = [*abi, {"type": "function", "name": "multicall", "inputs": [], "outputs": []}]
    database = ChainDatabase(tmp_path / "chain.sqlite")
    chain = LongChain([as_log(abi, logged.event) for logged in story.history])
    stream = EventStream(client_of(chain, abi), database)
    while stream.poll().behind:
        pass
    pulse(story).keep(database)
    database.close()
    return tmp_path


def pulse(story: Story, **facts: Any) -> Pulse:
    """Of a turn that was just now."""
    return replace(Pulse(time.time(), "model-owner", story.model_owner, 300, 1_700_000_300), **facts)


def run(capsys: pytest.CaptureFixture[str], *flags: object) -> list[str]:
    with pytest.raises(SystemExit) as ended:
        cli.main(["status", *map(str, flags)])
    assert not ended.value.code
    return capsys.readouterr().out.splitlines()


def test_a_home_says_where_its_agent_stands(
    home: Path, story: Story, capsys: pytest.CaptureFixture[str]
) -> None:
    before = (home / "chain.sqlite").read_bytes()
    lines = run(capsys, "--home", home)
    assert lines[0] == "BROKEN  no agent runs on this home: start it, or what is due here is not done"
    assert lines[1] == f"model-owner {story.model_owner}, not running"
    (couple,) = (line for line in lines if line.startswith("couple "))
    assert ", round 1 of 3 at most" in couple
    late = [line for line in lines if line.startswith("no answer: ")]
    assert len(late) == story.couple.rem
    assert all("is to report on subset" in line for line in late)
    assert (home / "chain.sqlite").read_bytes() == before


@pytest.mark.parametrize(
    ("facts", "line"),
    [
        ({}, "READY  it acts when something is due"),
        ({"awaited": "results in round 1"}, "WAITING  for results in round 1"),
        ({"obstacle": "the node did not answer\x1b[31m"}, r"BROKEN  the node did not answer\x1b[31m"),
        ({"at": 0.0}, "BROKEN  its loop has not turned for"),
    ],
)
def test_a_running_agent_is_ready_waits_or_is_broken(
    facts: dict[str, Any], line: str, home: Path, story: Story, capsys: pytest.CaptureFixture[str]
) -> None:
    database = ChainDatabase(home / "chain.sqlite")
    pulse(story, wallet=5 * 10**17, gap=2, left_undone=["x waits"], running=["job/1"], **facts).keep(database)
    lines = run(capsys, "--home", home)
    database.close()
    assert lines[0].startswith(line)
    assert lines[1].endswith(", running")
    assert lines[2].endswith("old, 2 blocks cannot be had whole")
    assert lines[3].startswith("ether: 0.5 in the wallet, ")
    assert {"left undone: x waits", "under way: job/1"} <= set(lines)
    assert "under way: job/1" not in run(capsys, "--home", home), "nobody is at it any more"


def test_it_is_told_to_programs_too(home: Path, story: Story, capsys: pytest.CaptureFixture[str]) -> None:
    told = json.loads("\n".join(run(capsys, "--home", home, "--json")))
    assert (told["version"], told["state"], told["running"]) == (VERSION, "BROKEN", False)
    assert told["member"] == story.model_owner
    assert told["standing"]["income"]["earned"] == 0
    (couple,) = (one for one in told["standing"]["assets"] if one["kind"] == "couple")
    assert couple["asset"] == hex(story.couple.id)
    assert len(told["standing"]["unanswered"]) == story.couple.rem


def test_a_run_that_is_over_says_where_its_weights_are(
    story: Story, home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agents.core.enums.CouplePhase.is_over", True)
    journal = Journal(home / "journal.sqlite")
    journal.record("model/1", BoundEntry(name="tumour", facts="{}"))
    journal.close()
    states = home / "models" / "tumour" / "states" / f"{story.couple.id:x}"
    states.mkdir(parents=True)
    for round_ in (2, 10):
        (states / f"{round_}.weights").write_bytes(b"")
    lines = run(capsys, "--home", home)
    assert lines[0] == "READY  no agent runs, and none has to: training is over"
    place = next(place for place, line in enumerate(lines) if "is over; its weights: " in line)
    assert lines[place].endswith(str(states / "10.weights"))
    assert lines[place + 1].strip() == "from safetensors.numpy import load_file"
    assert f"load_file({str(states / '10.weights')!r})" in lines[place + 2]


def test_a_home_without_a_run_and_none_at_all(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "--home", tmp_path) == ["BROKEN  no agent has run here yet"]
    with pytest.raises(SystemExit) as ended:
        cli.main(["status", "--home", str(tmp_path / "none")])
    assert ended.value.code == 2
    assert "name the folder of an agent" in capsys.readouterr().err


def test_a_damaged_home_is_one_line(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    database = ChainDatabase(home / "chain.sqlite")
    with database.transaction() as connection:
        connection.execute("UPDATE pulse SET json = '{}'")
    database.close()
    (line,) = run(capsys, "--home", home)
    assert line.startswith("BROKEN  ")
    assert "damaged (TypeError)" in line


def test_a_table_that_changes_is_shown_until_ctrl_c(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def once(_: float) -> None:
        monkeypatch.setattr(time, "sleep", _interrupt)

    monkeypatch.setattr(time, "sleep", once)
    assert any("no agent runs on this home" in line for line in run(capsys, "--home", home, "--watch"))


def _interrupt(_: float) -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0 s"), (59, "59 s"), (61, "1 min 1 s"), (3600, "1 h"), (90_061, "1 d 1 h"), (86_400, "1 d")],
)
def test_times_are_spelt_in_two_units(seconds: float, words: str) -> None:
    assert spell(seconds) == words
