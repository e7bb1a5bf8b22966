"""A run of the demo: every member a process of its own, and a narrator who only reads the chain."""

from __future__ import annotations

import logging
import multiprocessing
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, Literal, TypeVar

from agents.chain.client import MarketClient
from agents.chain.database import ChainDatabase
from agents.chain.deployment import Deployment
from agents.chain.history import EventStream
from agents.chain.wallet import Wallet
from agents.core.amounts import ETHER
from agents.core.errors import HoldfastError, Retry, StopAgent
from agents.core.events import MarketEvent
from agents.core.ids import Address, CoupleId, couple_id
from agents.core.market import Market
from agents.demo.ranges import ranges_of
from agents.demo.scenario import DemoMember, Scenario
from agents.output.logs import escape_what_is_left, log_to
from agents.portfolio.checking import checked
from agents.portfolio.entries import DatasetEntry, ModelEntry
from agents.portfolio.files import FOLDERS, write_entry
from agents.runtime import launch
from agents.runtime.settings import AgentSettings, CloudOwnerSettings, DataOwnerSettings, ModelOwnerSettings
from agents.storage.files import make_folder, write
from agents.storage.log_file import LogFile
from agents.workers.data_owner import EXPOSED_FILE

log = logging.getLogger(__name__)

SPARE_ROUNDS = 1
DATASET, MODEL = "data", "model"
"""How their owners call them."""
HOMES, STORE, LOGS = "homes", "store", "logs"
"""Folders: of the members' own folders, of the object store, and of what each member logged."""

POLL_SECONDS = 0.3

FUEL = ETHER
"""What each member gets for gas, beyond what it pays in."""

_LIMIT_SECONDS = 1800
_ATTEMPTS = 5
_TIMEOUT_SECONDS = 4.0  # Ganache now and then never answers an estimate that a block overtakes
_ALL_COINS = 2**96
T = TypeVar("T")


