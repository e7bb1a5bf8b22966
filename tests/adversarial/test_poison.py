"""Whatever anybody puts into an event: no agent and no audit ends, and honest members go on as they would.

Rules: A18, A53, A96.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import fields, replace
from functools import cache
from hashlib import sha256
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from eth_abi.abi import encode
from eth_utils.crypto import keccak

from agents.audit.replay import audit
from agents.chain.database import ChainDatabase
from agents.chain.deployment import Deployment
from agents.chain.history import EventStream
from agents.core import calls
from agents.core import events as e
from agents.core.calls import Call
from agents.core.enums import CouplePhase, FlagReason, Role
from agents.core.errors import BadLog
from agents.core.events import EVENTS, DatasetTerms, Logged, MarketEvent
from agents.core.ids import CoupleId, couple_id, dataset_id, model_id
from agents.core.market import Market
from agents.roles.acts import Identity, Party, Situation
from agents.roles.cloud_owner import CloudOwner
from agents.roles.data_owner import DataOwner
from agents.roles.model_owner import ModelOwner
from testing.backend import MARKET
from testing.events_as_logs import Log
from testing.evm import Evm, abi, codec
from testing.evm_script import EvmScript
from testing.fake_market import FakeMarket
from testing.poison import NOT_UTF8, ODD_BYTES
from testing.policies import HOLDS, LETS_TRAIN, TRAINS
from testing.portfolios import one_dataset, one_model
from testing.script import Script, identity
from testing.world import World
from tests.agents.chain.conftest import Clock
from tests.agents.chain.reading import connect
from tests.agents.chain.stub_node import StubNode

TYPES: dict[str, Sequence[Any]] = {
    "bytes": (*ODD_BYTES, bytes(64), b"\xff" * 64, bytes(5_000)),
    "string": ODD_BYTES,
    "bytes32": (bytes(32), b"\xff" * 32),
    "address": ("0x" + "00" * 20, "0x" + "ff" * 20),
}


# --- all that a stranger can say on the real contract ---


def in_raw(function: str, types: Sequence[str], values: Sequence[object]) -> Call:
    """A call whose strings are any bytes: inside a bundle calls are bytes."""
    data = keccak(text=f"{function}({','.join(types)})")[:4]
    data += encode([{"string": "bytes"}.get(kind, kind) for kind in types], values)
    return Call("multicall", ([data],))


def create_mod(model_type: bytes, plan_location: bytes) -> Call:
    return in_raw(
        "createMod", ["string", "bytes32", "bytes"], [model_type, sha256(b"plan").digest(), plan_location]
    )


class Strangers:
    """A data owner, a model owner and a cloud owner who fill each free field with what does harm."""

    def __init__(self, script: EvmScript) -> None:
        self.script = script
        self.do, self.mo, self.co = (identity(f"a poisoner {number}") for number in range(3))
        self.ds, self.mod = dataset_id(self.do.address, 1), model_id(self.mo.address, 1)
        self.tc: CoupleId = couple_id(self.mo.address, 1)

    def act(self) -> None:
        """A whole life, each of its fields poisoned."""
        self._register()
        self._distribute()
        self._train()
        for number, odd in enumerate(ODD_BYTES, 2):
            self._send(self.mo, create_mod(odd, odd))
            self._ask_the_honest(number, odd)

    def _register(self) -> None:
        for who, role in (
            (self.do, Role.DATA_OWNER),
            (self.mo, Role.MODEL_OWNER),
            (self.co, Role.CLOUD_OWNER),
        ):
            self._send(who, calls.register(role, NOT_UTF8.ljust(64, b"\xff"), 10**9))

    def _distribute(self) -> None:
        wide = DatasetTerms(
            *(256, 256, 16),
            *(0, 0, 0, 0, 0),
            *(2**24 - 1, 1, 1, 2**24 - 1, 2**32 - 1, 2**40 - 1),
        )
        self._send(self.do, calls.create_ds(wide, bytes(32), NOT_UTF8))
        narrow = replace(wide, subsets=1, subsets_per_round=1, max_replicas=1)
        self._send(self.do, calls.create_ds(narrow, b"\xff" * 32, b""))
        self.ds = dataset_id(self.do.address, 2)
        owners = [self.co.address, *(co.address for co in self.script.cos)]
        for subset, owner in enumerate(owners):
            self._send(self.do, calls.create_ci(dataset_id(self.do.address, 1), [subset], [owner], [b""]))
        self._send(self.do, calls.create_ci(self.ds, [0], [self.co.address], [NOT_UTF8]))
        (ci,) = self.script.market.datasets[self.ds].subsets[0].places
        self._send(self.co, calls.join_ci(ci, bytes(32), b"\xff" * 32))
        self._send(self.do, calls.verify_ci([ci], [True]))
        self.ci = ci

    def _train(self) -> None:
        seed = sha256(b"link").digest()
        tip = keccak(seed)
        self._send(self.mo, create_mod(NOT_UTF8, NOT_UTF8))
        self._send(self.mo, calls.request_tc(self.mod, self.ds, 2**16 - 1, tip))
        self._send(self.do, calls.approve_tc(self.tc, tip))
        self._send(self.mo, calls.start_round(self.tc, seed, bytes(32), NOT_UTF8))
        self._send(self.do, calls.draw_round(self.tc, seed))
        self._send(self.co, calls.update_tj(self.tc, self.ci, 1, bytes(32), b"\xff" * 32, NOT_UTF8))

    def _ask_the_honest(self, number: int, odd: bytes) -> None:
        mod = model_id(self.mo.address, number)
        tip = odd.ljust(32, b"\0")[:32]
        escrow = self.script.terms.escrow_per_round
        self._send(self.mo, calls.deposit(escrow))
        self._send(self.mo, calls.request_tc(mod, self.script.ds, 1, tip))

    def _send(self, who: Identity, call: Call) -> None:
        self.script.send(who, call)


class Recorded(EvmScript):
    """A script whose logs are kept as the chain has them."""

    def __init__(self) -> None:
        super().__init__(Evm(), replicas=3)
        self.logs: list[tuple[int, Log]] = []

    def send(self, sender: Identity, call: Call) -> list[MarketEvent]:
        events = super().send(sender, call)
        self.logs += [
            (self.now, Log(tuple(topics), data)) for topics, data in (log.data for log in self.evm.logs)
        ]
        return events


def parties(script: Script) -> list[Party]:
    """Honest agents of the honest members, and of somebody new."""
    owners = tuple(co.address for co in script.cos)
    return [
        DataOwner(script.do, one_dataset((owners,) * script.terms.subsets), LETS_TRAIN),
        *(CloudOwner(co, HOLDS) for co in script.cos),
        ModelOwner(script.mo, one_model(), TRAINS),
        CloudOwner(identity("a newcomer"), HOLDS),
        ModelOwner(identity("another newcomer"), one_model(), TRAINS),
    ]


def read(logs: Sequence[tuple[int, Log]]) -> list[Logged]:
    """What an event stream delivers of a chain with a block a log, after all doubts."""
    node, clock = StubNode(MARKET), Clock()
    for second, log in logs:
        node.mine(log).timestamp = second
    stream = EventStream(
        connect(Deployment(1337, MARKET, 1, list(abi())), codec(), clock, node),  # type: ignore[arg-type]
        ChainDatabase(":memory:"),
        clock=clock,
    )
    market, seen = Market(), list[Logged]()
    while True:
        batch = stream.poll()
        if batch.rolled_back:
            seen, market = [], Market(stream.replay())
        for logged in batch.events:
            market.apply(logged)
        seen += batch.events
        doubts = [stream.doubt(misfit) for misfit in market.take_misfits()]
        if not (batch.behind or any(doubts)):
            assert seen == list(stream.replay())
            return seen


@pytest.mark.parametrize("phase", [CouplePhase.REQUESTED, CouplePhase.APPROVED, CouplePhase.TRAINING])
def test_all_that_strangers_can_say_on_the_contract_breaks_nobody(phase: CouplePhase) -> None:
    script = Recorded()
    script.bring_to(phase)
    honest = repr(script.couple), repr(script.dataset), script.coins(script.do)
    Strangers(script).act()
    assert (repr(script.couple), repr(script.dataset), script.coins(script.do)) == honest

    history = read(script.logs)
    market = Market(history)
    assert market.take_misfits() == []
    assert (repr(market.couples[script.tc]), repr(market.datasets[script.ds])) == honest[:2]
    for party in parties(script):
        for later in (0, 50, 10**4, 10**9):
            party.decide(Situation(market, {}, script.now + later))
    assert audit(history, FakeMarket.domain).findings == []


def test_one_model_whose_type_is_not_utf8_ends_nobody() -> None:
    script = Recorded()
    script.bring_to(CouplePhase.APPROVED)
    script.send(script.mo, create_mod(NOT_UTF8, b"where"))
    (created,) = [one.event for one in read(script.logs)[-1:]]
    assert isinstance(created, e.ModelCreated)
    assert created.model_type.startswith(r"\xff\xfe \xed\xa0\x80 ")


# --- honest agents beside strangers ---


def play(folder: Path, poison: bool) -> World:
    """A whole life of honest agents, with strangers' poison between all their steps."""
    world = World(folder, cloud_owners=3)
    events = poisonous() if poison else iter(())
    stranger = identity("a stranger").address
    for number in range(400):
        if world.is_over:
            return world
        if event := next(events, None):
            world.chain.sender = stranger
            world.chain.emit(event)
        if not any(agent.step() for agent in world.agents):
            world.chain.now += 10
        assert number < 399
    raise AssertionError("the story does not end")


