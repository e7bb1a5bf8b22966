"""An agent whose disk is full or read-only: one line, a clean stop, and the story goes on after a restart.

Rules: A4, A7, A17.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from multiprocessing import Value
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from agents import cli
from agents.chain.chain_time import ChainTime
from agents.chain.client import BlockRef
from agents.chain.history import Batch
from agents.chain.intents import Intent, IntentState, Outcome
from agents.core.errors import StorageFailed
from agents.core.market import Market
from agents.roles.acts import Situation, Task
from agents.roles.results import AgreedResult
from agents.runtime import launch
from agents.runtime.settings import AgentSettings
from agents.storage.files import Home
from agents.storage.journal import Journal, read_results
from agents.vault.local_store import LocalStore
from testing.full_disk import full_disk
from testing.script import identity
from testing.world import Agent
from tests.agents.runtime.test_crashes import small_world, undisturbed

pytestmark = pytest.mark.forks

# --- the whole story ---


@contextmanager
def read_only(agent: Agent) -> Iterator[None]:
    """The agent's journal can be read and not written."""
    agent.journal._database.rows("PRAGMA query_only = ON")
    yield
    agent.journal._database.rows("PRAGMA query_only = OFF")


def no_space(agent: Agent) -> AbstractContextManager[None]:
    """No file in the agent's home takes a byte."""
    return full_disk(agent.folder)


@pytest.mark.parametrize("name", ["data owner", "cloud owner 0", "model owner"])
@pytest.mark.parametrize(
    ("disk", "line"),
    [
        (read_only, "/journal.sqlite failed: attempt to write a readonly database: make it readable and"),
        (no_space, " cannot be written: No space left on device: free some space, then start again"),
    ],
)
def test_an_agent_stops_with_one_line_and_goes_on_after_a_restart(
    tmp_path: Path, name: str, disk: Any, line: str
) -> None:
    world = small_world(tmp_path)
    agent = next(agent for agent in world.agents if agent.name == name)
    with disk(agent), pytest.raises(StorageFailed) as failed:
        world.play()
    assert line in str(failed.value)
    assert f"{agent.folder}/" in str(failed.value)
    assert "\n" not in str(failed.value)
    agent.journal.close()
    agent.start()
    world.play()
    assert world.outcome() == undisturbed()


def test_a_full_store_holds_up_its_objects_and_stops_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("testing.world.MemoryStore", lambda: LocalStore(tmp_path / "store"))
    world = small_world(tmp_path)
    with full_disk(tmp_path / "store"):
        world.settle_down()
        assert not world.market.datasets, "the data owner has its packages on its hands"
    world.play()
    assert world.outcome() == undisturbed()
    assert all(agent.lives == 1 for agent in world.agents)


# --- a whole program ---


@dataclass(frozen=True)
class Chore(Task[AgreedResult]):
    """A piece of work."""

    @property
    def key(self) -> str:
        return "results/chore"


class Quiet:
    """A chain on which nothing happens, a role that wants one piece of work done, and its worker."""

    height = 0
    coins = 0
    in_flight = False
    balance = None
    repaired = 0

    @property
    def node(self) -> Quiet:
        return self

    @property
    def lags(self) -> dict[str, int]:
        return {}

    @property
    def states(self) -> dict[str, IntentState]:
        return {}

    @property
    def waiting(self) -> dict[str, str]:
        return {}

    identity = identity("somebody")

    def __init__(self) -> None:
        self.done = Value("i", 0)  # the work is done in another process

    def mirror(self) -> Market:
        return Market()

    def keep(self, market: Market) -> None:
        """There is nothing in it."""

    def poll(self, *, resting: bool = False) -> Batch:
        del resting
        return Batch((), rolled_back=False, upto=BlockRef(0, bytes(32), 0), behind=0)

    def advance(self) -> list[Outcome]:
        return []

    def submit(self, intents: Sequence[Intent]) -> list[Outcome]:
        assert not intents
        return []

    def decide(self, situation: Situation) -> list[Task[AgreedResult]]:
        if "results/chore" in situation.results:
            signal.raise_signal(signal.SIGTERM)  # as its user ends it
            return []
        return [Chore()]

    def awaits(self, _: Situation) -> str:
        return ""

    def perform(self, _: Task[AgreedResult]) -> AgreedResult:
        self.done.value += 1
        return AgreedResult(digest=b"\xff" * 10_000, agreeing=1)


@pytest.fixture
def quiet(monkeypatch: pytest.MonkeyPatch) -> Quiet:
    """What a cloud owner's command runs: all but its journal and its chain's database are this."""
    quiet = Quiet()

    def enrol(settings: AgentSettings, _: object) -> SimpleNamespace:
        Home(settings.home)
        return SimpleNamespace(client=quiet, wallet=SimpleNamespace(address=""), time=ChainTime())

    monkeypatch.setattr(launch, "unlock", lambda _: quiet)
    monkeypatch.setattr(launch, "enrol", enrol)
    monkeypatch.setattr(launch, "cloud_owner", lambda *_: (quiet, quiet))
    monkeypatch.setattr(launch, "EventStream", lambda *_: quiet)
    monkeypatch.setattr(launch, "Sender", lambda *_: quiet)
    monkeypatch.setattr(launch, "MirrorCheck", lambda *_: None)
    return quiet


def run(home: Path) -> int:
    """The exit code of a cloud owner's command."""
    try:
        cli.main(["cloud-owner", "run", "--home", str(home), "--log-level", "warning"])
    except SystemExit as ended:
        return int(ended.code or 0)
    return 0


def small_journal(path: Path) -> Journal:
    """A journal on a disk that has no room for what the work finds out."""
    journal = Journal(path)
    journal._database.rows("PRAGMA max_page_count = 1")
    return journal


def test_a_program_ends_with_one_line_and_1_and_goes_on_when_it_is_started_again(
    tmp_path: Path, quiet: Quiet, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    home = tmp_path / "bob"
    with monkeypatch.context() as full:
        full.setattr(launch, "Journal", small_journal)
        assert run(home) == 1
    assert capsys.readouterr() == (
        "",
        f"the database {home}/journal.sqlite failed: database or disk is full: "
        "free some space, then start again\n",
    )
    assert read_results(home / "journal.sqlite") == {}

    assert run(home) == 0
    assert capsys.readouterr() == ("", "")
    assert list(read_results(home / "journal.sqlite")) == ["results/chore"]
    assert quiet.done.value == 2
