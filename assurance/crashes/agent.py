"""An agent as a process of its own: it does a turn when told to, and asks for the chain on the same pipe."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from hashlib import sha256
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, NoReturn

from agents.chain import views
from agents.chain.chain_time import ChainTime
from agents.chain.client import MarketClient
from agents.chain.codec import Codec
from agents.chain.database import ChainDatabase
from agents.chain.deployment import Deployment
from agents.chain.endpoint import Endpoint
from agents.chain.history import EventStream
from agents.chain.mined import selectors
from agents.chain.node import Node
from agents.chain.sender import Sender
from agents.chain.transport import Provider
from agents.chain.wallet import Wallet
from agents.learning.families import registry
from agents.portfolio.known import CHAIN_FILE, JOURNAL_FILE
from agents.portfolio.parties import DatasetPortfolio, ModelPortfolio
from agents.portfolio.workers import DatasetsWorker, ModelsWorker
from agents.roles.acts import Identity, Party
from agents.roles.cloud_owner import CloudOwner
from agents.roles.data_owner import DataOwner
from agents.roles.model_owner import ModelOwner
from agents.runtime.executor import InlineExecutor
from agents.runtime.mirror_check import MirrorCheck
from agents.runtime.runner import Runner
from agents.storage.files import Home
from agents.storage.journal import Journal
from agents.vault.keys import ENCRYPTION_PURPOSE, SecretKey
from agents.vault.local_store import LocalStore
from agents.workers.base import Tools, Worker
from agents.workers.cloud_owner import CloudOwnerWorker
from assurance.crashes.node import EvmNode
from assurance.crashes.points import Death, Points, WatchedNode, WatchedStore, WatchedWorker
from testing.fake_family import FakeFamily
from testing.policies import HOLDS, LETS_TRAIN, TRAINS

STORE = "store"
"""The folder of the objects, in that of the life."""


@dataclass(frozen=True)
class Turn:
    """What an agent is told.

    Attributes:
        now: the time, in seconds.
        death: where it is to die, if it is; `everywhere`: points at which it is to die as well.
    """

    now: int
    death: Death | None = None
    everywhere: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Told:
    """What an agent tells when its turn is over: whether it did anything, and the points that it passed."""

    busy: bool
    passed: list[str]


@dataclass(frozen=True)
class Member:
    """Who an agent is, and where it lives.

    Attributes:
        role: ``data owner``, ``cloud owner`` or ``model owner``; one of each.
        folder: of the life: its home is in it.
        watched: whether what it does is watched, and not forced to the disk.
    """

    role: str
    folder: Path
    deployment: Deployment
    watched: bool = True

    @property
    def wallet(self) -> Wallet:
        """Its own; the same in every life."""
        return wallet_of(self.role)

    @property
    def home(self) -> Path:
        """Its own folder."""
        return self.folder / self.role


def wallet_of(role: str) -> Wallet:
    """The wallet of the agent of a role."""
    return Wallet.from_key(sha256(role.encode()).digest())


class Agent:
    """A member's process, as who plays the life has it.

    Attributes:
        lives: how often it was started.
    """

    def __init__(self, member: Member, node: EvmNode, process: Callable[[Member], Process]) -> None:
        self.member, self.lives = member, 0
        self._node, self._process = node, process
        self._running: Process | None = None

    def turn(self, turn: Turn) -> Told:
        """Starts it, or has it do a step.

        Raises:
            KilledError: it was killed in this turn. At the next one it is started again.
        """
        if self._running is None:
            self.lives += 1
            self._running = self._process(self.member)
        connection, point = self._running.connection, ""
        try:
            connection.send(turn)
            while not isinstance(said := connection.recv(), Told):
                if isinstance(said, Dying):
                    point = said.point
                else:
                    connection.send(self._node.make_request(said.method, said.params))
        except (EOFError, ConnectionError):
            code, self._running = self._running.wait(), None
            if code != -signal.SIGKILL:
                raise AssertionError(
                    f"the {self.member.role} ended with {code}, and was not killed"
                ) from None
            raise KilledError(point) from None
        return said

    def end(self) -> None:
        """Ends the process, if it runs."""
        if self._running is not None:
            self._running.connection.close()
            self._running.kill()
            self._running.wait()
            self._running = None

    def forget(self) -> None:
        """In a fork of who plays the life: the process is another's."""
        if self._running is not None:
            self._running.connection.close()
            self._running = None


class KilledError(Exception):
    """The agent's process was killed.

    Attributes:
        point: where; empty if it did not do it itself.
    """

    def __init__(self, point: str) -> None:
        super().__init__(point)
        self.point = point


