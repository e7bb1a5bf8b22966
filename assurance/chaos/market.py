"""A life of a market with eight agents: a data owner, six cloud owners, a model owner."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from hashlib import sha256
from pathlib import Path
from random import Random
from unittest.mock import patch

from eth_utils.address import to_checksum_address

from agents.audit.live import audit_deployment
from agents.chain import views
from agents.chain.answers import to_hex
from agents.chain.client import MarketClient
from agents.chain.database import ChainDatabase
from agents.chain.deployment import Deployment
from agents.chain.history import EventStream
from agents.chain.mined import transactions
from agents.core import events as e
from agents.core.errors import Retry
from agents.core.events import DatasetTerms, Logged
from agents.core.hashing import final_hash
from agents.core.ids import Address
from agents.core.market import Market
from agents.roles.acts import Identity, Party
from agents.roles.cloud_owner import CloudOwner
from agents.roles.data_owner import DataOwner
from agents.roles.model_owner import ModelOwner
from agents.storage.database import MEMORY
from agents.vault.store import MemoryStore
from agents.workers.base import Tools, Worker
from agents.workers.cloud_owner import CloudOwnerWorker
from agents.workers.data_owner import EXPOSED_FILE, DataOwnerWorker
from agents.workers.model_owner import ModelOwnerWorker
from agents.workers.states import salt_file, state_file
from assurance.chaos.agents import ChaosAgent, Surroundings
from assurance.chaos.node import BLOCK_SECONDS, DEEPEST, RealNode
from assurance.chaos.plans import Plan
from assurance.chaos.proxy import Proxy
from assurance.chaos.virtual_time import VirtualTime
from testing.agent_network import TERMS
from testing.compiler import compiled_contract
from testing.evm import SOURCE
from testing.faults import Fault
from testing.policies import HOLDS, LETS_TRAIN, TRAINS
from testing.portfolios import one_dataset, one_model
from testing.world import in_plain_text

SUBSETS, REPLICAS, CLOUD_OWNERS, ROUNDS = 3, 3, 6, 3
CHAOS_TERMS: DatasetTerms = DatasetTerms(
    subsets=SUBSETS,
    subsets_per_round=1,
    max_replicas=REPLICAS,
    round_price=TERMS.round_price,
    job_price=TERMS.job_price,
    instance_bond=TERMS.instance_bond,
    miss_penalty=TERMS.miss_penalty,
    couple_bond=TERMS.couple_bond,
    answer_window_seconds=2_000,
    draw_window_seconds=900,
    report_window_seconds=900,
    settle_window_seconds=900,
    couple_window_seconds=100_000,
    ends_at=1_000_000,
)
"""As a data owner's settings have them: `ends_at` counts from the start."""

STILL_SECONDS = 2_500.0
"""Of theirs, in which nothing happens on the market: longer than each window, so it stands still for good."""

MOST_SECONDS = 1_800.0
"""Of ours, for a life."""

_ONCE = (e.MemberCreated, e.DatasetCreated, e.InstanceCreated, e.ModelCreated, e.CoupleRequested)


@dataclass
class Lived:
    """What came of a life.

    Attributes:
        model: SHA-256 of the final weights, if the market has their hash; empty if there is none. They are of
            one sum over all subsets: in each life of a market others are drawn first.
        paid_in: coins by the agent's name, in wei.
        made: how many members, datasets, instances, models and couples there are.
        reverted: transactions that were mined and did nothing.
        lost: events of the chain that an agent has not, or has otherwise, when all is over, by its name.
        repaired: events that came late, with a second reading.
        deaths: by the agent's name.
        requests: of all agents.
        reorgs: how often blocks were taken back.
        audit_ok: whether the audit finds nothing.
    """

    model: str = ""
    paid_in: dict[str, int] = field(default_factory=dict)
    made: dict[str, int] = field(default_factory=dict)
    reverted: int = 0
    lost: dict[str, int] = field(default_factory=dict)
    repaired: int = 0
    deaths: dict[str, list[str]] = field(default_factory=dict)
    requests: int = 0
    reorgs: int = 0
    seconds: float = 0.0
    audit_ok: bool = False


