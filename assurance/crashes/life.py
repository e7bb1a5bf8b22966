"""A life: a dataset becomes a model, between a data owner, a cloud owner and a model owner."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from shutil import copytree

from agents.audit.live import audit_deployment
from agents.chain import views
from agents.chain.mined import called_functions, selectors, transactions
from agents.core import events as e
from agents.core.enums import CouplePhase
from agents.core.events import Logged
from agents.core.hashing import final_hash
from agents.core.ids import Address
from agents.core.market import Market
from agents.portfolio.entries import DatasetEntry, ModelEntry
from agents.portfolio.files import folder_of, write_entry
from agents.workers.states import salt_file, state_file
from assurance.crashes.agent import Agent, KilledError, Member, Process, Turn, forked, wallet_of
from assurance.crashes.node import EvmNode
from assurance.crashes.points import Death
from testing.portfolio_network import SHORT
from testing.workers import an_encrypted_plan

ROLES = ("data owner", "cloud owner", "model owner")
SUBSETS, SUBSETS_A_ROUND, ROUNDS = 3, 2, 2
TICK = 60
"""Seconds that pass when nobody has anything to do."""

_NAME = "wine"
_MOST_TURNS = 1_500


@dataclass(frozen=True)
class Passed:
    """What an agent passed in one turn of a life."""

    turn: int
    role: str
    points: Sequence[str]


@dataclass(frozen=True)
class Outcome:
    """What a life came to, without what is random, and without gas.

    Attributes:
        phases: of the couples; there is one.
        model: SHA-256 of the final weights, if the market has their hash.
        verdicts: of each round, on whom.
        coins: on the market, by role, in wei; `paid_in`: what came to be there.
        contract: what the contract holds.
        events: how many of each kind, but for what was paid in.
        twice: functions that a member called twice with the same arguments, deposits apart.
        reverted: transactions that were mined and did nothing.
        audit: what the audit found, or that it found nothing.
    """

    phases: list[CouplePhase]
    model: str
    verdicts: list[object]
    coins: dict[str, int]
    paid_in: dict[str, int]
    contract: int
    events: dict[str, int]
    twice: list[str]
    reverted: int
    audit: str

    def differs_from(self, other: Outcome) -> list[str]:
        """A line for each fact that is otherwise."""
        mine, theirs = vars(self), vars(other)
        return [f"{name}: {mine[name]}, not {theirs[name]}" for name in mine if mine[name] != theirs[name]]


@dataclass
class Life:
    """The market, its members and their time.

    Args:
        folder: for homes and objects.
        process: makes an agent's process.
        before: is called before each turn.

    Attributes:
        turns: how many there were.
        passed: what was passed in each.
        deaths: where who is to be killed at its next turns.
        everywhere: points at which whoever comes there first is killed, once each.
        killed: how often somebody was.
    """

    folder: Path
    process: Callable[[Member], Process] = forked
    before: Callable[[Life], None] = lambda _: None
    watched: bool = True
    node: EvmNode = field(default_factory=EvmNode)
    turns: int = 0
    passed: list[Passed] = field(default_factory=list)
    deaths: dict[str, Death] = field(default_factory=dict)
    everywhere: set[str] = field(default_factory=set)
    killed: int = 0

    def __post_init__(self) -> None:
        self._settle_in()
        _write_wishes(self.folder)

    def play(self) -> Outcome:
        """Plays on to the end; says what came of it."""
        try:
            while True:
                while self._round():
                    pass
                if self._is_over():
                    break
                self.node.mine(seconds=TICK)
        finally:
            for agent in self.agents:
                agent.end()
        return self._outcome()

    def move(self, folder: Path) -> None:
        """In a fork of this process: goes on in a copy of the homes, with new processes on them."""
        for agent in self.agents:
            agent.forget()
        self.folder = folder
        self._settle_in()

    def copy(self, folder: Path) -> None:
        """Copies all that is on the disk; nobody may be in the middle of a turn."""
        copytree(self.folder, folder, dirs_exist_ok=True)

    def _settle_in(self) -> None:
        deployment = self.node.deployment
        members = [Member(role, self.folder, deployment, self.watched) for role in ROLES]
        self.agents = [Agent(member, self.node, self.process) for member in members]

    def _round(self) -> bool:
        """A turn of each agent; whether any of them did anything."""
        busy = [self._turn(agent) for agent in self.agents]
        return any(busy)

    def _turn(self, agent: Agent) -> bool:
        self.before(self)
        role = agent.member.role
        self.turns += 1
        if self.turns > _MOST_TURNS:
            raise AssertionError("the life does not end")
        try:
            now, everywhere = self.node.head.timestamp, frozenset(self.everywhere)
            told = agent.turn(Turn(now, self.deaths.get(role), everywhere))
        except KilledError as death:
            self.killed += 1
            self.deaths.pop(role, None)
            self.everywhere.discard(death.point)
            return True
        self.passed.append(Passed(self.turns, role, told.passed))
        return told.busy

    def _is_over(self) -> bool:
        logged = self.node.client().logs(1, self.node.head.number)
        return any(couple.phase.is_over for couple in Market(logged).couples.values())

    def _outcome(self) -> Outcome:
        client = self.node.client()
        audited = audit_deployment(client)
        market, names = audited.audit.market, {wallet_of(role).address: role for role in ROLES}
        couples = market.couples.values()
        mined = list(transactions(client, 2, audited.block.number))
        return Outcome(
            [couple.phase for couple in couples],
            self._model(market, client.read(views.receipt_domain())),
            [record.verdicts for couple in couples for record in couple.rounds.values()],
            {role: market.balances[address] for address, role in names.items()},
            _paid_in(audited.history, names),
            audited.contract_balance,
            dict(sorted(Counter(_kinds(audited.history)).items())),
            self._twice(),
            sum(not one.succeeded for one in mined),
            "" if audited.ok else f"{audited.audit.findings} {audited.differences}",
        )

    def _twice(self) -> list[str]:
        mined = Counter(
            (one.sender, one.data)
            for block in self.node.blocks
            for one in block.transactions
            if one.hash not in block.failed and not one.value
        )
        names = selectors(self.node.deployment.abi)
        return [str(called_functions(data, names)) for (_, data), count in mined.items() if count > 1]

    def _model(self, market: Market, domain: bytes) -> str:
        couple = next(iter(market.couples.values()))
        home = self.folder / "model owner" / folder_of(ModelEntry) / _NAME
        weights = home / state_file(couple.id, couple.round, "weights")
        if not weights.exists():
            return "none"
        salt = bytes.fromhex((home / salt_file(couple.id)).read_text())
        model = sha256(weights.read_bytes()).digest()
        known = couple.final_model_hash == final_hash(domain, couple.id, salt, model)
        return model.hex() if known else f"not {model.hex()}"


def _write_wishes(folder: Path) -> None:
    """What is offered and wanted. Paths are from the homes: a life may move."""
    owner = wallet_of("data owner").address
    offered = DatasetEntry(
        table="wine",
        cloud_owners=(wallet_of("cloud owner").address,),
        subsets=SUBSETS,
        subsets_per_round=SUBSETS_A_ROUND,
        replicas=1,
        secrecy="round",
        terms=SHORT,
    )
    write_entry(folder / "data owner", _NAME, offered)
    (folder / "model owner").mkdir()
    plan = Path("own.json")
    (folder / "model owner" / plan).write_bytes(an_encrypted_plan(ROUNDS, "dataset", 13, 3).canonical_bytes())
    samples = Path("..") / "data owner" / folder_of(DatasetEntry) / _NAME / "exposed.samples"
    wanted = ModelEntry(samples=samples, plan=plan, dataset=f"{owner}:{_NAME}")
    write_entry(folder / "model owner", _NAME, wanted)


def _paid_in(history: Sequence[Logged], names: dict[Address, str]) -> dict[str, int]:
    paid: Counter[str] = Counter()
    for logged in history:
        if isinstance(logged.event, e.Deposited):
            paid[names[logged.event.account]] += logged.event.amount
    return dict(paid)


def _kinds(history: Sequence[Logged]) -> list[str]:
    return [type(logged.event).__name__ for logged in history if not isinstance(logged.event, e.Deposited)]
