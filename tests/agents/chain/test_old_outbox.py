"""A home of an earlier version: its database opens, and what was in flight is finished, once.

Rules: A7, A10, A88.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from agents.chain.client import MarketClient
from agents.chain.database import ChainDatabase
from agents.chain.wallet import Wallet
from agents.core import calls
from tests.agents.chain.conftest import Clock
from tests.agents.chain.desk import Desk, done, retire
from tests.agents.chain.stub_node import StubNode

LEFT = (Path(__file__).parent / "first_version_in_flight.sql").read_text()
"""As agents of 0.1 left it: two calls mined, and a deposit of 7 wei in four attempts that no block took."""


@pytest.fixture
def old(tmp_path: Path, node: StubNode) -> Path:
    """The file, and a node on which its two mined transactions are."""
    path = tmp_path / "chain"
    with closing(sqlite3.connect(path)) as database:
        database.executescript(LEFT)
        for (raw,) in database.execute("SELECT raw FROM outbox WHERE mined_in > 0 ORDER BY nonce"):
            node._eth_sendRawTransaction("0x" + raw.hex())
    node.automine = False
    return path


@pytest.fixture
def opened(
    old: Path, node: StubNode, client: MarketClient, wallet: Wallet, clock: Clock
) -> Callable[[], Desk]:
    return lambda: Desk(node, client, wallet, clock, ChainDatabase(old))


def attempts(old: Path) -> list[bytes]:
    with closing(sqlite3.connect(old)) as database:
        query = "SELECT raw FROM outbox WHERE nonce = 2 ORDER BY attempt"
        return [raw for (raw,) in database.execute(query)]


def test_what_was_in_flight_is_sent_again_unchanged(
    node: StubNode, old: Path, opened: Callable[[], Desk]
) -> None:
    signed = attempts(old)
    node.received.clear()
    desk = opened()
    assert desk.sender.height == 3
    desk.step(calls.deposit(7), retire(3))
    assert node.received == signed[-1:], "and nothing else is, as it is not known what it is for"
    node.mine()
    desk.step()
    assert not desk.sender.in_flight
    assert desk.sender.height == 4
    assert [one.value for one in node.head.transactions] == [7]
    assert done(desk.step(retire(3))) == [("retireCI", "sent")]


@pytest.mark.parametrize("which", range(4))
def test_what_was_mined_meanwhile_is_not_sent_again(
    which: int, node: StubNode, old: Path, opened: Callable[[], Desk]
) -> None:
    node._eth_sendRawTransaction("0x" + attempts(old)[which].hex())
    node.mine()
    node.received.clear()
    desk = opened()
    desk.step()
    assert node.received == []
    assert not desk.sender.in_flight
    desk.steps(1, retire(3))
    assert desk.mined == [[1], [2], [0xB0], [3]], "0xb0 ends the selector of deposit"


def test_what_was_mined_and_is_taken_back_is_sent_again(node: StubNode, opened: Callable[[], Desk]) -> None:
    desk = opened()
    node.take_back(1)
    desk.steps(4)
    assert desk.mined == [[1], [2], [0xB0]]


def test_a_file_is_brought_up_once(old: Path) -> None:
    for _ in range(2):
        database = ChainDatabase(old)
        assert database.rows("SELECT count(*) FROM attempt") == [(6,)]
        query = "SELECT nonce, keys, block, block_hash FROM sending ORDER BY nonce"
        assert database.rows(query) == [(0, None, 2, None), (1, None, 3, None), (2, None, None, None)]
        database.close()