@dataclass(frozen=True)
class Dying:
    """An agent's last word: where it ends itself."""

    point: str


@dataclass(frozen=True)
class Asked:
    """A request of the node."""

    method: str
    params: Any


@dataclass
class Process:
    """A process that serves a member.

    Attributes:
        connection: on which it is told.
        kill: ends it. It would not see that nobody is there any more: its siblings have the pipe, too.
        wait: waits for its end; gives its exit code, negative for a signal.
    """

    connection: Connection
    kill: Callable[[], None]
    wait: Callable[[], int]


def forked(member: Member) -> Process:
    """A process that is forked: quick, as all is imported."""
    ours, theirs = Pipe()
    pid = os.fork()
    if pid == 0:
        ours.close()
        serve(member, theirs)
    theirs.close()
    return Process(
        ours,
        lambda: os.kill(pid, signal.SIGKILL),
        lambda: os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]),
    )


# --- in the process ---


@dataclass
class PipedNode:
    """The node, on the other side of a pipe."""

    connection: Connection

    def make_request(self, method: str, params: Any) -> Mapping[str, Any]:
        """See `Provider`."""
        self.connection.send(Asked(method, params))
        answer: Mapping[str, Any] = self.connection.recv()
        return answer


def serve(member: Member, connection: Connection) -> NoReturn:
    """Does turn after turn, until nobody is there any more; the first is its start."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    registry.FAMILIES[FakeFamily.name()] = FakeFamily
    registry.family_of.cache_clear()
    points = Points(member.role, lambda point: connection.send(Dying(point)))
    code = 1
    try:
        with suppress(EOFError, ConnectionError):
            if member.watched:
                with points.watching():
                    _live(member, connection, points)
            else:
                _live(member, connection, points)
        code = 0
    finally:
        os._exit(code)


def _live(member: Member, connection: Connection, points: Points) -> None:
    life = _Life(member, PipedNode(connection), points)
    turn: Turn = connection.recv()
    points.begin(turn.death, turn.everywhere)
    life.start(turn.now)
    busy = True
    while True:
        connection.send(Told(busy, points.passed))
        turn = connection.recv()
        points.begin(turn.death, turn.everywhere)
        busy = life.step(turn.now)


@dataclass
class _Life:
    member: Member
    node: Provider
    points: Points
    now: float = 0.0
    runner: Runner = field(init=False)
    sender: Sender = field(init=False)

    def start(self, now: int) -> None:
        """Puts the agent together, as `agents.runtime.launch` does."""
        self.now, member = now, self.member
        deployment, wallet = member.deployment, member.wallet
        codec = Codec(deployment.abi)
        watched = WatchedNode(self.node, self.points, selectors(deployment.abi))
        node = Node([Endpoint(watched, codec.refusal)], self.clock, sleep=lambda _: None)
        client = MarketClient(deployment, node, codec)
        key = SecretKey.from_seed(wallet.derive(ENCRYPTION_PURPOSE))
        domain = client.read(views.receipt_domain())
        identity = Identity(wallet.address, key.public_key.encoded, wallet.derive, domain)
        time = ChainTime()
        store = WatchedStore(LocalStore(member.folder / STORE), self.points)
        role, worker = parts(member, identity, Tools(Home(member.home), store, key, time, domain))
        journal, database = Journal(member.home / JOURNAL_FILE), ChainDatabase(member.home / CHAIN_FILE)
        stream = EventStream(client, database, clock=self.clock)
        self.sender = Sender(client, wallet, database, clock=self.clock)
        executor = InlineExecutor(WatchedWorker(worker, self.points))
        check = MirrorCheck(client, wallet.address, self.clock)
        self.runner = Runner(
            role, executor, stream, self.sender, journal, self.clock, check=check, tell_time=time.set
        )

    def step(self, now: int) -> bool:
        """One step of the runner; whether anything came of it, or is under way."""
        self.now = now
        return self.runner.step() or self.sender.in_flight

    def clock(self) -> float:
        return float(self.now)


def parts(member: Member, identity: Identity, tools: Tools) -> tuple[Party, Worker]:
    """What an agent decides with, and what does its work."""
    home = member.home
    if member.role == "data owner":
        owner = DataOwner(identity, (), LETS_TRAIN)
        return DatasetPortfolio(owner, home), DatasetsWorker(tools, identity.derive)
    if member.role == "model owner":
        wanting = ModelOwner(identity, (), TRAINS)
        return ModelPortfolio(wanting, home), ModelsWorker(tools, identity.receipt_domain)
    return CloudOwner(identity, HOLDS), CloudOwnerWorker(tools)
