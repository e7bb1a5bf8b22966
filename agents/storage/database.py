"""The database in which an agent's view of the chain, and what it sent, survive a crash.

SQLite with a write-ahead log. What is committed is on the disk. One process at a time: two of them would sign
different transactions with one nonce.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from agents.core.errors import BadInput, StopAgent

_VERSION = 1
_SCHEMA = """
CREATE TABLE owner (what TEXT PRIMARY KEY, who TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE block (number INTEGER PRIMARY KEY, hash BLOB NOT NULL, timestamp INTEGER NOT NULL);
CREATE TABLE log (
    block INTEGER NOT NULL REFERENCES block ON DELETE CASCADE,
    place INTEGER NOT NULL,
    "transaction" BLOB NOT NULL,
    topics BLOB NOT NULL,
    data BLOB NOT NULL,
    PRIMARY KEY (block, place)
) WITHOUT ROWID;
CREATE TABLE cursor (id INTEGER PRIMARY KEY CHECK (id = 1), number INTEGER NOT NULL, hash BLOB NOT NULL,
    timestamp INTEGER NOT NULL);
CREATE TABLE outbox (
    hash BLOB PRIMARY KEY,
    nonce INTEGER NOT NULL,
    attempt INTEGER NOT NULL,
    recipient TEXT NOT NULL,
    data BLOB NOT NULL,
    value TEXT NOT NULL,
    gas INTEGER NOT NULL,
    maximum TEXT NOT NULL,
    tip TEXT NOT NULL,
    raw BLOB NOT NULL,
    mined_in INTEGER,
    UNIQUE (nonce, attempt)
) WITHOUT ROWID;
"""


class Database:
    """The open database.

    Args:
        path: of the file, made if it is not there; ``:memory:`` for tests.

    Raises:
        BadInput: another process uses it, or it is no database of this version.
        StopAgent: it cannot be read or written. So may every method.
    """

    def __init__(self, path: Path | str) -> None:
        self._path = path
        self._lock = None if path == ":memory:" else _locked(Path(path))
        with self._failures():
            self._connection = sqlite3.connect(path)
            self._connection.execute("PRAGMA journal_mode = WAL")
            self._connection.execute("PRAGMA synchronous = FULL")
            self._connection.execute("PRAGMA foreign_keys = ON")
            self._prepare()

    def rows(self, query: str, *values: object) -> list[Any]:
        """All rows of a query."""
        with self._failures():
            return self._connection.execute(query, values).fetchall()

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All or nothing of the block is written; when it is left, it is on the disk."""
        with self._failures(), self._connection:
            yield self._connection

    def claim(self, what: str, who: str) -> None:
        """Makes the database that of ``who``, for good.

        Raises:
            BadInput: it is another's.
        """
        with self.transaction() as connection:
            connection.execute("INSERT OR IGNORE INTO owner VALUES (?, ?)", (what, who))
        ((found,),) = self.rows("SELECT who FROM owner WHERE what = ?", what)
        if found != who:
            raise BadInput(
                f"{self._path} belongs to the {what} {found}, not {who}: name another file, or remove it"
            )

    def close(self) -> None:
        """Closes the file and gives it free for other processes."""
        self._connection.close()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def leave(self) -> None:
        """In a forked process: leaves the lock to its parent. SQLite's files must not be touched there."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _prepare(self) -> None:
        ((version,),) = self.rows("PRAGMA user_version")
        if version == 0:
            self._connection.executescript(f"BEGIN; {_SCHEMA} PRAGMA user_version = {_VERSION}; COMMIT")
        elif version != _VERSION:
            raise BadInput(
                f"{self._path} was written by another version of the agent: remove it, and it is read anew"
            )

    @contextmanager
    def _failures(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.DatabaseError as error:
            raise StopAgent(f"the database {self._path} failed: {error}") from error


def _locked(path: Path) -> int:
    """Holds ``<path>.lock`` until it is closed or this process dies."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = os.open(f"{path}.lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise StopAgent(f"the database {path} cannot be made: {error.strerror}") from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        raise BadInput(f"another agent uses {path}: stop it, or name another file") from None
    return lock
