"""Honest and cheating agents on a real market on a real node, in one process, at a time that the test sets.

Everything is the product's own but three things: the object store is in memory, time passes by request, and
steps are taken in turn.

    with company(tmp_path, cheats={1: Conduct(role=TrainingReceiptCopier)}) as network:
        network.play()
        assert network.verdicts(network.cloud_owners[1]) == {JobStatus.FAULTY}
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path

from agents.audit.live import Audited, audit_deployment
from agents.chain import views
from agents.chain.client import MarketClient
from agents.chain.database import ChainDatabase
from agents.chain.history import EventStream
from agents.chain.intents import Outcome
from agents.chain.sender import Sender
from agents.chain.waiting import send_and_wait
from agents.chain.wallet import Wallet
from agents.core.assets import Couple, Instance
from agents.core.calls import Call
from agents.core.enums import CouplePhase, JobStatus
from agents.core.errors import Refused
from agents.core.events import DatasetTerms
from agents.core.ids import Address
from agents.core.market import Market
from agents.demo.scenario import HONEST, Conduct
from agents.roles.acts import Identity, Party
from agents.roles.data_owner import DataOwner
from agents.roles.model_owner import ModelOwner
from agents.runtime.executor import InlineExecutor
from agents.runtime.runner import Runner
from agents.storage.files import Home
from agents.storage.journal import Journal
from agents.vault.keys import ENCRYPTION_PURPOSE, SecretKey
from agents.vault.store import MemoryStore
from agents.workers.base import Tools, Worker
from agents.workers.data_owner import EXPOSED_FILE, DataOwnerWorker
from agents.workers.model_owner import ModelOwnerWorker
from testing.node_market import COIN, mined
from testing.policies import HOLDS, LETS_TRAIN, TRAINS
from testing.portfolios import one_dataset, one_model
from testing.world import single_results

FINNEY = 10**15
TERMS = DatasetTerms(
    subsets=3,
    subsets_per_round=1,
    max_replicas=3,
    round_price=10 * FINNEY,
    job_price=FINNEY,
    instance_bond=10 * FINNEY,
    miss_penalty=3 * FINNEY,
    couple_bond=100 * FINNEY,
    answer_window_seconds=1_000,
    draw_window_seconds=300,
    report_window_seconds=600,
    settle_window_seconds=300,
    couple_window_seconds=100_000,
    ends_at=1_000_000,
)
"""As a data owner's settings have them: `ends_at` counts from the start."""

_OVER = (CouplePhase.COMPLETED, CouplePhase.ABORTED, CouplePhase.DECLINED, CouplePhase.CANCELLED)
_TICK = 60
Make = Callable[[Identity, Tools], tuple[Party, Worker]]


@dataclass
class NetworkAgent:
    """One agent, put together as `agents.runtime.launch` does."""

    name: str
    network: AgentNetwork
    make: Make
    wallet: Wallet = field(init=False)
    sender: Sender = field(init=False)
    executor: InlineExecutor = field(init=False)
    runner: Runner = field(init=False)

    def __post_init__(self) -> None:
        network = self.network
        self.wallet = Wallet.from_key(sha256(self.name.encode()).digest())
        network.fund(self.wallet.address)
        key = SecretKey.from_seed(self.wallet.derive(ENCRYPTION_PURPOSE))
        domain = network.client.read(views.receipt_domain())
        self.identity = Identity(self.address, key.public_key.encoded, self.wallet.derive, domain)
        self.home = Home(network.folder / self.name)
        role, worker = self.make(self.identity, Tools(self.home, network.store, key, network.now, domain))
        database = ChainDatabase(":memory:")
        self.sender = Sender(network.client, self.wallet, database)
        stream = EventStream(network.client, database)
        self.executor = InlineExecutor(worker)
        self.runner = Runner(
            role, self.executor, stream, self.sender, Journal(":memory:"), lambda: float(network.now())
        )

    @property
    def address(self) -> Address:
        return self.wallet.address

    def send(self, *calls: Call) -> tuple[Outcome, ...]:
        """Sends by hand what its role would not."""
        return send_and_wait(self.sender, calls)

    def refusal(self, call: Call) -> Refused | None:
        """What the market says to a call; None if it takes it."""
        return self.send(call)[0].refusal


