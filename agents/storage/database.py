"""SQLite on this machine: what is committed is on the disk, and what fails is one line.

Every database has a write-ahead log, so that others can read along while its owner writes. Which tables it
has is the business of whoever opens it.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from sqlite3 import Connection
from typing import Any, Final

from agents.storage.atomic import PRIVATE
from agents.storage.faults import database_faults, disk_faults, in_use

__all__ = ["MEMORY", "Connection", "Database", "read_along"]

MEMORY: Final = ":memory:"
"""The path of a database that is nowhere on the disk: for tests, and for programs that only look."""

_SETTINGS: Final = ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON")


class Database:
    """An open database.

    Args:
        path: of the file, made if it is not there; or `MEMORY`.
        prepare: makes the tables of a new file, and may refuse one that is not as it should be.
        alone: no other process may open it so at the same time. Its folder is made if it is not there.

    Raises:
        BadInput: another process has it.
        StorageFailed: it cannot be read or written. So may every method.

    Attributes:
        path: of the file, as it was given.
    """

    def __init__(
        self, path: Path | str, prepare: Callable[[Connection], None], *, alone: bool = False
    ) -> None:
        self.path = path
        with ExitStack() as held, database_faults(path):
            self._lock = _locked(Path(path), held) if alone and path != MEMORY else None
            self._connection = held.enter_context(closing(sqlite3.connect(path)))
            for setting in _SETTINGS:
                self._connection.execute(f"PRAGMA {setting}")
            prepare(self._connection)
            self._held = held.pop_all()

    def rows(self, query: str, *values: object) -> list[Any]:
        """All rows of a query."""
        with database_faults(self.path):
            return self._connection.execute(query, values).fetchall()

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """All or nothing of the block is written; when it is left, it is on the disk."""
        with database_faults(self.path), self._connection:
            yield self._connection

    def close(self) -> None:
        """Closes the file and gives it free for other processes; closing it again changes nothing."""
        with database_faults(self.path):
            self._held.close()

    def leave(self) -> None:
        """In a forked process: leaves the lock to its parent. SQLite's files must not be touched there."""
        if self._lock is not None:
            os.close(self._lock)


@contextmanager
def read_along(path: Path) -> Iterator[Connection]:
    """Another process's database, to be read and not written, while that process has it open or after.

    Args:
        path: of the file, which must be there.

    Raises:
        BadInput: that process keeps it locked.
        StorageFailed: it cannot be read.
    """
    uri = path.absolute().as_uri()
    with database_faults(path), closing(sqlite3.connect(f"{uri}?mode=ro", uri=True)) as connection:
        yield connection


def is_in_use(path: Path) -> bool:
    """Whether another process has a database alone."""
    try:
        with Path(f"{path}.lock").open("rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False


def _locked(path: Path, held: ExitStack) -> int:
    """The descriptor of ``<path>.lock``, which is this process's until `held` is closed or it dies."""
    with disk_faults(f"the database {path} cannot be made"):
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = os.open(f"{path}.lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, PRIVATE)
        held.callback(os.close, lock)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise in_use(path) from None
    return lock