@dataclass(frozen=True)
class DemoRun:
    """A run of a scenario: where it is, and what each member is given.

    Attributes:
        folder: for homes, logs and the object store.
        rpc: URL of the node. `deployment` is the market's file.
        poll_seconds: how long each member rests when nothing is due.
        start_method: ``forkserver``, so that members share nothing with whoever runs it; or ``fork``, for a
            program that has no threads and wants to do the imports only once.
    """

    scenario: Scenario
    folder: Path
    rpc: str
    deployment: Path
    poll_seconds: float = POLL_SECONDS
    start_method: Literal["forkserver", "fork"] = "forkserver"

    def wallet(self, member: DemoMember) -> Wallet:
        """A member's wallet."""
        return Wallet.from_key(member.secret)

    def address(self, member: DemoMember) -> Address:
        """A member's address."""
        return self.wallet(member).address

    @property
    def tc(self) -> CoupleId:
        """The train couple of the demo."""
        return couple_id(self.address(self.scenario.model_owner), 1)

    @property
    def names(self) -> dict[Address, str]:
        """Everybody's name."""
        return {self.address(member): member.name for member in self.scenario.everybody}

    def connect(self) -> MarketClient:
        """The market, to read it."""
        return MarketClient.connect(self.rpc, Deployment.load(self.deployment))

    def home(self, member: DemoMember) -> Path:
        """A member's own folder."""
        return self.folder / HOMES / member.folder

    def settings(self, member: DemoMember) -> AgentSettings:
        """A member's settings."""
        scenario = self.scenario
        members = [one for one in scenario.everybody if one != member]
        common: dict[str, Any] = {
            "members": tuple(map(self.address, members)),
            "at_stake": _ALL_COINS,
            "at_stake_each": _ALL_COINS,
            "home": self.home(member),
            "rpc": self.rpc,
            "deployment": self.deployment,
            "store": self.folder / STORE,
            "opening_deposit": self.opening_deposit(member),
            "poll_seconds": self.poll_seconds,
            "workers": 1,  # all members share one machine
            "timeout_seconds": _TIMEOUT_SECONDS,
        }
        if member == scenario.data_owner:
            return checked(DataOwnerSettings, **common)
        if member == scenario.model_owner:
            return checked(ModelOwnerSettings, **common, min_draw_window_seconds=1)
        return checked(CloudOwnerSettings, **common, min_report_window_seconds=1, min_settle_window_seconds=1)

    @property
    def dataset_folder(self) -> Path:
        """What the data owner's agent makes of its dataset."""
        return self.home(self.scenario.data_owner) / FOLDERS[DatasetEntry] / DATASET

    @property
    def model_folder(self) -> Path:
        """What the model owner's agent makes of its model."""
        return self.home(self.scenario.model_owner) / FOLDERS[ModelEntry] / MODEL

    def write_portfolio(self, member: DemoMember) -> None:
        """Writes what a member has: the one dataset, or the one model."""
        scenario, home = self.scenario, self.home(member)
        if member == scenario.data_owner:
            write_entry(home, DATASET, self._dataset(home))
        elif member == scenario.model_owner:
            entry = checked(
                ModelEntry,
                samples=self.dataset_folder.absolute() / EXPOSED_FILE,
                model=scenario.planned,
                plan=None if scenario.plan is None else scenario.plan.absolute(),
                rounds=scenario.rounds,
                seed=scenario.seed,
                balance=scenario.balance,
                spare_rounds=SPARE_ROUNDS,
            )
            write_entry(home, MODEL, entry)

    def _dataset(self, home: Path) -> DatasetEntry:
        scenario, schema, ranges = self.scenario, None, None
        if scenario.schema is not None:
            schema = home / "schema.json"
            write(schema, scenario.schema.text().encode())
        if scenario.secrecy == "private":
            ranges = home / "ranges.json"
            write(ranges, ranges_of(scenario).model_dump_json().encode())
        is_file = Path(scenario.data).exists()
        return checked(
            DatasetEntry,
            table=str(Path(scenario.data).absolute()) if is_file else scenario.data,
            target=scenario.target,
            task=scenario.task,
            merge_rare=scenario.merge_rare,
            query=scenario.query,
            group=scenario.group,
            keep=scenario.keep,
            table_schema=None if schema is None else schema.absolute(),
            subsets=scenario.subsets,
            replicas=scenario.replicas,
            seed=scenario.seed,
            cloud_owners=tuple(map(self.address, scenario.cloud_owners)),
            terms=scenario.terms,
            secrecy=scenario.secrecy,
            privacy=None if ranges is None else ranges.absolute(),
        )

    def opening_deposit(self, member: DemoMember) -> int:
        """What a member will have to lock, in wei."""
        scenario = self.scenario
        terms = scenario.terms.of(scenario.subsets, (scenario.subsets + 1) // 2, scenario.replicas)
        if member == scenario.data_owner:
            return terms.couple_bond
        if member == scenario.model_owner:
            return (scenario.most_rounds + SPARE_ROUNDS) * terms.escrow_per_round
        return terms.instance_bond


def play(
    demo: DemoRun,
    tell: Callable[[MarketEvent, Market], None],
    say: Callable[[str], None] = lambda _: None,
) -> None:
    """Runs every member until training is over, telling each event as it comes.

    A member that is killed is started again on its home: it goes on where it was.

    Args:
        demo: the run.
        tell: is given each event and the market that it leaves.
        say: is given whatever else is worth a line.

    Raises:
        StopAgent: a member gave up, or it takes too long.
    """
    database = ChainDatabase(":memory:")
    stream, market = EventStream(demo.connect(), database), Market()
    slow = 2 * (demo.scenario.most_rounds + 2) * demo.scenario.terms.report_window_seconds
    limit = max(_LIMIT_SECONDS, slow)
    deadline = time.monotonic() + limit
    with _members(demo) as members:
        while not _over(market, demo.tc):
            with suppress(Retry):  # a node that is busy: the next look will do
                for logged in stream.poll().events:
                    market.apply(logged)
                    tell(logged.event, market)
            for name in _killed(demo, members):
                say(f"{name} was killed; it starts again where it was")
                members[name] = _started(demo, name)
            if time.monotonic() > deadline:
                raise StopAgent(f"training is not over after {limit} s: see {demo.folder / LOGS}")
            time.sleep(demo.poll_seconds)
    database.close()


def withdraw_all(demo: DemoRun) -> None:
    """Everybody takes out what is free."""
    everybody = demo.scenario.everybody
    with ThreadPoolExecutor(len(everybody)) as hands:
        list(hands.map(lambda member: _withdraw(demo, member), everybody))


def _withdraw(demo: DemoRun, member: DemoMember) -> None:
    """One member's withdrawal."""
    settings = demo.settings(member)
    _asked_again(lambda: launch.take_out(settings, launch.enrol(settings, demo.wallet(member))))


def _asked_again(ask: Callable[[], T]) -> T:
    """What it gives; a node that does not answer is asked several times."""
    for _ in range(_ATTEMPTS - 1):
        with suppress(Retry):
            return ask()
    return ask()


def _over(market: Market, tc: CoupleId) -> bool:
    return tc in market.couples and market.couples[tc].phase.is_over


# --- processes ---


@contextmanager
def _members(demo: DemoRun) -> Iterator[dict[str, BaseProcess]]:
    """All members as processes, stopped in the end.

    They fork from one process that has done the imports.
    """
    make_folder(demo.folder / LOGS, private=False)
    members: dict[str, BaseProcess] = {}
    try:
        for member in demo.scenario.everybody:
            members[member.name] = _started(demo, member.name)
        yield members
    finally:
        for process in members.values():
            if process.is_alive():
                process.terminate()
        for process in members.values():
            process.join(10)
            if process.is_alive():
                process.kill()


def _started(demo: DemoRun, name: str) -> BaseProcess:
    """A member's process, running."""
    context: Any = multiprocessing.get_context(demo.start_method)
    context.set_forkserver_preload([__name__])  # of no effect on a fork
    member = next(member for member in demo.scenario.everybody if member.name == name)
    process: BaseProcess = context.Process(target=_act, args=(demo, member), name=name, daemon=True)
    process.start()
    return process


def _act(demo: DemoRun, member: DemoMember) -> None:
    """One member's process."""
    settings = demo.settings(member)
    escape_what_is_left()
    log_to(LogFile(_log_file(demo, member.name)))
    with launch.stopped_by_signals() as stop:
        try:
            demo.write_portfolio(member)
            agent = _asked_again(lambda: launch.enrol(settings, demo.wallet(member)))
            role, worker = _parts(settings, agent, member)
            launch.run(settings, agent, role, worker, stop)
        except HoldfastError as problem:
            log.error("%s", problem)
            raise SystemExit(1) from None
        except Exception:  # multiprocessing would print it as it is
            log.exception("a mistake of ours")
            raise SystemExit(1) from None


def _parts(settings: AgentSettings, agent: launch.AgentContext, member: DemoMember) -> launch.Parts:
    if isinstance(settings, DataOwnerSettings):
        return launch.data_owner(settings, agent)
    if isinstance(settings, ModelOwnerSettings):
        return launch.model_owner(settings, agent)
    assert isinstance(settings, CloudOwnerSettings)
    role, _ = launch.cloud_owner(settings, agent)
    return member.conduct.role(**vars(role)), member.conduct.worker(agent.tools)


def _killed(demo: DemoRun, members: dict[str, BaseProcess]) -> list[str]:
    """Who was ended by a signal.

    Raises:
        StopAgent: a member ended by itself.
    """
    ended = {name: process.exitcode for name, process in members.items() if process.exitcode is not None}
    for name, code in ended.items():
        if code >= 0:
            log = _log_file(demo, name)  # which a member that died early has not even opened
            lines = log.read_text().splitlines() if log.exists() else []
            raise StopAgent(f"{name} stopped: {lines[-1] if lines else 'it left no word'}")
    return list(ended)


def _log_file(demo: DemoRun, name: str) -> Path:
    return demo.folder / LOGS / f"{name.replace(' ', '-')}.log"