class _Watched:
    """The market as the node without faults tells it.

    Attributes:
        moved: when something happened on it last.
    """

    def __init__(self, direct: MarketClient, clock: Callable[[], float]) -> None:
        self._clock = clock
        self.moved = clock()
        self._stream = EventStream(direct, ChainDatabase(MEMORY))
        self._market = Market()

    def look(self) -> None:
        """Reads on."""
        with suppress(Retry):
            batch = self._stream.poll()
            if batch.rolled_back:
                self._market = Market(self._stream.replay())
                return
            for logged in batch.events:
                self._market.apply(logged)
                self.moved = self._clock()

    @property
    def is_over(self) -> bool:
        """Whether a couple has ended."""
        return any(couple.phase.is_over for couple in self._market.couples.values())


class ChaosMarket:
    """A market on a node, and its eight agents behind a proxy.

    Args:
        node: on which it is deployed anew.
        proxy: through which the agents see it.
        folder: for their homes.
    """

    def __init__(self, node: RealNode, proxy: Proxy, folder: Path) -> None:
        self._node, self._folder = node, folder
        self._time = VirtualTime()
        proxy.lines.clear()
        deployment = deploy_on(node)
        self._direct = MarketClient.connect(node.url, deployment, 30)
        around = Surroundings(deployment, self._direct, MemoryStore(), folder, self._time)
        self._cloud_owners = [
            ChaosAgent(f"cloud owner {number}", proxy.url(f"co{number}"), around, _cloud_owner)
            for number in range(CLOUD_OWNERS)
        ]
        self._data_owner = ChaosAgent("data owner", proxy.url("do"), around, self._make_data_owner)
        self._model_owner = ChaosAgent("model owner", proxy.url("mo"), around, self._make_model_owner)
        self.agents = [self._data_owner, *self._cloud_owners, self._model_owner]
        self._lines = [proxy.line(agent.url.rsplit("/", 1)[1]) for agent in self.agents]
        for agent in self.agents:
            node.fund(agent.address)
        node.mine()

    def live(self, plan: Plan) -> Lived:
        """Lets the agents live until the couple is over; then, without faults, until they have all events."""
        with patch("time.time", partial(_wall_clock, plan.clock_seconds)), self._time.party():
            return self._live(plan)

    def _live(self, plan: Plan) -> Lived:
        begun, reorgs = time.monotonic(), self._node.reorgs
        watched = _Watched(self._direct, self._time.now)
        for agent in self.agents:
            agent.start()
        self._set(plan.faults, plan)
        rng = Random(f"{plan.name}/{plan.seed}")
        while (
            not watched.is_over
            and self._time.now() < watched.moved + STILL_SECONDS
            and time.monotonic() < begun + MOST_SECONDS
        ):
            self._time.wait(BLOCK_SECONDS)
            self._node.mine()
            if plan.reorgs and rng.random() < 0.08:
                self._node.take_back(rng.randint(1, DEEPEST))
            watched.look()
        for agent in self.agents:
            agent.rest()
        self._set((), plan)
        self._node.mine(70)
        self._time.skip(1_000)
        for agent in self.agents:
            agent.settle()
        lived = self._told()
        lived.seconds, lived.reorgs = time.monotonic() - begun, self._node.reorgs - reorgs
        return lived

    def _set(self, faults: Sequence[Fault], plan: Plan) -> None:
        for number, line in enumerate(self._lines):
            line.set(faults, f"{plan.name}/{plan.seed}/{number}")

    def _told(self) -> Lived:
        audited = audit_deployment(self._direct)
        names = {agent.address: agent.name for agent in self.agents}
        truth = {_place(logged): logged for logged in audited.history}
        first = self._direct.deployment.block + 1
        mined = transactions(self._direct, first, audited.block.number)
        return Lived(
            model=self._model(audited.audit.market),
            paid_in=_paid_in(audited.history, names),
            made=dict(Counter(_kind(one) for one in audited.history if isinstance(one.event, _ONCE))),
            reverted=sum(not transaction.succeeded for transaction in mined),
            lost={
                agent.name: len(set(truth.items()) ^ {(_place(one), one) for one in agent.events})
                for agent in self.agents
            },
            repaired=sum(agent.repaired for agent in self.agents),
            deaths={agent.name: agent.deaths for agent in self.agents if agent.deaths},
            requests=sum(line.requests for line in self._lines),
            audit_ok=audited.ok,
        )

    def _model(self, market: Market) -> str:
        domain = self._direct.read(views.receipt_domain())
        home = self._folder / self._model_owner.name
        for couple in market.couples.values():
            file = home / state_file(couple.id, couple.round, "weights")
            model = sha256(file.read_bytes()).digest() if file.exists() else b""
            salt = bytes.fromhex((home / salt_file(couple.id)).read_text()) if model else b""
            if couple.final_model_hash == final_hash(domain, couple.id, salt, model):
                return model.hex()
        return ""

    def _make_data_owner(self, identity: Identity, tools: Tools) -> tuple[Party, Worker]:
        owners = [agent.address for agent in self._cloud_owners]
        dealt = tuple(
            tuple(owners[(subset * REPLICAS + place) % len(owners)] for place in range(REPLICAS))
            for subset in range(SUBSETS)
        )
        worker = DataOwnerWorker(tools, "wine", None, SUBSETS, 0, CHAOS_TERMS, identity.derive, "none")
        return DataOwner(identity, one_dataset(dealt), LETS_TRAIN), worker

    def _make_model_owner(self, identity: Identity, tools: Tools) -> tuple[Party, Worker]:
        samples = self._folder / self._data_owner.name / EXPOSED_FILE
        plan = self._folder / "own.json"
        plan.write_bytes(in_plain_text("wine", ROUNDS).canonical_bytes())
        worker = ModelOwnerWorker(tools, samples, identity.receipt_domain, plan_file=plan)
        return ModelOwner(identity, one_model(), TRAINS), worker


