"""What an agent has found out: results of finished tasks, kept in SQLite so that a crash loses none."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping
from pathlib import Path

from agents.roles.acts import Fact


class Journal(Mapping[str, Fact]):
    """The facts, by `Task.key`. A fact is durable before `record` returns, and never changes.

    Args:
        path: of the database; ``:memory:`` for tests.
    """

    def __init__(self, path: Path | str) -> None:
        self._database = sqlite3.connect(path, isolation_level=None)
        self._database.execute("PRAGMA journal_mode = WAL")
        self._database.execute("PRAGMA synchronous = FULL")
        self._database.execute("CREATE TABLE IF NOT EXISTS facts (key TEXT PRIMARY KEY, fact TEXT NOT NULL)")
        rows = self._database.execute("SELECT key, fact FROM facts")
        self._facts: dict[str, Fact] = {key: json.loads(fact) for key, fact in rows}

    def record(self, key: str, fact: Fact) -> None:
        """Keeps a fact; the first one stands if there is one already."""
        if key in self._facts:
            return
        self._database.execute("INSERT INTO facts VALUES (?, ?)", (key, json.dumps(fact)))
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
    """The facts of another process's journal, as they are now; none if there is no journal yet."""
    if not path.exists():
        return {}
    database = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
    try:
        return {key: json.loads(fact) for key, fact in database.execute("SELECT key, fact FROM facts")}
    except sqlite3.OperationalError:
        return {}
    finally:
        database.close()
