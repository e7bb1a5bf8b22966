"""The database: whose it is, that one process has it, and that a failure stops the agent.

Rules: A13, A16.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from agents.core.errors import BadInput, StopAgent
from agents.storage.database import Database


def test_keeps_what_was_committed(tmp_path: Path) -> None:
    path = tmp_path / "new" / "chain"
    database = Database(path)
    with database.transaction() as connection:
        connection.execute("INSERT INTO block VALUES (1, x'aa', 2)")
    database.close()
    assert Database(path).rows("SELECT * FROM block") == [(1, b"\xaa", 2)]


def test_takes_back_a_transaction_that_fails(database: Database) -> None:
    def fail() -> None:
        with database.transaction() as connection:
            connection.execute("INSERT INTO block VALUES (1, x'aa', 2)")
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert database.rows("SELECT * FROM block") == []


def test_serves_one_process(tmp_path: Path) -> None:
    first = Database(tmp_path / "chain")
    with pytest.raises(BadInput, match="another agent uses"):
        Database(tmp_path / "chain")
    first.close()
    Database(tmp_path / "chain").close()


def test_belongs_to_its_first_owner(database: Database) -> None:
    database.claim("wallet", "0xA")
    database.claim("wallet", "0xA")
    database.claim("market", "0xB")
    with pytest.raises(BadInput, match="belongs to the wallet 0xA, not 0xC"):
        database.claim("wallet", "0xC")


def test_refuses_one_of_another_version(tmp_path: Path) -> None:
    database = Database(tmp_path / "chain")
    with database.transaction() as connection:
        connection.execute("PRAGMA user_version = 99")
    database.close()
    with pytest.raises(BadInput, match="another version"):
        Database(tmp_path / "chain")


def test_stops_at_what_is_no_database(tmp_path: Path) -> None:
    (tmp_path / "chain").write_text("this is not a database, but a text that is long enough to look at" * 9)
    with pytest.raises(StopAgent, match="failed"):
        Database(tmp_path / "chain")


def test_stops_where_no_file_can_be(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StopAgent, match="cannot be made"):
        Database(tmp_path / "file" / "chain")


def test_stops_when_it_cannot_be_written(database: Database) -> None:
    database.close()
    database.close()
    with pytest.raises(StopAgent, match="failed"):
        database.rows("SELECT 1")
