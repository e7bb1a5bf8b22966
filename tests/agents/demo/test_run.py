"""A run of the demo: what each member is given, how the run goes on, and how it ends.

Rules: A17.
"""

from __future__ import annotations

import logging
import multiprocessing
import pickle
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar, Literal

import pytest

from agents.chain.client import BlockRef
from agents.chain.history import Batch
from agents.core.errors import NodeUnavailable, Refused, StopAgent
from agents.core.events import Logged, MarketEvent
from agents.core.market import Market
from agents.demo import run as module
from agents.demo.cheats import DataReceiptCopier, LazyWorker
from agents.demo.ranges import policy_of
from agents.demo.run import SPARE_ROUNDS, DemoRun, play, withdraw_all
from agents.demo.scenario import CHEATS, DemoMember, Scenario
from agents.learning.data.schema.document import read_schema
from agents.learning.data.tables import load_table
from agents.learning.privacy.policy import read_policy
from agents.portfolio.entries import DatasetEntry, ModelEntry
from agents.portfolio.files import read_entry
from agents.portfolio.parties import DatasetPortfolio, ModelPortfolio
from agents.portfolio.terms import Terms
from agents.roles.acts import Identity
from agents.runtime import launch
from agents.runtime.settings import CloudOwnerSettings
from agents.storage.files import Home
from agents.vault.keys import SecretKey
from agents.vault.store import MemoryStore
from agents.workers.base import Tools
from testing.csv_lines import schema_of
from testing.histories import Story, told

SCENARIO = Scenario(data="wine", subsets=3, replicas=3, rounds=5, seed=6, model="logistic")
STORY = told(rounds=2)


@pytest.fixture
def demo(tmp_path: Path) -> DemoRun:
    return DemoRun(SCENARIO, tmp_path, "http://127.0.0.1:8545", tmp_path / "ganache-cli.json")


# --- settings ---


def test_everybody_has_a_home_and_an_address_of_its_own(demo: DemoRun) -> None:
    everybody = SCENARIO.everybody
    assert len({demo.home(member) for member in everybody}) == len({*map(demo.address, everybody)}) == 11
    assert demo.names == {demo.address(member): member.name for member in everybody}
    assert demo.home(SCENARIO.cloud_owners[0]) == demo.folder / "homes" / "cloud-owner-1"


def dataset_of(demo: DemoRun) -> DatasetEntry:
    """What the data owner's home says of its dataset."""
    demo.write_portfolio(demo.scenario.data_owner)
    return read_entry(demo.home(demo.scenario.data_owner), "data", DatasetEntry)


def model_of(demo: DemoRun) -> ModelEntry:
    """What the model owner's home says of its model."""
    demo.write_portfolio(demo.scenario.model_owner)
    return read_entry(demo.home(demo.scenario.model_owner), "model", ModelEntry)


def test_the_data_owner_is_given_data_shape_and_cloud_owners(demo: DemoRun) -> None:
    entry = dataset_of(demo)
    assert (entry.table, entry.target, entry.seed) == ("wine", None, 6)
    assert (entry.subsets, entry.replicas, entry.terms) == (3, 3, SCENARIO.terms)
    assert entry.secrecy == SCENARIO.secrecy
    dealt = [
        [demo.address(member) for member in SCENARIO.cloud_owners if member.subset == s] for s in range(3)
    ]
    assert [list(owners) for owners in entry.dealt] == dealt, "each member is dealt the subset it expects"


def test_a_table_and_a_schema_are_given_so_that_they_are_found_anywhere(tmp_path: Path) -> None:
    table = tmp_path / "t.csv"
    table.write_text("a,b\n1,2\n")
    scenario = Scenario(data=str(table), schema=schema_of("wine"))
    entry = dataset_of(DemoRun(scenario, tmp_path, "http://node", tmp_path / "x.json"))
    assert entry.table == str(table)
    assert entry.table_schema is not None
    assert read_schema(entry.table_schema) == schema_of("wine")


