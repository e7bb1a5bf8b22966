"""Each fault of the disk is one line that says what failed, why, and what to do.

Rules: A17.
"""

from __future__ import annotations

import errno
import os
import pickle
import sqlite3

import pytest

from agents.core.errors import BadInput, StopAgent, StorageFailed
from agents.storage.faults import database_faults, disk_faults

FREE = "free some space, then start again"
PERMIT = "make it readable and writable for this user, then start again"
LIMITS = "raise this user's limits (ulimit), then start again"
PLACE = "something else is in its place: move it away, or name another path"
DISK = "see whether the disk is full or damaged, then start again"
RESTORE = "restore it from a backup, then start again"


@pytest.mark.parametrize(
    ("number", "remedy"),
    [
        (errno.ENOSPC, FREE),
        (errno.EDQUOT, FREE),
        (errno.EROFS, PERMIT),
        (errno.EACCES, PERMIT),
        (errno.EPERM, PERMIT),
        (errno.EFBIG, LIMITS),
        (errno.EMFILE, LIMITS),
        (errno.ENFILE, LIMITS),
        (errno.EEXIST, PLACE),
        (errno.EISDIR, PLACE),
        (errno.ENOTDIR, PLACE),
        (errno.ELOOP, PLACE),
        (errno.EIO, DISK),
        (errno.ENOENT, DISK),
    ],
)
def test_a_fault_of_the_system_is_one_line(number: int, remedy: str) -> None:
    with pytest.raises(StorageFailed) as failed, disk_faults("bob/plan.json cannot be written"):
        raise OSError(number, os.strerror(number), "bob/.a temporary name")
    assert str(failed.value) == f"bob/plan.json cannot be written: {os.strerror(number)}: {remedy}"
    assert isinstance(failed.value, StopAgent)
    assert isinstance(failed.value.__cause__, OSError)


def sqlite_error(kind: type[sqlite3.Error], code: int, message: str) -> sqlite3.Error:
    """As SQLite raises it."""
    error = kind(message)
    error.sqlite_errorcode = code
    return error


@pytest.mark.parametrize(
    ("code", "message", "remedy"),
    [
        (sqlite3.SQLITE_FULL, "database or disk is full", FREE),
        (sqlite3.SQLITE_READONLY_DIRECTORY, "attempt to write a readonly database", PERMIT),
        (sqlite3.SQLITE_CANTOPEN, "unable to open database file", PERMIT),
        (sqlite3.SQLITE_PERM, "access permission denied", PERMIT),
        (sqlite3.SQLITE_CORRUPT_INDEX, "database disk image is malformed", RESTORE),
        (sqlite3.SQLITE_NOTADB, "file is not a database", RESTORE),
        (sqlite3.SQLITE_IOERR_WRITE, "disk I/O error", DISK),
        (sqlite3.SQLITE_ERROR, "no such table: facts", DISK),
    ],
)
def test_a_fault_of_sqlite_is_one_line(code: int, message: str, remedy: str) -> None:
    with pytest.raises(StorageFailed) as failed, database_faults("bob/journal.sqlite"):
        raise sqlite_error(sqlite3.OperationalError, code, message)
    assert str(failed.value) == f"the database bob/journal.sqlite failed: {message}: {remedy}"


@pytest.mark.parametrize("code", [sqlite3.SQLITE_BUSY_RECOVERY, sqlite3.SQLITE_LOCKED])
def test_a_database_that_another_process_has_is_the_users_to_give_free(code: int) -> None:
    with pytest.raises(BadInput) as failed, database_faults("bob/chain.sqlite"):
        raise sqlite_error(sqlite3.OperationalError, code, "database is locked")
    assert str(failed.value) == "another agent uses bob/chain.sqlite: stop it, or name another file"


def test_what_is_no_fault_of_the_disk_passes() -> None:
    with pytest.raises(BadInput, match="as it was"), database_faults("a"), disk_faults("a"):
        raise BadInput("as it was")


def test_a_failure_can_be_handed_to_another_process() -> None:
    failure = StorageFailed("plan.json cannot be read", "Input/output error", DISK)
    copy = pickle.loads(pickle.dumps(failure))
    assert (type(copy), str(copy), copy.reason) == (StorageFailed, str(failure), "Input/output error")
