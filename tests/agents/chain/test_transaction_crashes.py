"""A process that is killed between any two writes or requests: the next start finishes it, each intent once.

Rules: A7, A10.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from agents.chain.client import MarketClient
from agents.chain.codec import Codec
from agents.chain.database import ChainDatabase
from agents.chain.deployment import Deployment
from agents.chain.endpoint import Endpoint
from agents.chain.intents import Intent
from agents.chain.node import Node
from agents.chain.wallet import Wallet
from agents.core import calls
from agents.core.calls import Call
from tests.agents.chain.conftest import MARKET, Clock
from tests.agents.chain.desk import Desk, numbers, retire
from tests.agents.chain.stub_node import StubNode

WANTED = [*map(retire, range(1, 4)), calls.deposit(0xDE), retire(4)]
STEPS = 40


class Crash(BaseException):
    """The process dies here."""


@dataclass
class Life:
    """A member that wants a few things of a chain that has a stuck pool, a re-org and an estimate too low.

    Attributes:
        dies_at: the number of the point at which it is killed; points are before and after each write and
            each request.
        points: what each was.
    """

    folder: Path
    deployment: Deployment
    codec: Codec
    wallet: Wallet
    dies_at: int | None = None
    points: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.node = StubNode(MARKET, automine=False)
        self.clock = Clock()
        self.step = 0
        self.desk: Desk | None = None

    def start(self) -> Desk:
        self.database = database = ChainDatabase(self.folder / "chain")
        transaction = database.transaction

        @contextmanager
        def dying() -> Iterator[Any]:
            self.point("before a write")
            with transaction() as connection:
                yield connection
            self.point("after a write")

        database.transaction = dying  # type: ignore[method-assign]
        node = Node([Endpoint(self.node, self.codec.refusal)], self.clock, sleep=lambda _: None)
        client = MarketClient(self.deployment, node, self.codec)
        client.node.ask = self.dying(node.ask)  # type: ignore[method-assign]
        return Desk(self.node, client, self.wallet, self.clock, database)

    def dying(self, ask: Callable[..., Any]) -> Callable[..., Any]:
        def asked(method: str, *params: object) -> Any:
            self.point(f"before {method}")
            answer = ask(method, *params)
            self.point(f"after {method}")
            return answer

        return asked

    def point(self, what: str) -> None:
        self.points.append(what)
        if len(self.points) - 1 == self.dies_at:
            raise Crash

    def live(self) -> None:
        """To the end, over one death."""
        while self.step < STEPS:
            self.step += 1
            try:
                self.desk = self.desk or self.start()
                self.desk.step(*self.wanted())
            except Crash:
                self.database.close()
                self.desk = None
            self.chain()
        self.database.close()

    def chain(self) -> None:
        """What happens on it meanwhile."""
        held: list[Any] = []
        if self.step < 8:
            held, self.node.pool = self.node.pool, []  # nobody takes it
        if self.step == 10:
            self.node.take_back(2)
        if self.step == 12:
            self.node.takes = lambda _: 70_000
        self.node.mine()
        self.node.pool += held

    def wanted(self) -> list[Call]:
        return [call for call in WANTED if str(call) not in self.done()]

    def done(self) -> Counter[str]:
        """The calls that took effect, as often as they did."""
        by_number = {call.arguments[0] if call.arguments else call.value: str(call) for call in WANTED}
        return Counter(
            by_number[number]
            for block in self.node.blocks
            for one in block.transactions
            if one.hash not in block.failed
            for number in ([one.value] if one.value else numbers(one.data))
        )


@pytest.fixture
def life(tmp_path: Path, deployment: Deployment, codec: Codec, wallet: Wallet) -> Callable[..., Life]:
    def make(dies_at: int | None = None) -> Life:
        folder = tmp_path / str(dies_at)
        folder.mkdir()
        return Life(folder, deployment, codec, wallet, dies_at)

    return make


def test_killed_between_any_two_writes_or_requests_the_next_start_finishes_it(
    life: Callable[..., Life],
) -> None:
    undisturbed = life()
    undisturbed.live()
    once = Counter(map(str, WANTED))
    assert undisturbed.done() == once
    for number, what in enumerate(undisturbed.points):
        if not _is_told(number, undisturbed.points):
            continue
        killed = life(number)
        killed.live()
        assert killed.done() == once, f"killed {what} ({number})"
        nonces = [one.nonce for block in killed.node.blocks for one in block.transactions]
        assert nonces == sorted(nonces)


def _is_told(number: int, points: list[str]) -> bool:
    """Every write and every sending, and of the questions each first, second and every twentieth."""
    what = points[number]
    seen = points[:number].count(what)
    return "write" in what or "sendRaw" in what or seen < 2 or seen % 20 == 0


def test_the_keys_of_a_life_are_its_intents() -> None:
    assert len({Intent(call).key for call in WANTED}) == len(WANTED)
