"""Whole stories in one process: roles with real workers and journals on a market in memory, at a set time.

    world = World(tmp_path)
    world.play()
    assert world.couple.phase is CouplePhase.COMPLETED

An agent can be cut off at every journal write and every transaction, and is started again on its home.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from hashlib import sha256
from pathlib import Path

from eth_utils.address import to_checksum_address

from agents.chain.blocks import ListedLog
from agents.chain.client import BlockRef
from agents.chain.history import Batch
from agents.chain.intents import Intent, IntentState, Outcome
from agents.core.assets import Couple
from agents.core.enums import CouplePhase
from agents.core.errors import Refused
from agents.core.events import DatasetTerms, Deposited, Logged
from agents.core.hashing import final_hash
from agents.core.ids import Address
from agents.core.market import Market
from agents.learning.data.tables import load_table
from agents.learning.families.registry import default_plan
from agents.learning.plans.base import Plan
from agents.learning.privacy.levels import Secrecy
from agents.learning.privacy.policy import PrivacyPolicy
from agents.roles.acts import Identity, Party
from agents.roles.cloud_owner import CloudOwner
from agents.roles.common import final_salt
from agents.roles.data_owner import DataOwner
from agents.roles.model_owner import ModelOwner
from agents.roles.policy import DataOwnerPolicy
from agents.roles.results import TaskResult
from agents.runtime.executor import Executor, InlineExecutor
from agents.runtime.runner import Runner
from agents.storage.files import Home
from agents.storage.journal import Journal
from agents.vault.keys import SecretKey
from agents.vault.store import MemoryStore, ObjectStore
from agents.workers.base import Tools, Worker
from agents.workers.cloud_owner import CloudOwnerWorker
from agents.workers.data_owner import EXPOSED_FILE, DataOwnerWorker
from agents.workers.model_owner import ModelOwnerWorker
from testing.fake_market import TERMS, FakeMarket
from testing.policies import HOLDS, LETS_TRAIN, TRAINS
from testing.portfolios import one_dataset, one_model

OVER = (CouplePhase.DECLINED, CouplePhase.CANCELLED, CouplePhase.ABORTED, CouplePhase.COMPLETED)
TICK = 10
"""Seconds that pass when nobody has anything to do."""

WORLD_TERMS = replace(
    TERMS,
    subsets=4,
    subsets_per_round=2,
    answer_window_seconds=400,
    draw_window_seconds=100,
    report_window_seconds=200,
    settle_window_seconds=100,
    couple_window_seconds=10_000,
    ends_at=100_000,
)
"""As a data owner's settings have them: `ends_at` counts from the start."""

Part = tuple[Callable[[Identity], Party], Callable[[Tools], Worker]]
CloudPart = tuple[type[CloudOwner], Callable[[Tools], Worker]]


class Killed(Exception):  # noqa: N818  # not an error of the project's: the end of a process
    """The agent's process ended here."""


@dataclass
class Wire:
    """An agent's connection: the events that it has seen, and its transactions."""

    chain: FakeMarket
    address: Address
    checkpoint: Callable[[str], None]
    seen: list[Logged] = field(default_factory=list)
    mined: list[Outcome] = field(default_factory=list)
    coins: int = 10**30

    @property
    def height(self) -> int:
        return 0

    @property
    def in_flight(self) -> bool:
        return False

    def mirror(self) -> Market:
        return Market(self.seen)

    def keep(self, market: Market) -> None:
        """It is all in memory."""

    def poll(self, *, resting: bool = False) -> Batch:
        del resting
        history, upto = self.chain.history, BlockRef(self.chain.height, bytes(32), self.chain.now)
        common = sum(1 for _ in _while_same(self.seen, history))
        if common < len(self.seen):
            del self.seen[common:]
            return Batch((), True, upto, behind=1)
        self.seen = list(history)
        return Batch(tuple(history[common:]), False, upto, behind=0)

    def doubt(self, logged: Logged) -> bool:
        """The chain in memory leaves nothing out: reading again would bring nothing else."""
        raise AssertionError(f"{logged} does not fit")

    def distrust(self) -> None:
        """See `doubt`: nobody compares this mirror with views."""
        raise AssertionError("there is nothing to distrust")

    def supply(self, block: int, events: Sequence[ListedLog]) -> bool:
        """All that happens is seen at once."""
        del block, events
        return False

    def advance(self) -> list[Outcome]:
        """Nothing is ever left in an outbox: a call is mined at once or not sent."""
        outcomes, self.mined = self.mined, []
        return outcomes

    def submit(self, intents: Sequence[Intent]) -> list[Outcome]:
        return [self._send(intent) for intent in intents]

    def _send(self, intent: Intent) -> Outcome:
        self.checkpoint(f"before {intent.call.function}")
        try:
            self.chain.send(self.address, intent.call)
        except Refused as refusal:
            return Outcome(intent.key, IntentState.REFUSED, refusal=refusal)
        self.checkpoint(f"after {intent.call.function}")
        self.mined.append(Outcome(intent.key, IntentState.MINED))
        return Outcome(intent.key, IntentState.SENT)