def deploy_on(node: RealNode) -> Deployment:
    """Deploys from the node's first account, in a block of its own."""
    contract = compiled_contract(SOURCE)
    creation = {"from": node.ask("eth_accounts")[0], "data": to_hex(contract.code), "gas": hex(8_000_000)}
    transaction = node.ask("eth_sendTransaction", creation)
    node.mine()
    receipt = node.receipt(transaction)
    market = Address(to_checksum_address(receipt["contractAddress"]))
    chain_id = int(node.ask("eth_chainId"), 16)
    return Deployment(chain_id, market, int(receipt["blockNumber"], 16), contract.abi)


def _wall_clock(ahead: float) -> float:
    """The clock of a machine that is wrong."""
    return time.clock_gettime(time.CLOCK_REALTIME) + ahead


def _cloud_owner(identity: Identity, tools: Tools) -> tuple[Party, Worker]:
    return CloudOwner(identity, HOLDS), CloudOwnerWorker(tools)


def _model(market: Market) -> str:
    return next((couple.final_model_hash.hex() for couple in market.couples.values()), "")


def _place(logged: Logged) -> tuple[bytes, int]:
    return logged.block_hash, logged.index


def _kind(logged: Logged) -> str:
    return type(logged.event).__name__


def _paid_in(history: Sequence[Logged], names: dict[Address, str]) -> dict[str, int]:
    paid: Counter[str] = Counter()
    for logged in history:
        if isinstance(logged.event, e.Deposited):
            paid[names[logged.event.account]] += logged.event.amount
    return dict(paid)
