"""The ledger of people: which tables were offered, of whom, and what was shown of them; in SQLite.

It is one file for all of an owner's homes, datasets and markets. What is written here is on the disk before
anything of it is shown: a crash in between costs budget, and never hides what was shown.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from agents.learning.privacy.levels import Secrecy
from agents.learning.privacy.people import DIGESTS_A_ROW, Digests, Prints
from agents.storage.database import Connection, Database
from agents.storage.files import create

LEDGER_FILE = "people.sqlite"
"""In a data owner's home, unless it names another place."""

_PATIENCE_MS = 60_000
"""Another agent compares a long table within its step."""

_TABLES = """
CREATE TABLE IF NOT EXISTS secret (key BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS offers (
    id INTEGER PRIMARY KEY, identity BLOB NOT NULL UNIQUE, name TEXT NOT NULL, level TEXT NOT NULL,
    rows INTEGER NOT NULL, width INTEGER NOT NULL, terms TEXT NOT NULL, at INTEGER NOT NULL,
    declared_new INTEGER NOT NULL, columns BLOB NOT NULL, prints BLOB NOT NULL, persons BLOB);
CREATE TABLE IF NOT EXISTS links (
    later INTEGER NOT NULL REFERENCES offers, earlier INTEGER NOT NULL REFERENCES offers,
    PRIMARY KEY (later, earlier));
CREATE TABLE IF NOT EXISTS shown (
    offer INTEGER NOT NULL REFERENCES offers, what TEXT NOT NULL, facts TEXT NOT NULL, at INTEGER NOT NULL,
    PRIMARY KEY (offer, what));
"""


@dataclass(frozen=True)
class KeptOffer:
    """A table that was offered.

    Attributes:
        id: in the ledger.
        identity: 32 bytes, the same for the same table with the same settings.
        name: of the table, for its owner.
        level: at which it was offered.
        rows: of the table. `width`: its columns.
        terms: what was decided when it was offered, a JSON document.
        at: when, in seconds since 1970.
        declared_new: whether its owner said that its people are others than all before.
        prints: of its people.
    """

    id: int
    identity: bytes
    name: str
    level: Secrecy
    rows: int
    width: int
    terms: str
    at: int
    declared_new: bool
    prints: Prints


class PeopleLedger:
    """An open ledger. Its file's mode is 0600.

    Args:
        path: of the file, made if it is not there.

    Raises:
        BadInput: another process keeps it locked.
        StorageFailed: it cannot be read or written. So may every method.
    """

    def __init__(self, path: Path) -> None:
        create(path, b"")
        self._database = Database(path, _prepare)
        [(self.key,)] = self._database.rows("SELECT key FROM secret")

    def close(self) -> None:
        """Closes the file."""
        self._database.close()

    @contextmanager
    def alone(self) -> Iterator[LedgerPage]:
        """All that is read and written in the block is one step: nobody else writes meanwhile."""
        with self._database.transaction() as connection:
            connection.execute("BEGIN IMMEDIATE")
            yield LedgerPage(connection)


@dataclass(frozen=True)
class LedgerPage:
    """What can be done in one step with the ledger."""

    connection: Connection

    def offers(self) -> list[KeptOffer]:
        """All offers, in order."""
        rows = self.connection.execute(f"SELECT {_OFFER} FROM offers ORDER BY id").fetchall()
        return [_kept(*row) for row in rows]

    def offered(self, identity: bytes) -> KeptOffer | None:
        """An offer that was made already."""
        row = self.connection.execute(
            f"SELECT {_OFFER} FROM offers WHERE identity = ?", (identity,)
        ).fetchone()
        return None if row is None else _kept(*row)

    def add(self, offer: KeptOffer, earlier: list[int]) -> None:
        """Keeps an offer, and which earlier ones are of the same people; its `id` counts for nothing."""
        prints = offer.prints
        values = (
            offer.identity,
            offer.name,
            offer.level,
            offer.rows,
            offer.width,
            offer.terms,
            offer.at,
            offer.declared_new,
            prints.columns,
            prints.rows.astype("<u8").tobytes(),
            None if prints.persons is None else prints.persons.astype("<u8").tobytes(),
        )
        cursor = self.connection.execute(
            "INSERT INTO offers (identity, name, level, rows, width, terms, at, declared_new, columns,"
            " prints, persons) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            values,
        )
        links = [(cursor.lastrowid, other) for other in earlier]
        self.connection.executemany("INSERT INTO links VALUES (?, ?)", links)

    def same_people(self, ids: list[int]) -> list[int]:
        """All offers that these are linked with, over any others, and these themselves."""
        links = self.connection.execute("SELECT later, earlier FROM links").fetchall()
        found, new = set(ids), set(ids)
        while new:
            met = {b for a, b in links if a in new} | {a for a, b in links if b in new}
            new = met - found
            found |= new
        return sorted(found)

    def show(self, offer: int, what: str, facts: str, at: int) -> None:
        """Keeps that something is shown of an offer; once is enough."""
        query = "INSERT OR IGNORE INTO shown VALUES (?, ?, ?, ?)"
        self.connection.execute(query, (offer, what, facts, at))

    def shown(self, offers: list[int]) -> list[tuple[int, str, str]]:
        """What was shown of some offers: of which, what, and the facts."""
        rows = self.connection.execute("SELECT offer, what, facts FROM shown ORDER BY rowid").fetchall()
        return [row for row in rows if row[0] in offers]


_FACTS = ("id", "identity", "name", "level", "rows", "width", "terms", "at", "declared_new")
_OFFER = ", ".join((*_FACTS, "columns", "prints", "persons"))


def _kept(*row: Any) -> KeptOffer:
    *facts, columns, prints, persons = row
    rows = _words(prints).reshape(-1, DIGESTS_A_ROW)
    kept = Prints(columns, rows, None if persons is None else _words(persons))
    told = dict(zip(_FACTS, facts, strict=True))
    return KeptOffer(**{**told, "declared_new": bool(told["declared_new"])}, prints=kept)


def _words(data: bytes) -> Digests:
    return np.frombuffer(data, dtype="<u8").astype(np.uint64)


def _prepare(connection: Connection) -> None:
    connection.execute(f"PRAGMA busy_timeout = {_PATIENCE_MS}")
    connection.executescript(_TABLES)
    with connection:
        connection.execute("BEGIN IMMEDIATE")
        if not connection.execute("SELECT 1 FROM secret").fetchall():
            connection.execute("INSERT INTO secret VALUES (?)", (secrets.token_bytes(32),))
