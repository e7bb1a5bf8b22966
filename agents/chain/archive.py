"""What was read of the chain, on the disk: logs, the cursor that goes with them, and the last hashes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from agents.chain.blocks import BlockRef, RawLog
from agents.chain.database import ChainDatabase
from agents.storage.database import Connection

KEPT = 128
"""Of how many of the last blocks the hash is kept: a re-org of more is not followed."""

_TOPIC = 32
_PART = 5_000
_ABOVE = {"block": "number", "header": "number", "misfit": "block", "snapshot": "block"}
"""Of which tables a re-org takes rows, and where their block is."""

_SELECT = """SELECT block.number, block.hash, block.timestamp, place, "transaction", topics, data
    FROM log JOIN block ON block.number = log.block"""


class Archive:
    """The blocks and logs of one market.

    Args:
        database: holds them.

    Raises:
        StorageFailed: it cannot be read or written. So may every method.
    """

    def __init__(self, database: ChainDatabase) -> None:
        self._database = database

    # --- the cursor ---

    def begin(self, anchor: BlockRef, before: BlockRef) -> None:
        """Nothing was read yet: reading begins after ``before``; ``anchor`` is the last to fall back to."""
        with self._database.transaction() as connection:
            _put_block(connection, anchor)
            _put_cursor(connection, before)
            _put_mark(connection, "verified", before.number)
            _put_mark(connection, "whole", 1)

    def cursor(self) -> BlockRef | None:
        """The block up to which all was read; None if nothing was."""
        rows = self._database.rows("SELECT number, hash, timestamp FROM cursor")
        return BlockRef(*rows[0]) if rows else None

    def append(self, logs: Iterable[RawLog], blocks: Sequence[BlockRef]) -> None:
        """Adds blocks, in order, with their logs; the last one is the new cursor."""
        with self._database.transaction() as connection:
            _put_logs(connection, logs)
            for block in blocks[-KEPT:]:
                connection.execute("INSERT OR REPLACE INTO header VALUES (?, ?)", (block.number, block.hash))
            _put_cursor(connection, blocks[-1])
            connection.execute("DELETE FROM header WHERE number <= ?", (blocks[-1].number - KEPT,))

    def fall_back(self, block: BlockRef) -> int:
        """Forgets all above a block, which is the new cursor; returns how many logs that were."""
        with self._database.transaction() as connection:
            query = "SELECT count(*) FROM log WHERE block > ?"
            ((lost,),) = connection.execute(query, (block.number,)).fetchall()
            for table, number in _ABOVE.items():
                connection.execute(f"DELETE FROM {table} WHERE {number} > ?", (block.number,))
            connection.execute(
                "UPDATE mark SET number = min(number, ?) WHERE what = 'verified'", (block.number,)
            )
            _put_cursor(connection, block)
        return int(lost)

    def hash_at(self, number: int) -> bytes | None:
        """The hash of a block that was read; None if it is not kept."""
        tables = (f"SELECT hash FROM {table} WHERE number = ?" for table in ("header", "block", "cursor"))
        rows = self._database.rows(" UNION ALL ".join(tables), number, number, number)
        return bytes(rows[0][0]) if rows else None

    # --- logs ---

    def logs(self, after: int = -1) -> Iterator[RawLog]:
        """All logs of the blocks after one, in the order of the chain; a part of them at a time in memory."""
        place = (after + 1, -1)
        while True:
            query = f"{_SELECT} WHERE (log.block, place) > (?, ?) ORDER BY log.block, place LIMIT {_PART}"
            part = [read_log(row) for row in self._database.rows(query, *place)]
            yield from part
            if len(part) < _PART:
                return
            place = (part[-1].block.number, part[-1].index)

    def logs_between(self, first: int, last: int) -> list[RawLog]:
        """Those of these blocks, both included, in the order of the chain."""
        query = f"{_SELECT} WHERE block.number BETWEEN ? AND ? ORDER BY block.number, place"
        return list(map(read_log, self._database.rows(query, first, last)))

    def last_log(self) -> RawLog | None:
        """The last of all logs."""
        rows = self._database.rows(f"{_SELECT} ORDER BY block.number DESC, place DESC LIMIT 1")
        return read_log(rows[0]) if rows else None

    # --- the second reading ---

    @property
    def verified(self) -> int:
        """The block up to which all was read twice; -1 if the agent that wrote it kept no such mark."""
        return self._mark("verified", -1)

    @property
    def whole(self) -> bool:
        """Whether nothing has to be read again before anything is decided."""
        return self._mark("whole", 0) == 1

    def verify(self, upto: int, found: Iterable[RawLog] = (), dead: Iterable[int] = ()) -> None:
        """Notes a second reading up to a block.

        Args:
            upto: the block.
            found: logs that the first had not, or otherwise.
            dead: numbers of blocks whose logs are of a branch that is not the chain's.
        """
        found, dead = list(found), list(dead)
        with self._database.transaction() as connection:
            for number in dead:
                connection.execute("DELETE FROM block WHERE number = ?", (number,))
            _put_logs(connection, found)
            mended = [*dead, *(log.block.number for log in found)]
            if mended:
                connection.execute("DELETE FROM snapshot WHERE block >= ?", (min(mended),))
            _put_mark(connection, "verified", upto)

    def trust(self, verified: int) -> None:
        """All was read again: decisions may be made; what is above `verified` is read twice as ever."""
        with self._database.transaction() as connection:
            _put_mark(connection, "verified", verified)
            _put_mark(connection, "whole", 1)

    def distrust(self, before: int) -> None:
        """All after this block has to be read again before anything is decided."""
        with self._database.transaction() as connection:
            _put_mark(connection, "verified", before)
            _put_mark(connection, "whole", 0)

    def note_misfit(self, block: int, place: int) -> bool:
        """Notes an event that does not fit those before it; whether that is news."""
        with self._database.transaction() as connection:
            done = connection.execute("INSERT OR IGNORE INTO misfit VALUES (?, ?)", (block, place))
            return done.rowcount > 0

    # --- how much a node lists at once ---

    def spans(self) -> dict[str, int]:
        """In how many blocks, by URL."""
        return dict(self._database.rows("SELECT url, blocks FROM span"))

    def keep_span(self, url: str, blocks: int) -> None:
        """Notes it for the next start."""
        with self._database.transaction() as connection:
            connection.execute("INSERT OR REPLACE INTO span VALUES (?, ?)", (url, blocks))

    def _mark(self, what: str, otherwise: int) -> int:
        rows = self._database.rows("SELECT number FROM mark WHERE what = ?", what)
        return int(rows[0][0]) if rows else otherwise


def select_logs(where: str) -> str:
    """The query for logs that are so, in the order of the chain."""
    return f"{_SELECT} WHERE {where} ORDER BY log.block, place"


def read_log(row: Sequence[Any]) -> RawLog:
    """The log in a row of `select_logs`."""
    *block, place, transaction, topics, data = row
    split = tuple(topics[start : start + _TOPIC] for start in range(0, len(topics), _TOPIC))
    return RawLog(BlockRef(*block), place, transaction, split, data)


def _put_logs(connection: Connection, logs: Iterable[RawLog]) -> None:
    for log in logs:
        _put_block(connection, log.block)
        values = (log.block.number, log.index, log.transaction, b"".join(log.topics), log.data)
        connection.execute("INSERT OR REPLACE INTO log VALUES (?, ?, ?, ?, ?)", values)


def _put_block(connection: Connection, block: BlockRef) -> None:
    values = (block.number, block.hash, block.timestamp)
    connection.execute("INSERT OR IGNORE INTO block VALUES (?, ?, ?)", values)


def _put_cursor(connection: Connection, block: BlockRef) -> None:
    values = (block.number, block.hash, block.timestamp)
    connection.execute("INSERT OR REPLACE INTO cursor VALUES (1, ?, ?, ?)", values)


def _put_mark(connection: Connection, what: str, number: int) -> None:
    connection.execute("INSERT OR REPLACE INTO mark VALUES (?, ?)", (what, number))