class AgentNetwork:
    """A data owner, cloud owners that each hold a replica of every subset, and a model owner.

    Args:
        node: a local node with unlocked accounts.
        folder: for the homes.
        terms: of the dataset; a cloud owner a replica.
        cheats: how those play that are not honest, by number.
        rounds: of the plan.
    """

    def __init__(
        self,
        client: MarketClient,
        folder: Path,
        terms: DatasetTerms = TERMS,
        cheats: dict[int, Conduct] | None = None,
        rounds: int = 2,
    ) -> None:
        self.client, self.folder, self.store = client, folder, MemoryStore()
        self.terms, self.rounds = terms, rounds
        self._stream, self._mirror = EventStream(client, ChainDatabase(":memory:")), Market()
        parts = [(cheats or {}).get(number, HONEST) for number in range(terms.max_replicas)]
        self.cloud_owners = [
            NetworkAgent(f"cloud owner {number}", self, _cloud_owner(part))
            for number, part in enumerate(parts)
        ]
        self.data_owner = NetworkAgent("data owner", self, self._data_owner)
        self.model_owner = NetworkAgent("model owner", self, self._model_owner)

    def _data_owner(self, identity: Identity, tools: Tools) -> tuple[Party, Worker]:
        owners = tuple(member.address for member in self.cloud_owners)
        terms = self.terms
        worker = DataOwnerWorker(tools, "wine", None, terms.subsets, 0, terms, identity.derive, "none")
        return DataOwner(identity, one_dataset((owners,) * self.terms.subsets), LETS_TRAIN), worker

    def _model_owner(self, identity: Identity, tools: Tools) -> tuple[Party, Worker]:
        samples = self.folder / "data owner" / EXPOSED_FILE
        plan = self.folder / "own.json"
        plan.write_bytes(single_results("wine", self.rounds).canonical_bytes())
        worker = ModelOwnerWorker(tools, samples, identity.receipt_domain, plan_file=plan)
        return ModelOwner(identity, one_model(), TRAINS), worker

    # --- time ---

    def now(self) -> int:
        """The last block's time."""
        return self.client.head().timestamp

    def travel(self, seconds: int) -> None:
        """Mines a block so much later."""
        self.client.node.ask("evm_increaseTime", seconds)
        self.client.node.ask("evm_mine")

    # --- stories ---

    @property
    def everybody(self) -> list[NetworkAgent]:
        return [self.data_owner, *self.cloud_owners, self.model_owner]

    def settle_down(self, *members: NetworkAgent) -> None:
        """Lets these, by default all, act until none has anything to do."""
        acting = members or tuple(self.everybody)
        for _ in range(200):
            busy = [member.runner.step() or member.sender.in_flight for member in acting]
            if not any(busy):
                return
        raise AssertionError("the agents never come to rest")

    def play(self, until: Callable[[], bool] | None = None, *members: NetworkAgent) -> None:
        """Lets time pass until the couple is over, or something else is so."""
        done = until or (lambda: bool(self.market.couples) and self.couple.phase in _OVER)
        for _ in range(200):
            self.settle_down(*members)
            if done():
                return
            self.travel(_TICK)
        raise AssertionError("the story does not end")

    def play_until(self, phase: CouplePhase, round_: int = 1) -> None:
        """Lets everybody act, one step at a time, until the couple is in this phase of this round.

        Time passes where nobody does anything: a node that left a request unanswered is asked again later.
        """
        for _ in range(500):
            busy = False
            for member in self.everybody:
                if any(c.round == round_ and c.phase is phase for c in self.market.couples.values()):
                    return
                busy |= member.runner.step() or member.sender.in_flight
            if not busy:
                self.travel(1)
        raise AssertionError(f"no phase {phase.name} in round {round_}")

    # --- what came of it ---

    @property
    def market(self) -> Market:
        """The market as its events tell it now."""
        batch = self._stream.poll()
        assert not batch.rolled_back
        assert not batch.behind
        for logged in batch.events:
            self._mirror.apply(logged)
        return self._mirror

    @property
    def couple(self) -> Couple:
        """The one couple."""
        (couple,) = self.market.couples.values()
        return couple

    def instances(self, member: NetworkAgent) -> list[Instance]:
        """A cloud owner's instances."""
        return list(self.market.instances_at(member.address))

    def verdicts(self, member: NetworkAgent) -> list[JobStatus]:
        """The verdicts on a cloud owner's jobs, in the order of rounds."""
        market = self.market
        return [
            verdict
            for record in self.couple.rounds.values()
            for ci, (verdict, _) in record.verdicts.items()
            if market.instances[ci].cloud_owner == member.address
        ]

    def audit(self) -> Audited:
        """What the auditor says, findings, views and coins."""
        return audit_deployment(self.client)

    def fund(self, address: Address) -> None:
        """Gives a member coins of the node's first account."""
        banker = self.client.node.ask("eth_accounts")[0]
        gift = {"from": banker, "to": address, "value": hex(10 * COIN), "gas": hex(21_000)}
        mined(self.client.node, gift)


def _cloud_owner(part: Conduct) -> Make:
    return lambda identity, tools: (part.role(identity, HOLDS), part.worker(tools))


def with_terms(**changes: int) -> DatasetTerms:
    """The default terms, changed."""
    return replace(TERMS, **changes)