def test_a_cloud_owner_has_no_portfolio(demo: DemoRun) -> None:
    demo.write_portfolio(SCENARIO.cloud_owners[0])
    assert not demo.home(SCENARIO.cloud_owners[0]).exists()


def test_at_level_private_the_data_owner_is_given_ranges_and_the_model_owner_plans_moments(
    tmp_path: Path,
) -> None:
    scenario = Scenario(data="wine", level="private")
    demo = DemoRun(scenario, tmp_path, "http://node", tmp_path / "x.json")
    privacy = dataset_of(demo).privacy
    assert privacy is not None
    assert read_policy(privacy) == policy_of(load_table("wine"))
    assert model_of(demo).model == "moments"
    file = tmp_path / "ranges.json"
    file.write_text('{"columns": {}, "epsilon": 2}')
    told = DemoRun(replace(scenario, privacy=file), tmp_path, "http://node", tmp_path / "x.json")
    privacy = dataset_of(told).privacy
    assert privacy is not None
    assert read_policy(privacy).epsilon == 2


def test_the_model_owner_is_given_what_the_data_owner_exposes(demo: DemoRun) -> None:
    entry = model_of(demo)
    assert entry.samples == demo.dataset_folder.absolute() / "exposed.samples"
    assert (entry.model, entry.rounds, entry.seed) == ("logistic", 5, 6)
    assert entry.spare_rounds == SPARE_ROUNDS


def test_everybody_uses_the_same_node_market_and_store(demo: DemoRun) -> None:
    settings = [demo.settings(member) for member in SCENARIO.everybody]
    assert {one.rpc for one in settings} == {("http://127.0.0.1:8545",)}
    assert {one.deployment for one in settings} == {demo.deployment}
    assert {one.store for one in settings} == {str(demo.folder / "store")}
    assert sum(isinstance(one, CloudOwnerSettings) for one in settings) == 9


@pytest.mark.parametrize(("subsets", "replicas"), [(1, 1), (4, 3), (21, 3), (64, 1)])
def test_everybody_pays_in_what_it_will_have_to_lock(tmp_path: Path, subsets: int, replicas: int) -> None:
    scenario = Scenario(subsets=subsets, replicas=replicas, rounds=7)
    demo = DemoRun(scenario, tmp_path, "http://node", tmp_path / "x.json")
    terms = dataset_of(demo).dataset_terms
    assert demo.opening_deposit(scenario.data_owner) == terms.couple_bond
    assert demo.opening_deposit(scenario.cloud_owners[0]) == terms.instance_bond
    escrow = (7 + SPARE_ROUNDS) * terms.escrow_per_round
    assert demo.opening_deposit(scenario.model_owner) == escrow


def test_a_run_can_be_handed_to_another_process(demo: DemoRun) -> None:
    for member in SCENARIO.everybody:
        assert pickle.loads(pickle.dumps((demo, member))) == (demo, member)


# --- roles and workers ---


def agent(member: DemoMember, demo: DemoRun) -> Any:
    """A member with keys, without a market."""
    key, wallet = SecretKey.from_seed(member.secret), demo.wallet(member)
    identity = Identity(wallet.address, key.public_key.encoded, wallet.derive, bytes(32))
    tools = Tools(Home(demo.home(member)), MemoryStore(), key, lambda: 0, bytes(32))
    return SimpleNamespace(identity=identity, tools=tools, wallet=wallet)


def test_everybody_behaves_as_the_scenario_says(demo: DemoRun) -> None:
    def parts(member: DemoMember) -> launch.Parts:
        return module._parts(demo.settings(member), agent(member, demo), member)

    assert isinstance(parts(SCENARIO.data_owner)[0], DatasetPortfolio)
    assert isinstance(parts(SCENARIO.model_owner)[0], ModelPortfolio)
    for member in SCENARIO.cloud_owners:
        role, worker = parts(member)
        assert (type(role), type(worker)) == (member.conduct.role, member.conduct.worker)
        assert role.opening_deposit == Terms().instance_bond  # type: ignore[attr-defined]
    copier, lazy = (
        next(member for member in SCENARIO.cloud_owners if member.conduct is conduct)
        for conduct in CHEATS[:2]
    )
    assert isinstance(parts(copier)[0], DataReceiptCopier)
    assert isinstance(parts(lazy)[1], LazyWorker)


