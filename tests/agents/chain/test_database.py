"""The chain's database: whose it is, which version, that one process has it, and what a full disk costs.

Rules: A7, A9, A10, A13, A16, A17, A88.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from agents.chain.client import MarketClient
from agents.chain.database import ChainDatabase
from agents.chain.history import EventStream
from agents.chain.wallet import Wallet
from agents.core import calls
from agents.core.errors import BadInput, StopAgent, StorageFailed
from agents.core.events import Deposited
from agents.core.ids import Address
from testing.events_as_logs import as_log
from tests.agents.chain.conftest import Clock
from tests.agents.chain.desk import Desk
from tests.agents.chain.stub_node import StubNode

OWNER = Address("0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266")
TABLES = [
    *("abi", "attempt", "block", "cursor", "gas", "header", "log", "mark", "misfit", "owner", "pulse"),
    *("sending", "setback", "snapshot", "span"),
]
FIRST_VERSION = (Path(__file__).parent / "first_version.sql").read_text()
"""As agents of 0.8 left it."""


def test_keeps_what_was_committed(tmp_path: Path) -> None:
    path = tmp_path / "new" / "chain"
    database = ChainDatabase(path)
    with database.transaction() as connection:
        connection.execute("INSERT INTO block VALUES (1, x'aa', 2)")
    database.close()
    assert ChainDatabase(path).rows("SELECT * FROM block") == [(1, b"\xaa", 2)]


def tables(database: ChainDatabase) -> list[str]:
    query = "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name"
    return [name for (name,) in database.rows(query)]


def test_has_the_tables_of_the_fifth_version(database: ChainDatabase) -> None:
    assert database.rows("PRAGMA user_version") == [(5,)]
    assert tables(database) == TABLES


def test_brings_a_file_of_the_first_version_up_to_the_fifth(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "chain")) as old:
        old.executescript(FIRST_VERSION)
    database = ChainDatabase(tmp_path / "chain")
    assert database.rows("PRAGMA user_version") == [(5,)]
    assert tables(database) == TABLES
    assert database.rows("SELECT * FROM block") == [(1, b"\xaa", 2)]


def test_serves_one_process(tmp_path: Path) -> None:
    first = ChainDatabase(tmp_path / "chain")
    with pytest.raises(BadInput, match="another agent uses"):
        ChainDatabase(tmp_path / "chain")
    first.close()
    ChainDatabase(tmp_path / "chain").close()


def test_belongs_to_its_first_owner(database: ChainDatabase) -> None:
    database.claim("wallet", "0xA")
    database.claim("wallet", "0xA")
    database.claim("market", "0xB")
    with pytest.raises(BadInput, match="belongs to the wallet 0xA, not 0xC"):
        database.claim("wallet", "0xC")


def test_refuses_one_of_another_version(tmp_path: Path) -> None:
    database = ChainDatabase(tmp_path / "chain")
    with database.transaction() as connection:
        connection.execute("PRAGMA user_version = 99")
    database.close()
    with pytest.raises(BadInput, match="a later version"):
        ChainDatabase(tmp_path / "chain")


def test_stops_at_what_is_no_database(tmp_path: Path) -> None:
    (tmp_path / "chain").write_text("this is not a database, but a text that is long enough to look at" * 9)
    with pytest.raises(StopAgent, match="failed"):
        ChainDatabase(tmp_path / "chain")


def test_stops_where_no_file_can_be(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StopAgent, match="cannot be made"):
        ChainDatabase(tmp_path / "file" / "chain")


# --- a full disk ---


def fill(database: ChainDatabase) -> None:
    """From here on it takes no more than it has."""
    with database.transaction() as connection:
        connection.execute("INSERT INTO owner VALUES ('filler', ?)", ("f" * 3_000,))
    database.rows("PRAGMA max_page_count = 1")


FULL = "database or disk is full: free some space, then start again"
LONG = calls.create_mod("model", bytes(32), bytes(20_000))


def test_a_transaction_that_cannot_be_kept_is_not_sent(
    tmp_path: Path, node: StubNode, client: MarketClient, wallet: Wallet, clock: Clock
) -> None:
    database = ChainDatabase(tmp_path / "chain")
    desk = Desk(node, client, wallet, clock, database)
    fill(database)
    with pytest.raises(StorageFailed) as failed:
        desk.step(LONG)
    assert str(failed.value) == f"the database {tmp_path}/chain failed: {FULL}"
    assert node.received == []
    database.close()

    desk.restart(tmp_path / "chain")
    assert desk.advance() == []
    (outcome,) = desk.send(LONG)
    assert outcome.receipt is not None
    assert outcome.receipt.succeeded
    assert len(node.received) == 1


def test_events_that_cannot_be_kept_are_read_again(
    tmp_path: Path, node: StubNode, client: MarketClient, abi: list[dict[str, Any]]
) -> None:
    database = ChainDatabase(tmp_path / "chain")
    stream = EventStream(client, database)
    fill(database)
    amounts = list(range(100))
    node.mine(*(as_log(abi, Deposited(OWNER, amount)) for amount in amounts))
    with pytest.raises(StorageFailed) as failed:
        stream.poll()
    assert str(failed.value) == f"the database {tmp_path}/chain failed: {FULL}"
    assert list(stream.replay()) == []
    database.close()

    restarted = EventStream(client, ChainDatabase(tmp_path / "chain"))
    assert list(restarted.replay()) == []
    events = restarted.poll().events
    assert [logged.event for logged in events] == [Deposited(OWNER, amount) for amount in amounts]
    assert list(restarted.replay()) == list(events)