def _while_same(ours: Sequence[Logged], theirs: Sequence[Logged]) -> Iterator[Logged]:
    for mine, yours in zip(ours, theirs, strict=False):
        if mine != yours:
            return
        yield mine


class FragileJournal(Journal):
    """A journal that says before and after each write that it is there."""

    def __init__(self, path: Path, checkpoint: Callable[[str], None]) -> None:
        super().__init__(path)
        self._database.rows("PRAGMA synchronous = OFF")  # a killed process loses nothing, a power cut may
        self._checkpoint = checkpoint

    def record(self, key: str, result: TaskResult) -> None:
        self._checkpoint(f"before {key}")
        super().record(key, result)
        self._checkpoint(f"after {key}")


@dataclass(eq=False)
class Agent:
    """A member with a home.

    Attributes:
        performing: what its worker's tasks are performed with.
        dies_everywhere: it is killed when it first comes to a checkpoint: before and after each journal write
            and each transaction.
    """

    name: str
    chain: FakeMarket
    store: ObjectStore
    folder: Path
    part: Part
    performing: Callable[[Worker], Executor] = InlineExecutor
    dies_everywhere: bool = False
    lives: int = 0
    _died_at: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.key = SecretKey.from_seed(self.derive(b"encryption"))
        role, worker = self.part
        self.identity = Identity(self.address, self.key.public_key.encoded, self.derive, self.chain.domain)
        self.role = role(self.identity)
        self.worker = worker(
            Tools(
                Home(self.folder),
                self.store,
                self.key,
                lambda: self.chain.now,
                self.chain.domain,
                bytes.fromhex(self.address[2:]),
            )
        )
        self.start()

    @property
    def address(self) -> Address:
        return address_of(self.name)

    def derive(self, purpose: bytes) -> bytes:
        return sha256(self.name.encode() + b"'s secret for " + purpose).digest()

    def start(self) -> None:
        """A new process: nothing is left of the last one but the home and the chain."""
        self.lives += 1
        self.journal = FragileJournal(self.folder / "journal.sqlite", self._checkpoint)
        wire = Wire(self.chain, self.address, self._checkpoint)
        executor, clock = self.performing(self.worker), lambda: float(self.chain.now)
        self.runner = Runner(self.role, executor, wire, wire, self.journal, clock)

    def step(self) -> bool:
        """One step of its runner; if it is killed, it starts again."""
        try:
            return self.runner.step()
        except Killed:
            self.journal.close()
            self.start()
            return True

    def _checkpoint(self, what: str) -> None:
        if self.dies_everywhere and what not in self._died_at:
            self._died_at.add(what)
            raise Killed(what)