def test_a_members_process_runs_its_parts_until_a_signal(
    demo: DemoRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    member, ran = SCENARIO.cloud_owners[1], []

    def run(settings: Any, who: Any, role: Any, worker: Any, stop: threading.Event) -> None:
        ran.append((settings, who.wallet.address, type(role), type(worker), stop.is_set()))

    monkeypatch.setattr(launch, "enrol", lambda *_: agent(member, demo))
    monkeypatch.setattr(launch, "run", run)
    module._act(demo, member)
    assert ran == [
        (demo.settings(member), demo.address(member), DataReceiptCopier, member.conduct.worker, False)
    ]


def test_a_member_whose_node_is_busy_tries_again(demo: DemoRun, monkeypatch: pytest.MonkeyPatch) -> None:
    member, ran = SCENARIO.model_owner, []
    answers: list[Any] = [NodeUnavailable("the node is busy")] * 4 + [agent(member, demo)]

    def enrol(*_: object) -> Any:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(launch, "enrol", enrol)
    monkeypatch.setattr(launch, "run", lambda *parts: ran.append(parts))
    module._act(demo, member)
    assert len(ran) == 1
    assert not answers


def test_a_member_that_cannot_go_on_logs_why_and_ends_with_1(
    demo: DemoRun, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def enrol(*_: object) -> None:
        raise NodeUnavailable("the node did not answer")

    monkeypatch.setattr(launch, "enrol", enrol)
    with pytest.raises(SystemExit) as ended, caplog.at_level(logging.ERROR):
        module._act(demo, SCENARIO.data_owner)
    assert ended.value.code == 1
    assert caplog.messages == ["the node did not answer"]


def test_a_member_that_fails_as_nobody_foresaw_logs_where_and_ends_with_1(
    demo: DemoRun, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def enrol(*_: object) -> None:
        raise ZeroDivisionError("a mistake")

    monkeypatch.setattr(launch, "enrol", enrol)
    with pytest.raises(SystemExit) as ended, caplog.at_level(logging.ERROR):
        module._act(demo, SCENARIO.data_owner)
    assert ended.value.code == 1
    (record,) = caplog.records
    assert record.exc_info is not None


# --- the run ---


class StubStream:
    """Delivers a history, a few events a poll."""

    def __init__(self, history: list[Logged], at_once: int = 10) -> None:
        self._parts = [tuple(history[start : start + at_once]) for start in range(0, len(history), at_once)]
        self.polls = 0

    def poll(self) -> Batch:
        self.polls += 1
        if self.polls == 3:
            raise NodeUnavailable("the node is busy")
        events = self._parts.pop(0) if self._parts else ()
        return Batch(events, False, BlockRef(1, bytes(32), 0), 0)


@pytest.fixture
def quick(demo: DemoRun, monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """The run of `STORY`, where time passes by naps alone; `members` are the processes."""
    it = SimpleNamespace(now=0.0, members={}, stream=StubStream(STORY.history), closed=False)

    @contextmanager
    def processes(_: DemoRun) -> Iterator[dict[str, Any]]:
        try:
            yield it.members
        finally:
            it.closed = True

    def nap(seconds: float) -> None:
        it.now += seconds

    monkeypatch.setattr(DemoRun, "connect", lambda _: None)
    monkeypatch.setattr(DemoRun, "tc", STORY.tc)
    monkeypatch.setattr(module, "EventStream", lambda *_: it.stream)
    monkeypatch.setattr(module, "_members", processes)
    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: it.now, sleep=nap))
    return it


def test_tells_every_event_once_until_training_is_over(demo: DemoRun, quick: SimpleNamespace) -> None:
    events: list[MarketEvent] = []

    def tell(event: MarketEvent, market: Market) -> None:
        events.append(event)
        assert market.timestamp, "the event is applied already"

    play(demo, tell)
    assert events == [logged.event for logged in STORY.history]
    assert quick.closed


@pytest.mark.parametrize("end", ["abort", "complete"])
def test_any_end_of_the_couple_is_the_end(demo: DemoRun, quick: SimpleNamespace, end: str) -> None:
    story = Story()
    story.distribute()
    story.approve()
    if end == "abort":
        story.start()
    getattr(story, end)()
    later = [replace(story.history[-1], event=story.history[0].event)] * 10
    quick.stream = StubStream([*story.history, *later], at_once=len(story.history))
    told_: list[MarketEvent] = []
    play(demo, lambda event, _: told_.append(event))
    assert told_ == [logged.event for logged in story.history]


def test_a_training_that_takes_too_long_is_stopped(demo: DemoRun, quick: SimpleNamespace) -> None:
    quick.stream = StubStream(STORY.history[:5])
    with pytest.raises(StopAgent) as stopped:
        play(demo, lambda *_: None)
    assert str(stopped.value) == f"training is not over after 1800 s: see {demo.folder / 'logs'}"
    assert quick.closed


@pytest.mark.parametrize(
    ("log", "word"),
    [
        ("12:00 INFO sent\n12:01 ERROR the wallet is empty\n", "12:01 ERROR the wallet is empty"),
        ("", "it left no word"),
        (None, "it left no word"),
    ],
)
def test_a_member_that_dies_stops_the_run(
    demo: DemoRun, quick: SimpleNamespace, log: str | None, word: str
) -> None:
    (demo.folder / "logs").mkdir()
    if log is not None:
        (demo.folder / "logs" / "cloud-owner-2.log").write_text(log)
    alive, dead = SimpleNamespace(exitcode=None), SimpleNamespace(exitcode=1)
    quick.members = {"data owner": alive, "cloud owner 2": dead}
    with pytest.raises(StopAgent) as stopped:
        play(demo, lambda *_: None)
    assert str(stopped.value) == f"cloud owner 2 stopped: {word}"
    assert quick.closed


def test_a_member_that_is_killed_goes_on(
    demo: DemoRun, quick: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    again = SimpleNamespace(exitcode=None)
    started: list[str] = []

    def start(_: DemoRun, name: str) -> SimpleNamespace:
        started.append(name)
        return again

    monkeypatch.setattr(module, "_started", start)
    alive, killed = SimpleNamespace(exitcode=None), SimpleNamespace(exitcode=-9)
    quick.members = {"data owner": alive, "cloud owner 2": killed}
    said: list[str] = []
    play(demo, lambda *_: None, said.append)
    assert started == ["cloud owner 2"]
    assert quick.members == {"data owner": alive, "cloud owner 2": again}
    assert said == ["cloud owner 2 was killed; it starts again where it was"]


# --- processes ---


class Process:
    """Stands for a process, and remembers what was done with it.

    Attributes:
        broken: names of those that cannot be started. `stubborn` are those that must be killed.
    """

    made: ClassVar[list[Process]] = []
    broken: ClassVar[set[str]] = set()
    stubborn: ClassVar[set[str]] = set()

    def __init__(self, *, target: object, args: tuple[Any, ...], name: str, daemon: bool) -> None:
        assert target is module._act
        assert daemon, "it must not outlive us"
        self.member, self.name, self.done = args[1], name, list[str]()
        self.pid: int | None = None
        self.alive = False
        self.made.append(self)

    def start(self) -> None:
        if self.name in self.broken:
            raise OSError("no more processes")
        self.pid, self.alive = 1, True

    def is_alive(self) -> bool:
        return self.alive

    def terminate(self) -> None:
        self.done.append("terminate")
        self.alive = self.name in self.stubborn

    def join(self, _seconds: float) -> None:
        assert self.pid is not None, "can only join a started process"
        assert all(process.done or process.pid is None for process in self.made), "ask all before waiting"
        self.done.append("join")

    def kill(self) -> None:
        self.done.append("kill")
        self.alive = False


@pytest.fixture
def processes(monkeypatch: pytest.MonkeyPatch) -> list[Process]:
    """The processes that are made, instead of making them."""
    context = SimpleNamespace(Process=Process, set_forkserver_preload=lambda _: None)
    monkeypatch.setattr(multiprocessing, "get_context", lambda _: context)
    for name, empty in (("made", []), ("broken", set()), ("stubborn", set())):
        monkeypatch.setattr(Process, name, empty)
    return Process.made


def test_everybody_is_a_process_that_ends_with_the_run(demo: DemoRun, processes: list[Process]) -> None:
    with module._members(demo) as members:
        assert [process.member for process in processes] == list(SCENARIO.everybody)
        assert list(members) == [member.name for member in SCENARIO.everybody]
        assert all(process.alive for process in processes)
        assert (demo.folder / "logs").is_dir()
    assert [process.done for process in processes] == [["terminate", "join"]] * len(processes)


def test_members_are_started_as_the_run_says(
    demo: DemoRun, processes: list[Process], monkeypatch: pytest.MonkeyPatch
) -> None:
    methods: list[Literal["forkserver", "fork"]] = []
    context = multiprocessing.get_context("spawn")

    def remember(method: Literal["forkserver", "fork"]) -> object:
        methods.append(method)
        return context

    monkeypatch.setattr(multiprocessing, "get_context", remember)
    chosen: tuple[Literal["forkserver", "fork"], ...] = ("forkserver", "fork")
    for method in chosen:
        with module._members(replace(demo, start_method=method)):
            assert set(methods) == {method}
        methods.clear()


def test_a_process_that_does_not_end_is_killed(demo: DemoRun, processes: list[Process]) -> None:
    Process.stubborn.add("cloud owner 3")
    with module._members(demo):
        pass
    assert not any(process.alive for process in processes)
    assert [process.name for process in processes if "kill" in process.done] == ["cloud owner 3"]


def test_if_one_cannot_be_started_the_others_end(demo: DemoRun, processes: list[Process]) -> None:
    Process.broken.add("cloud owner 2")
    with pytest.raises(OSError, match="no more processes"), module._members(demo):
        pass
    assert not any(process.alive for process in processes)
    assert [process.name for process in processes if process.done] == ["data owner", "cloud owner 1"]


# --- after the run ---


@pytest.fixture
def asked(demo: DemoRun, monkeypatch: pytest.MonkeyPatch) -> dict[str, list[Exception]]:
    """What goes wrong with each member's withdrawals, in turn; each that is tried takes one off."""
    problems: dict[str, list[Exception]] = {name: [] for name in demo.names.values()}

    def take_out(settings: Any, wallet: Any) -> int:
        name = demo.names[wallet.address]
        assert settings.home.name == name.replace(" ", "-")
        if problems[name]:
            raise problems[name].pop(0)
        del problems[name]
        return 5

    monkeypatch.setattr(launch, "enrol", lambda _, wallet: wallet)
    monkeypatch.setattr(launch, "take_out", take_out)
    return problems


def test_everybody_withdraws_once(demo: DemoRun, asked: dict[str, list[Exception]]) -> None:
    withdraw_all(demo)
    assert asked == {}


def test_a_node_that_does_not_answer_is_asked_again(demo: DemoRun, asked: dict[str, list[Exception]]) -> None:
    asked["cloud owner 4"] = [NodeUnavailable("the node is busy")] * 4
    withdraw_all(demo)
    assert asked == {}


@pytest.mark.parametrize(
    "problems", [[NodeUnavailable("the node is away")] * 5, [Refused("Ledger_TransferFailed")]]
)
def test_a_withdrawal_that_fails_is_told(
    demo: DemoRun, asked: dict[str, list[Exception]], problems: list[Exception]
) -> None:
    asked["cloud owner 4"] = list(problems)
    with pytest.raises(type(problems[0]), match=str(problems[0]).rstrip("()")):
        withdraw_all(demo)
    assert asked["cloud owner 4"] == []
