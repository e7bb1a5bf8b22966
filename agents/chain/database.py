"""The database in which an agent's view of the chain, and what it sent, survive a crash.

`agents.chain.archive` keeps blocks, logs and the cursor in it, `agents.chain.outbox` what was signed. Their
tables stand here together because one version number is that of the whole file. A file of an older version is
brought up to this one. One process at a time: two of them would sign different transactions with one nonce.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

from agents.core.errors import BadInput
from agents.storage.database import Connection, Database

_VERSION = 2
_SECOND = """
CREATE TABLE header (number INTEGER PRIMARY KEY, hash BLOB NOT NULL);
CREATE TABLE mark (what TEXT PRIMARY KEY, number INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE span (url TEXT PRIMARY KEY, blocks INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE misfit (block INTEGER NOT NULL, place INTEGER NOT NULL, PRIMARY KEY (block, place))
    WITHOUT ROWID;
"""
_SCHEMA = f"""
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
{_SECOND}
"""
_CHANGES = {0: _SCHEMA, 1: _SECOND}
"""What brings a file of each version up to this one; 0 is a new one."""


class ChainDatabase(Database):
    """The open database, which this process has alone.

    Args:
        path: of the file, made if it is not there; or `agents.storage.database.MEMORY`.

    Raises:
        BadInput: another process uses it, or it is no database of this version.
        StorageFailed: it cannot be read or written. So may every method.
    """

    def __init__(self, path: Path | str) -> None:
        super().__init__(path, partial(_prepare, path), alone=True)

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
                f"{self.path} belongs to the {what} {found}, not {who}: name another file, or remove it"
            )


def _prepare(path: Path | str, connection: Connection) -> None:
    ((version,),) = connection.execute("PRAGMA user_version")
    if version in _CHANGES:
        connection.executescript(f"BEGIN; {_CHANGES[version]} PRAGMA user_version = {_VERSION}; COMMIT")
    elif version != _VERSION:
        raise BadInput(f"{path} was written by another version of the agent: remove it, and it is read anew")
