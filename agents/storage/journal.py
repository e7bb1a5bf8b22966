"""What an agent has found out: results of finished tasks, kept in SQLite so that a crash loses none."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

from agents.roles.acts import Fact
from agents.storage.database import Connection, Database, read_along


class Journal(Mapping[str, Fact]):
    """The facts, by `Task.key`. A fact is durable before `record` returns, and never changes.

    Args:
        path: of the database; ``:memory:`` for tests.

    Raises:
        StorageFailed: it cannot be read or written. So may `record` and `close`.
    """

    def __init__(self, path: Path | str) -> None:
        self._database = Database(path, _make_table)
        rows = self._database.rows("SELECT key, fact FROM facts")
        self._facts: dict[str, Fact] = {key: json.loads(fact) for key, fact in rows}

    def record(self, key: str, fact: Fact) -> None:
        """Keeps a fact; the first one stands if there is one already."""
        if key in self._facts:
            return
        with self._database.transaction() as connection:
            connection.execute("INSERT INTO facts VALUES (?, ?)", (key, json.dumps(fact)))
        self._facts[key] = fact

    def close(self) -> None:
        """Closes the database."""
        self._database.close()

    def __getitem__(self, key: str) -> Fact:
        return self._facts[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._facts)

    def __len__(self) -> int:
        return len(self._facts)


def read_facts(path: Path) -> dict[str, Fact]:
    """The facts of another process's journal, as they are now; none if there is no journal yet.

    Raises:
        StorageFailed: it cannot be read.
    """
    if not path.exists():
        return {}
    with read_along(path) as connection:
        if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'facts'").fetchall():
            return {}
        return {key: json.loads(fact) for key, fact in connection.execute("SELECT key, fact FROM facts")}


def _make_table(connection: Connection) -> None:
    connection.execute("CREATE TABLE IF NOT EXISTS facts (key TEXT PRIMARY KEY, fact TEXT NOT NULL)")
