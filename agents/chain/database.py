"""The database in which an agent's view of the chain, and what it sent, survive a crash.

`agents.chain.archive` keeps blocks, logs and the cursor in it, `agents.chain.snapshots` the mirror now and
then, `agents.chain.outbox` what was signed, `agents.chain.setbacks` what it taught and `agents.chain.pulse`
what its owner last did. Their tables stand here together because one version number is that of the whole
file. A file of an older version is brought up to this one. One process at a time: two of them would sign
different transactions with one nonce.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

from agents.core.errors import BadInput
from agents.storage.database import Connection, Database

_FIRST = """
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
_SECOND = """
CREATE TABLE header (number INTEGER PRIMARY KEY, hash BLOB NOT NULL);
CREATE TABLE mark (what TEXT PRIMARY KEY, number INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE span (url TEXT PRIMARY KEY, blocks INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE misfit (block INTEGER NOT NULL, place INTEGER NOT NULL, PRIMARY KEY (block, place))
    WITHOUT ROWID;
"""
_THIRD = """
CREATE TABLE sending (
    nonce INTEGER PRIMARY KEY,
    keys TEXT,
    deadline REAL NOT NULL,
    urgent_from REAL NOT NULL,
    block INTEGER,
    block_hash BLOB
);
INSERT INTO sending SELECT nonce, NULL, 9e999, 9e999, max(mined_in), NULL FROM outbox GROUP BY nonce;
CREATE TABLE attempt (
    hash BLOB PRIMARY KEY,
    nonce INTEGER NOT NULL REFERENCES sending ON DELETE CASCADE,
    attempt INTEGER NOT NULL,
    recipient TEXT NOT NULL,
    data BLOB NOT NULL,
    value TEXT NOT NULL,
    gas INTEGER NOT NULL,
    maximum TEXT NOT NULL,
    tip TEXT NOT NULL,
    legacy INTEGER NOT NULL,
    raw BLOB NOT NULL,
    UNIQUE (nonce, attempt)
) WITHOUT ROWID;
INSERT INTO attempt
    SELECT hash, nonce, attempt, recipient, data, value, gas, maximum, tip, 0, raw FROM outbox;
DROP TABLE outbox;
CREATE TABLE gas (function TEXT PRIMARY KEY, most INTEGER NOT NULL, shortfalls INTEGER NOT NULL)
    WITHOUT ROWID;
CREATE TABLE setback (name TEXT PRIMARY KEY, failures INTEGER NOT NULL, rests_until INTEGER NOT NULL)
    WITHOUT ROWID;
"""
_FOURTH = """
ALTER TABLE sending ADD COLUMN signed_at INTEGER;
"""
_FIFTH = """
CREATE TABLE snapshot (block INTEGER PRIMARY KEY, events INTEGER NOT NULL, code BLOB NOT NULL,
    market BLOB NOT NULL);
CREATE TABLE abi (id INTEGER PRIMARY KEY CHECK (id = 1), json TEXT NOT NULL);
CREATE TABLE pulse (id INTEGER PRIMARY KEY CHECK (id = 1), json TEXT NOT NULL);
"""
_STEPS = (_FIRST, _SECOND, _THIRD, _FOURTH, _FIFTH)
"""From each version of the file to the next: a file of any of them is brought to the last."""


class ChainDatabase(Database):
    """The open database, which this process has alone.

    Args:
        path: of the file, made if it is not there; or `agents.storage.database.MEMORY`.

    Raises:
        BadInput: another process uses it, or it was written by a later version.
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
    if version > len(_STEPS):
        raise BadInput(f"{path} was written by a later version of the agent: use that, or name another file")
    for number, step in enumerate(_STEPS[version:], version + 1):
        connection.executescript(f"BEGIN; {step} PRAGMA user_version = {number}; COMMIT")