def poisonous() -> Iterator[MarketEvent]:
    """What strangers' lives say, each field of which is free."""
    do, mo, co = (identity(f"a poisoner {number}").address for number in range(3))
    for who, role in ((do, Role.DATA_OWNER), (mo, Role.MODEL_OWNER), (co, Role.CLOUD_OWNER)):
        yield e.MemberCreated(who, role, b"\xff" * 64)
        yield e.Deposited(who, 2**90)
    for number, odd in enumerate(ODD_BYTES, 1):
        yield e.ModelCreated(model_id(mo, number), mo, odd.decode(errors="backslashreplace"), bytes(32), odd)


def test_honest_agents_train_as_if_the_strangers_were_not_there(tmp_path: Path) -> None:
    undisturbed, disturbed = play(tmp_path / "one", False), play(tmp_path / "two", True)
    same = ("phase", "model", "digests", "verdicts", "coins", "instances")
    assert {name: disturbed.outcome()[name] for name in same} == {
        name: undisturbed.outcome()[name] for name in same
    }


# --- every field of every event ---


@cache
def lived() -> tuple[World, tuple[Logged, ...]]:
    """A life of honest agents, with their journals, and its history."""
    with TemporaryDirectory() as folder:
        world = play(Path(folder), False)
        return world, tuple(world.chain.history)