class World:
    """A data owner, a model owner and cloud owners that each hold a replica of every subset.

    Args:
        folder: for the homes.
        cloud_owners: how many.
        cheats: the parts of those that are not honest, by number.
        rounds: of the model owner's plan, a default one in plain text, of single results.
        plan: one of its own.
        secrecy: the level that the data owner promises.
        privacy: noise that it offers its dataset with, at level private.
        shared: a store to use in the place of the one in memory, where workers are processes.
        market: another deployment than the usual one.

    Attributes:
        gone: agents that do nothing any more.
    """

    def __init__(
        self,
        folder: Path,
        cloud_owners: int = 3,
        cheats: dict[int, CloudPart] | None = None,
        terms: DatasetTerms = WORLD_TERMS,
        rounds: int = 2,
        spare_rounds: int = 1,
        policy: DataOwnerPolicy = LETS_TRAIN,
        plan: Plan | None = None,
        secrecy: Secrecy = "none",
        privacy: PrivacyPolicy | None = None,
        shared: ObjectStore | None = None,
        market: type[FakeMarket] = FakeMarket,
    ) -> None:
        self.chain, self.store, self.folder = market(), MemoryStore(), folder
        self._shared = shared or self.store
        self.gone: list[Agent] = []
        parts = dict.fromkeys(range(cloud_owners), HONEST) | (cheats or {})
        names = [f"cloud owner {number}" for number in parts]
        owners = tuple(address_of(name) for name in names)
        self.data_owner = self._agent(
            "data owner",
            (
                lambda identity: DataOwner(identity, one_dataset((owners,) * terms.subsets), policy),
                lambda tools: DataOwnerWorker(
                    tools,
                    "wine",
                    None,
                    terms.subsets,
                    0,
                    terms,
                    self.data_owner_derive,
                    secrecy if privacy is None else "private",
                    privacy,
                ),
            ),
        )
        self.cloud_owners = [self._agent(name, _holding(*parts[number])) for number, name in enumerate(names)]
        samples = folder / "data owner" / EXPOSED_FILE
        if plan is None and privacy is None:
            plan = single_results("wine", rounds)
        own = None if plan is None else folder / "own.json"
        if own is not None and plan is not None:
            own.write_bytes(plan.canonical_bytes())
        self.model_owner = self._agent(
            "model owner",
            (
                lambda identity: ModelOwner(identity, one_model(spare_rounds=spare_rounds), TRAINS),
                lambda tools: ModelOwnerWorker(
                    tools,
                    samples,
                    self.chain.domain,
                    rounds=rounds,
                    plan_file=own,
                ),
            ),
        )

    @staticmethod
    def data_owner_derive(purpose: bytes) -> bytes:
        return sha256(b"the data owner's secret for " + purpose).digest()

    def store_of(self, name: str) -> ObjectStore:
        """The store as a member has it."""
        del name
        return self._shared

    def _agent(self, name: str, part: Part) -> Agent:
        return Agent(name, self.chain, self.store_of(name), self.folder / name, part)

    @property
    def agents(self) -> list[Agent]:
        return [self.data_owner, *self.cloud_owners, self.model_owner]

    @property
    def market(self) -> Market:
        return self.chain.mirror

    @property
    def couple(self) -> Couple:
        """The one couple."""
        (couple,) = self.market.couples.values()
        return couple

    def ends_with(self, model: bytes) -> bool:
        """Whether the couple ended with the weights of this digest."""
        mo, couple = self.model_owner.identity, self.couple
        return couple.final_model_hash == final_hash(
            mo.receipt_domain, couple.id, final_salt(mo, couple.id), model
        )

    @property
    def is_over(self) -> bool:
        """Whether the couple has come to its end."""
        return any(couple.phase in OVER for couple in self.market.couples.values())

    def settle_down(self) -> None:
        """Steps the agents until none has anything to do in this second."""
        for _ in range(200):
            busy = [agent.step() for agent in self.agents if agent not in self.gone]
            if not any(busy):
                return
        raise AssertionError("the agents never come to rest")

    def play(self, until: Callable[[], bool] | None = None, most: int = 1_000) -> None:
        """Lets time pass until the couple is over, or something else is so."""
        done = until or (lambda: self.is_over)
        for _ in range(most):
            self.settle_down()
            if done():
                return
            self.chain.now += TICK
        raise AssertionError("the story does not end")

    def step_until(self, reached: Callable[[], bool]) -> None:
        """Steps one agent after the other and stops between two of them."""
        for _ in range(1_000):
            for agent in self.agents:
                if reached():
                    return
                agent.step()
        raise AssertionError("it never comes to that")

    def outcome(self) -> dict[str, object]:
        """What the story came to, without what is random, and whether coins were paid in at once."""
        market, couple = self.market, self.couple
        return {
            "phase": couple.phase,
            "model": couple.final_model_hash,
            "digests": [record.digests for record in couple.rounds.values()],
            "verdicts": [record.verdicts for record in couple.rounds.values()],
            "coins": {agent.name: market.balances[agent.address] for agent in self.agents},
            "instances": {ci: (i.status, i.bond) for ci, i in market.instances.items()},
            "total": market.total(),
            "events": Counter(
                type(logged.event) for logged in self.chain.history if not isinstance(logged.event, Deposited)
            ),
        }


def _holding(role: type[CloudOwner], worker: Callable[[Tools], Worker]) -> Part:
    return lambda identity: role(identity, HOLDS), worker


HONEST: CloudPart = (CloudOwner, CloudOwnerWorker)


@cache
def in_plain_text(table: str, rounds: int) -> Plan:
    """The default plan in plain text for a table."""
    found = load_table(table)
    classes, features = len(found.class_names), found.features.shape[1]
    return default_plan(found.task, classes, features, "logistic", rounds)


def single_results(table: str, rounds: int) -> Plan:
    """The same for whoever lets a model owner see each result."""
    return in_plain_text(table, rounds).model_copy(update={"sums": "none"})


def address_of(name: str) -> Address:
    """A member's address."""
    return Address(to_checksum_address(sha256(name.encode()).digest()[:20]))
