"""Every fault of this machine's disk as one line: what failed, why, and what to do about it."""

from __future__ import annotations

import errno
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from agents.core.errors import BadInput, StorageFailed

_FREE: Final = "free some space, then start again"
_PERMIT: Final = "make it readable and writable for this user, then start again"
_LIMITS: Final = "raise this user's limits (ulimit), then start again"
_PLACE: Final = "something else is in its place: move it away, or name another path"
_DISK: Final = "see whether the disk is full or damaged, then start again"
_RESTORE: Final = "restore it from a backup, then start again"

_OF_THE_SYSTEM: Final = {
    errno.ENOSPC: _FREE,
    errno.EDQUOT: _FREE,
    errno.EROFS: _PERMIT,
    errno.EACCES: _PERMIT,
    errno.EPERM: _PERMIT,
    errno.EFBIG: _LIMITS,
    errno.EMFILE: _LIMITS,
    errno.ENFILE: _LIMITS,
    errno.EEXIST: _PLACE,
    errno.EISDIR: _PLACE,
    errno.ENOTDIR: _PLACE,
    errno.ELOOP: _PLACE,
}
_OF_SQLITE: Final = {
    sqlite3.SQLITE_FULL: _FREE,
    sqlite3.SQLITE_READONLY: _PERMIT,
    sqlite3.SQLITE_CANTOPEN: _PERMIT,
    sqlite3.SQLITE_PERM: _PERMIT,
    sqlite3.SQLITE_CORRUPT: _RESTORE,
    sqlite3.SQLITE_NOTADB: _RESTORE,
}
_IN_USE: Final = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
_PRIMARY: Final = 0xFF  # the low byte of SQLite's extended codes: SQLITE_IOERR_WRITE is a SQLITE_IOERR


@contextmanager
def disk_faults(what: str) -> Iterator[None]:
    """What the operating system refuses inside the block, as one error of ours.

    Args:
        what: could not be done, with the path: ``"build/bob/plan.json cannot be written"``.

    Raises:
        StorageFailed: instead of an OSError.
    """
    try:
        yield
    except OSError as error:
        remedy = _OF_THE_SYSTEM.get(error.errno or 0, _DISK)
        raise StorageFailed(what, error.strerror or str(error), remedy) from error


@contextmanager
def database_faults(path: Path | str) -> Iterator[None]:
    """What SQLite refuses inside the block, as one error of ours.

    Args:
        path: of the database.

    Raises:
        BadInput: another process has the database locked.
        StorageFailed: instead of any other error of SQLite's.
    """
    try:
        yield
    except sqlite3.Error as error:
        # Python's own complaints, of a closed database for example, have no code
        code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & _PRIMARY
        if code in _IN_USE:
            raise in_use(path) from error
        remedy = _OF_SQLITE.get(code, _DISK)
        raise StorageFailed(f"the database {path} failed", str(error), remedy) from error


def in_use(path: Path | str) -> BadInput:
    """The complaint about a database that another process has."""
    return BadInput(f"another agent uses {path}: stop it, or name another file")