def entry_of(event: MarketEvent) -> dict[str, Any]:
    (entry,) = [one for one in abi() if one["type"] == "event" and one["name"] == type(event).__name__]
    return dict(entry)


def variants(kind: str, value: Any, rng: Random) -> list[Any]:
    """What else may stand in the place of a value of this ABI type."""
    if kind.startswith("uint"):
        bits = int(kind[4:])
        near = [value - 1, value + 1, value ^ 1 << rng.randrange(bits)]
        return [other for other in (0, 1, 2**bits - 1, *near, rng.getrandbits(bits)) if 0 <= other < 2**bits]
    return list(TYPES[kind])


def poisoned(event: MarketEvent, rng: Random) -> Iterator[Log]:
    """The logs of an event, each with another value in one field."""
    parameters = entry_of(event)["inputs"]
    values = [getattr(event, field.name) for field in fields(event)]
    for place, (parameter, value) in enumerate(zip(parameters, values, strict=True)):
        if parameter["type"] == "tuple":
            parts = [getattr(value, field.name) for field in fields(value)]
            for inner, component in enumerate(parameter["components"]):
                for other in variants(component["type"], parts[inner], rng):
                    changed = (*parts[:inner], other, *parts[inner + 1 :])
                    yield logged_as(parameters, type(event), [*values[:place], changed, *values[place + 1 :]])
        else:
            for other in variants(parameter["type"], value, rng):
                yield logged_as(parameters, type(event), [*values[:place], other, *values[place + 1 :]])


