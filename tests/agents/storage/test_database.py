"""SQLite: what is committed stays, one process has it where that must be, and each fault is one line.

Rules: A16, A17.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from agents.core.errors import BadInput, StopAgent, StorageFailed
from agents.storage.database import MEMORY, Connection, Database, read_along
from testing.full_disk import full_disk, no_file_larger_than

NO_DATABASE = "this is not a database, but a text that is long enough to look at" * 9


def prepare(connection: Connection) -> None:
    """One table."""
    connection.execute("CREATE TABLE IF NOT EXISTS word (word BLOB NOT NULL)")


def opened(path: Path | str, *, alone: bool = False) -> Database:
    return Database(path, prepare, alone=alone)


def add(database: Database, word: bytes) -> None:
    with database.transaction() as connection:
        connection.execute("INSERT INTO word VALUES (?)", (word,))


@pytest.fixture
def database() -> Database:
    return opened(MEMORY)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Of a database with one short and one long word."""
    path = tmp_path / "words"
    database = opened(path)
    add(database, b"short")
    add(database, bytes(30_000))
    database.close()
    return path


# --- keeping ---


def test_keeps_what_was_committed(tmp_path: Path) -> None:
    path = tmp_path / "new" / "words"
    database = opened(path, alone=True)
    add(database, b"\xaa")
    database.close()
    assert opened(path).rows("SELECT word FROM word WHERE word = ?", b"\xaa") == [(b"\xaa",)]


def test_takes_back_a_transaction_that_fails(database: Database) -> None:
    def fail() -> None:
        with database.transaction() as connection:
            connection.execute("INSERT INTO word VALUES (x'aa')")
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert database.rows("SELECT * FROM word") == []


def test_what_is_committed_is_forced_to_the_disk(path: Path) -> None:
    database = opened(path)
    assert database.rows("PRAGMA journal_mode") == [("wal",)]
    assert database.rows("PRAGMA synchronous") == [(2,)], "2 is FULL"


def test_others_read_along_and_do_not_write(path: Path) -> None:
    database = opened(path)
    add(database, b"new")
    with read_along(path) as connection:
        assert (b"new",) in connection.execute("SELECT word FROM word").fetchall()
    with (
        pytest.raises(StorageFailed, match="attempt to write a readonly database"),
        read_along(path) as connection,
    ):
        connection.execute("DELETE FROM word")


def test_closing_it_twice_changes_nothing(path: Path) -> None:
    database = opened(path)
    database.close()
    database.close()


# --- one process ---


def test_serves_one_process(tmp_path: Path) -> None:
    first = opened(tmp_path / "words", alone=True)
    with pytest.raises(BadInput, match="another agent uses"):
        opened(tmp_path / "words", alone=True)
    first.close()
    opened(tmp_path / "words", alone=True).close()


def test_a_database_that_is_refused_is_given_free(tmp_path: Path) -> None:
    def refuse(_: Connection) -> None:
        raise BadInput("not this one")

    for _ in range(2):
        with pytest.raises(BadInput, match="not this one"):
            Database(tmp_path / "words", refuse, alone=True)
    opened(tmp_path / "words", alone=True).close()


def test_a_lock_of_another_process_is_the_same_line(path: Path) -> None:
    database = opened(path)
    database.rows("PRAGMA busy_timeout = 0")  # a test does not wait
    with closing(sqlite3.connect(path)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(BadInput) as refused:
            add(database, b"new")
    assert str(refused.value) == f"another agent uses {path}: stop it, or name another file"
    add(database, b"new")


# --- a disk that refuses ---


@pytest.fixture
def words(path: Path) -> Iterator[Database]:
    """The database, which still has what it had when the test is over."""
    database = opened(path)
    yield database
    database.close()
    again = opened(path)
    assert again.rows("SELECT word FROM word") == [(b"short",), (bytes(30_000),)]
    add(again, bytes(30_000))


def failure(database: Database) -> str:
    """What it says when it has to write."""
    with pytest.raises(StorageFailed) as failed:
        add(database, bytes(30_000))
    return str(failed.value)


def test_a_full_disk_is_one_line_and_takes_the_transaction_back(words: Database) -> None:
    words.rows("PRAGMA max_page_count = 1")  # no more than it has
    full = f"the database {words.path} failed: database or disk is full: free some space, then start again"
    assert failure(words) == full


def test_a_disk_that_fails_is_one_line_and_takes_the_transaction_back(words: Database) -> None:
    with no_file_larger_than(1000):
        told = failure(words)
    damaged = "see whether the disk is full or damaged, then start again"
    assert told == f"the database {words.path} failed: disk I/O error: {damaged}"


def test_a_read_only_disk_is_one_line(words: Database) -> None:
    words.rows("PRAGMA query_only = ON")
    permit = "make it readable and writable for this user, then start again"
    assert failure(words) == (
        f"the database {words.path} failed: attempt to write a readonly database: {permit}"
    )
    assert words.rows("SELECT count(*) FROM word") == [(2,)], "what is there can be read"


def test_a_damaged_database_is_one_line(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[4096:8192] = b"\xff" * 4096
    path.write_bytes(data)
    with pytest.raises(StorageFailed) as failed:
        opened(path).rows("SELECT * FROM word")
    assert str(failed.value) == (
        f"the database {path} failed: database disk image is malformed: "
        "restore it from a backup, then start again"
    )


def test_stops_at_what_is_no_database(tmp_path: Path) -> None:
    (tmp_path / "words").write_text(NO_DATABASE)
    with pytest.raises(StopAgent, match="failed") as failed:
        opened(tmp_path / "words")
    assert str(failed.value) == (
        f"the database {tmp_path}/words failed: file is not a database: "
        "restore it from a backup, then start again"
    )


def test_stops_where_no_file_can_be(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StopAgent, match="cannot be made") as failed:
        opened(tmp_path / "file" / "words", alone=True)
    assert str(failed.value) == (
        f"the database {tmp_path}/file/words cannot be made: File exists: "
        "something else is in its place: move it away, or name another path"
    )


def test_stops_where_no_new_file_fits(tmp_path: Path) -> None:
    with no_file_larger_than(0), pytest.raises(StorageFailed, match="disk I/O error"):
        opened(tmp_path / "words", alone=True)
    opened(tmp_path / "words", alone=True).close()


def test_a_lock_takes_no_space(tmp_path: Path) -> None:
    with full_disk(tmp_path):
        opened(tmp_path / "words", alone=True).close()
    assert (tmp_path / "words.lock").stat().st_size == 0


def test_stops_when_it_cannot_be_written(database: Database) -> None:
    database.close()
    database.close()
    with pytest.raises(StopAgent, match="failed"):
        database.rows("SELECT 1")
