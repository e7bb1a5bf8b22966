"""What an agent has found out: results of finished tasks, kept in SQLite so that a crash loses none."""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from agents.core.errors import BadInput, BadObject, StopAgent
from agents.roles.results import TaskResult, parse_result
from agents.storage.database import Connection, Database, read_along


class Journal(Mapping[str, TaskResult]):
    """The results, by `Task.key`. A result is durable before `record` returns, and never changes.

    What was asked for lately is at hand, the rest on the disk: a journal of years takes no more memory than
    one of days.

    Args:
        path: of the database; ``:memory:`` for tests.
        at_hand: how many answers are.

    Raises:
        StopAgent: an entry is damaged, or of another program.
        StorageFailed: it cannot be read or written. So may every method.
    """

    def __init__(self, path: Path | str, at_hand: int = 4096) -> None:
        self._database = Database(path, _prepare)
        self._recent: OrderedDict[str, TaskResult | None] = OrderedDict()
        self._at_hand = at_hand
        try:
            for key, data in self._database.each(_ALL):
                parse_result(str(key), data)
        except BadObject as bad:
            self.close()
            raise StopAgent(f"{path}: {bad}: restore the file from a backup") from bad

    def record(self, key: str, result: TaskResult) -> None:
        """Keeps a result; the first one stands if there is one already."""
        if key in self:
            return
        with self._database.transaction() as connection:
            connection.execute("INSERT INTO facts VALUES (?, ?)", (key, json.dumps(result.to_json())))
        self._keep(key, result)

    def close(self) -> None:
        """Closes the database."""
        self._database.close()

    def __getitem__(self, key: str) -> TaskResult:
        try:
            found = self._recent[key]
            self._recent.move_to_end(key)
        except KeyError:
            rows = self._database.rows("SELECT fact FROM facts WHERE key = ?", key)
            found = self._keep(key, parse_result(key, rows[0][0]) if rows else None)
        if found is None:
            raise KeyError(key)
        return found

    def __iter__(self) -> Iterator[str]:
        return (key for (key,) in self._database.rows("SELECT key FROM facts ORDER BY rowid"))

    def __len__(self) -> int:
        return int(self._database.rows("SELECT count(*) FROM facts")[0][0])

    def _keep(self, key: str, result: TaskResult | None) -> TaskResult | None:
        """Keeps an answer at hand; that there is none is one, too."""
        self._recent[key] = result
        while len(self._recent) > self._at_hand:
            self._recent.popitem(last=False)
        return result


def read_results(path: Path) -> dict[str, TaskResult]:
    """The results in another process's journal, as they are now; none if there is no journal yet.

    Raises:
        BadInput: an entry is damaged, or of another program.
        StorageFailed: it cannot be read.
    """
    if not path.exists():
        return {}
    with read_along(path) as connection:
        if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'facts'").fetchall():
            return {}
        connection.text_factory = _text
        rows = connection.execute(_ALL).fetchall()
    try:
        return _read(rows)
    except BadObject as bad:
        raise BadInput(f"{path}: {bad}: read it with the version that wrote it") from bad


_ALL = "SELECT key, fact FROM facts"


def _prepare(connection: Connection) -> None:
    connection.text_factory = _text
    connection.execute("CREATE TABLE IF NOT EXISTS facts (key TEXT PRIMARY KEY, fact TEXT NOT NULL)")


def _read(rows: Iterable[tuple[str, str]]) -> dict[str, TaskResult]:
    return {key: parse_result(str(key), data) for key, data in rows}


def _text(data: bytes) -> str:
    """A damaged text is one that no result is read from, not an error of the database."""
    return data.decode(errors="replace")