def logged_as(parameters: Sequence[dict[str, Any]], event: type, values: Sequence[Any]) -> Log:
    types = [_type(parameter) for parameter in parameters]
    topics = [keccak(text=f"{event.__name__}({','.join(types)})")]
    plain: list[tuple[str, Any]] = []
    for parameter, kind, value in zip(parameters, types, values, strict=True):
        raw = ("bytes", value.encode() if isinstance(value, str) else value) if kind == "string" else None
        if isinstance(value, DatasetTerms):
            value = tuple(getattr(value, field.name) for field in fields(value))
        if parameter["indexed"]:
            topics.append(encode([kind], [value]))
        else:
            plain.append(raw or (kind, value))
    return Log(tuple(topics), encode([kind for kind, _ in plain], [value for _, value in plain]))


def _type(parameter: dict[str, Any]) -> str:
    if parameter["type"] != "tuple":
        return str(parameter["type"])
    return f"({','.join(map(_type, parameter['components']))})"


def told(log: Log, like: Logged) -> list[Logged]:
    try:
        return [replace(like, event=codec().event(log.topics, log.data))]
    except BadLog:
        return []


def sample(kind: type[MarketEvent], history: Sequence[Logged]) -> tuple[int, MarketEvent]:
    """An event of this kind and its place: the one in the middle, or one that is made up in mid-round."""
    places = [place for place, logged in enumerate(history) if type(logged.event) is kind]
    if places:
        place = places[len(places) // 2]
        return place, history[place].event
    known = {field.name: getattr(one.event, field.name) for one in history for field in fields(one.event)}
    made_up = {
        **known,
        "amount": 7,
        "reason": FlagReason.PLAN_REFUSED,
        "by": known["account"],
        "bond": 7,
        "refund": 7,
    }
    drawn = [place for place, logged in enumerate(history) if isinstance(logged.event, e.RoundDrawn)]
    return drawn[-1] + 2, kind(**{field.name: made_up[field.name] for field in fields(kind)})


@pytest.mark.parametrize("name", sorted(EVENTS))
def test_no_field_of_any_event_can_end_an_agent_or_the_audit(name: str) -> None:
    world, history = lived()
    rng = Random(name)
    place, event = sample(EVENTS[name], history)
    poison = list(poisoned(event, rng))
    assert len(poison) >= len(fields(event)), "each field was tried"
    for log in poison:
        spoilt = [*history[:place], *told(log, history[place]), *history[place:]]
        market = Market(spoilt)
        for agent in world.agents:
            for later in (0, 10**3, 10**6):
                agent.role.decide(Situation(market, agent.journal, market.timestamp + later))
        audit(spoilt, FakeMarket.domain)


def test_a_chain_full_of_poison_is_read_to_its_end() -> None:
    _, history = lived()
    rng, logs = Random(7), list[tuple[int, Log]]()
    for logged in history:
        event = logged.event
        values = [getattr(event, field.name) for field in fields(event)]
        logs.append((logged.timestamp, logged_as(entry_of(event)["inputs"], type(event), values)))
        logs += [(logged.timestamp, log) for log in rng.sample(list(poisoned(event, rng)), 3)]
    assert len(read(logs)) > len(history)
