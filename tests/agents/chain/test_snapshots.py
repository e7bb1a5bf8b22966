"""Snapshots of the mirror: a start plays only what came after, and what is not right is made anew."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from agents.chain import snapshots
from agents.chain.client import MarketClient
from agents.chain.database import ChainDatabase
from agents.chain.history import EventStream
from agents.core.events import Deposited, Logged
from agents.core.market import Market
from testing.events_as_logs import as_log
from tests.agents.chain.conftest import Clock
from tests.agents.chain.reading import ALICE
from tests.agents.chain.stub_node import StubNode


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshots, "EVERY_EVENTS", 2)


class Chain:
    """A node on which deposits come, and who reads it and keeps what is due."""

    def __init__(self, node: StubNode, abi: list[dict[str, object]], stream: EventStream) -> None:
        self.node, self.abi, self.stream = node, abi, stream
        self.market = stream.mirror()

    def pay(self, *amounts: int) -> None:
        for wei in amounts:
            self.node.mine(as_log(self.abi, Deposited(ALICE, wei)))

    def read(self) -> None:
        while True:
            batch = self.stream.poll()
            if batch.rolled_back:
                self.market = self.stream.mirror()
            for logged in batch.events:
                self.market.apply(logged)
            if not batch.behind:
                self.stream.keep(self.market)
                return


@pytest.fixture
def chain(
    node: StubNode,
    abi: list[dict[str, object]],
    client: MarketClient,
    database: ChainDatabase,
    clock: Clock,
) -> Chain:
    return Chain(node, abi, EventStream(client, database, clock=clock))


def played_by(stream: EventStream, monkeypatch: pytest.MonkeyPatch) -> tuple[Market, int]:
    """The mirror that a start makes, and how many events it played."""
    played: list[object] = []
    apply = Market.apply

    def count(market: Market, logged: Logged) -> None:
        played.append(logged)
        apply(market, logged)

    with monkeypatch.context() as patch:
        patch.setattr(Market, "apply", count)
        return stream.mirror(), len(played)


def blocks(database: ChainDatabase) -> list[int]:
    return [row[0] for row in database.rows("SELECT block FROM snapshot ORDER BY block")]


def test_a_start_plays_what_came_after_the_last(
    chain: Chain, client: MarketClient, database: ChainDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    chain.pay(1, 2, 3)
    chain.read()
    chain.pay(4)
    chain.read()
    market, played = played_by(EventStream(client, database), monkeypatch)
    assert (market.balances, played) == ({ALICE: 10}, 1)
    assert vars(market) == vars(chain.market)


def test_few_are_kept_and_few_are_made(chain: Chain, database: ChainDatabase) -> None:
    made = set()
    for wei in range(1, 40):
        chain.pay(wei)
        chain.read()
        made |= set(blocks(database))
        assert len(blocks(database)) <= snapshots.KEPT
    assert len(made) < 15


@pytest.mark.parametrize("damage", [b"", b"no pickle", pickle.dumps(5), pickle.dumps(Path)])
def test_one_that_is_damaged_is_left_aside(
    damage: bytes,
    chain: Chain,
    client: MarketClient,
    database: ChainDatabase,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    chain.pay(1, 2, 3)
    chain.read()
    with database.transaction() as connection:
        connection.execute("UPDATE snapshot SET market = ?", (damage,))
    market, played = played_by(EventStream(client, database), monkeypatch)
    assert (market.balances, played) == ({ALICE: 6}, 3)


def test_one_of_another_version_is_left_aside_and_dropped(
    chain: Chain, client: MarketClient, database: ChainDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    chain.pay(1, 2, 3)
    chain.read()
    with database.transaction() as connection:
        connection.execute("UPDATE snapshot SET code = ?", (bytes(32),))
    _, played = played_by(EventStream(client, database), monkeypatch)
    assert played == 3
    chain.pay(4, 5)
    chain.read()
    assert database.rows("SELECT count(*) FROM snapshot WHERE code = ?", bytes(32)) == [(0,)]


def test_a_reorg_falls_back_to_the_one_before(
    chain: Chain, client: MarketClient, database: ChainDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    chain.pay(1, 2)
    chain.read()
    chain.pay(3, 4)
    chain.read()
    assert len(blocks(database)) == 2
    chain.node.take_back(1)
    chain.pay(7)
    chain.pay(8)
    chain.read()
    assert chain.market.balances == {ALICE: 1 + 2 + 3 + 7 + 8}
    market, _ = played_by(EventStream(client, database), monkeypatch)
    assert vars(market) == vars(chain.market)


def test_what_is_mended_below_one_drops_it(
    chain: Chain, database: ChainDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a second reading does that finds an event which the first one missed."""
    chain.pay(1, 2, 3)
    chain.read()
    (kept,) = blocks(database)
    archive = chain.stream._archive
    first = next(archive.logs())
    archive.verify(archive.verified)
    assert blocks(database) == [kept], "nothing was mended"
    archive.verify(archive.verified, [first])
    assert blocks(database) == []


def test_all_logs_come_in_parts(chain: Chain, monkeypatch: pytest.MonkeyPatch) -> None:
    events = [as_log(chain.abi, Deposited(ALICE, wei)) for wei in range(1, 6)]
    chain.node.mine(*events[:4])
    chain.node.mine(events[4])
    chain.read()
    monkeypatch.setattr("agents.chain.archive._PART", 2)
    assert [logged.event.amount for logged in chain.stream.replay()] == [1, 2, 3, 4, 5]  # type: ignore[union-attr]
