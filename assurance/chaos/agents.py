"""One agent on a thread of its own, put together as `agents.runtime.launch` does."""

from __future__ import annotations

import logging
import threading
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from agents.chain import views
from agents.chain.chain_time import ChainTime
from agents.chain.client import MarketClient
from agents.chain.codec import Codec
from agents.chain.database import ChainDatabase
from agents.chain.deployment import Deployment
from agents.chain.history import EventStream
from agents.chain.node import Node
from agents.chain.sender import Sender
from agents.chain.wallet import Wallet
from agents.core.errors import Retry
from agents.core.events import Logged
from agents.core.ids import Address
from agents.roles.acts import Identity, Party
from agents.runtime.executor import InlineExecutor
from agents.runtime.mirror_check import MirrorCheck
from agents.runtime.pace import Pace
from agents.runtime.runner import Runner
from agents.storage.database import MEMORY
from agents.storage.files import Home
from agents.storage.journal import Journal
from agents.vault.keys import ENCRYPTION_PURPOSE, SecretKey
from agents.vault.store import ObjectStore
from agents.workers.base import Tools, Worker
from assurance.chaos.virtual_time import VirtualStop, VirtualTime

TIMEOUT_SECONDS = 10.0
"""Of a request, as by default: Ganache, on a busy machine, takes seconds to estimate what is in a bundle."""

POLL_SECONDS = 2.0
RESTART_SECONDS = 30.0
_ROUNDS_OF_CALM = 12
Make = Callable[[Identity, Tools], tuple[Party, Worker]]


@dataclass
class Surroundings:
    """What an agent lives in.

    Attributes:
        direct: the market without any faults.
    """

    deployment: Deployment
    direct: MarketClient
    store: ObjectStore
    folder: Path
    time: VirtualTime


@dataclass
class ChaosAgent:
    """A member.

    Attributes:
        url: its node.
        deaths: how it ended when nobody told it to.
        events: all that it has in the end.
        repaired: how many of them it had to mend.
        settled: whether it has come to its end.
    """

    name: str
    url: str
    around: Surroundings
    make: Make
    deaths: list[str] = field(default_factory=list)
    events: list[Logged] = field(default_factory=list)
    repaired: int = 0
    settled: bool = False

    def __post_init__(self) -> None:
        self.wallet = Wallet.from_key(sha256(self.name.encode()).digest())
        self._rest, self._end = VirtualStop(self.around.time), VirtualStop(self.around.time)
        self._thread = threading.Thread(target=self._live, name=self.name, daemon=True)

    @property
    def address(self) -> Address:
        """Of its wallet."""
        return self.wallet.address

    def start(self) -> None:
        """Begins its life."""
        self._thread.start()

    def rest(self) -> None:
        """It does nothing any more."""
        self._rest.set()

    def settle(self) -> None:
        """Has it read what it has not yet, and ends it; there must be no faults any more."""
        self._end.set()
        self._thread.join()

    def _live(self) -> None:
        with self.around.time.party():
            self._live_on()

    def _live_on(self) -> None:
        """Whoever dies is started again, as a supervisor of processes would."""
        database, journal = ChainDatabase(MEMORY), Journal(MEMORY)
        while not self.settled:
            try:
                runner, stream = self._begin(database, journal)
                runner.run(self._rest)
                self._end.wait(None)
                self._read_all(stream)
            except Retry:
                self._rest.wait(POLL_SECONDS)
            except Exception as error:  # noqa: BLE001  # whatever it is, it is what we look for
                self._died(error)

    def _begin(self, database: ChainDatabase, journal: Journal) -> tuple[Runner, EventStream]:
        around = self.around
        client = self._client()
        key = SecretKey.from_seed(self.wallet.derive(ENCRYPTION_PURPOSE))
        domain = around.direct.read(views.receipt_domain())
        identity = Identity(self.address, key.public_key.encoded, self.wallet.derive, domain)
        time = ChainTime()
        role, worker = self.make(
            identity, Tools(Home(around.folder / self.name), around.store, key, time, domain)
        )
        stream = EventStream(client, database, clock=around.time.now)
        sender = Sender(client, self.wallet, database, clock=around.time.now)
        runner = Runner(
            role,
            InlineExecutor(worker),
            stream,
            sender,
            journal,
            around.time.now,
            Pace(POLL_SECONDS),
            check=MirrorCheck(client, self.address, around.time.now),
            tell_time=time.set,
        )
        return runner, stream

    def _client(self) -> MarketClient:
        codec = Codec(self.around.deployment.abi)
        clock = self.around.time
        node = Node.connect(self.url, TIMEOUT_SECONDS, codec.refusal, clock.now, sleep=clock.wait)
        return MarketClient(self.around.deployment, node, codec)

    def _read_all(self, stream: EventStream) -> None:
        """The faults are over: what does not come now never does."""
        for _ in range(_ROUNDS_OF_CALM):
            while stream.poll().behind:
                pass
        self.events, self.repaired, self.settled = list(stream.replay()), stream.repaired, True

    def _died(self, error: Exception) -> None:
        where = traceback.extract_tb(error.__traceback__)[-1]
        told = f"{type(error).__name__}: {error} ({Path(where.filename).name}:{where.lineno})"
        logging.getLogger(__name__).warning("%s died: %s", self.name, told)
        self.deaths.append(told)
        self._rest.wait(RESTART_SECONDS)
