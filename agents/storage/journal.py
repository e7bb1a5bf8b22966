"""What an agent has found out: results of finished tasks, kept in SQLite so that a crash loses none."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from agents.core.errors import BadInput, BadObject, StopAgent
from agents.roles.results import TaskResult, parse_result


class Journal(Mapping[str, TaskResult]):
    """The results, by `Task.key`. A result is durable before `record` returns, and never changes.

    Args:
        path: of the database; ``:memory:`` for tests.

    Raises:
        StopAgent: an entry is damaged, or of another program.
    """

    def __init__(self, path: Path | str) -> None:
        self._database = sqlite3.connect(path, isolation_level=None)
        self._database.execute("PRAGMA journal_mode = WAL")
        self._database.execute("PRAGMA synchronous = FULL")
        self._database.execute("CREATE TABLE IF NOT EXISTS facts (key TEXT PRIMARY KEY, fact TEXT NOT NULL)")
        try:
            self._results = _read(self._database)
        except BadObject as bad:
            self.close()
            raise StopAgent(f"{path}: {bad}: restore the file from a backup") from bad

    def record(self, key: str, result: TaskResult) -> None:
        """Keeps a result; the first one stands if there is one already."""
        if key in self._results:
            return
        self._database.execute("INSERT INTO facts VALUES (?, ?)", (key, json.dumps(result.to_json())))
        self._results[key] = result

    def close(self) -> None:
        """Closes the database."""
        self._database.close()

    def __getitem__(self, key: str) -> TaskResult:
        return self._results[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._results)

    def __len__(self) -> int:
        return len(self._results)


def read_results(path: Path) -> dict[str, TaskResult]:
    """The results in another process's journal, as they are now; none if there is no journal yet.

    Raises:
        BadInput: an entry is damaged, or of another program.
    """
    if not path.exists():
        return {}
    database = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
    try:
        return _read(database)
    except sqlite3.OperationalError:
        return {}
    except BadObject as bad:
        raise BadInput(f"{path}: {bad}: read it with the version that wrote it") from bad
    finally:
        database.close()


def _read(database: sqlite3.Connection) -> dict[str, TaskResult]:
    database.text_factory = _text
    rows: Iterable[tuple[str, str]] = database.execute("SELECT key, fact FROM facts")
    return {key: parse_result(str(key), data) for key, data in rows}


def _text(data: bytes) -> str:
    """A damaged text is one that no result is read from, not an error of the database."""
    return data.decode(errors="replace")
