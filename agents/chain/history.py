"""The market's events, each once and in order, whatever happens to us, the node or the chain.

The truth is ``eth_getLogs`` from a cursor that is stored together with the events. A subscription would
forget what it missed while it was down; at most it is a reason to poll.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from agents.chain.client import BlockRef, MarketClient, RawLog
from agents.chain.database import ChainDatabase
from agents.chain.node import NodeRefused
from agents.core.errors import NodeUnavailable
from agents.core.events import Logged
from agents.storage.database import Connection

MAX_SPAN = 10_000  # blocks a request; providers allow from a few hundred up, so it adapts
_TOPIC = 32


@dataclass(frozen=True, slots=True)
class Batch:
    """What one poll brought.

    Attributes:
        events: new ones, in order.
        rolled_back: the chain took back blocks with events that were delivered: forget everything and
            `EventStream.replay`. Such a batch has no events.
        upto: the events up to this block are delivered.
        behind: blocks that are there and not read yet: poll again before deciding anything.
    """

    events: tuple[Logged, ...]
    rolled_back: bool
    upto: BlockRef
    behind: int


class EventStream:
    """The events of one market.

    Args:
        client: reads the chain.
        database: holds events and cursor.
        confirmations: blocks that must lie on top of a block before its events are delivered.

    Raises:
        BadInput: the database is of another market, or of another chain.
        NodeUnavailable: the node did not answer. So may `poll`.
        StorageFailed: the database cannot be read or written. So may every method.
    """

    def __init__(self, client: MarketClient, database: ChainDatabase, confirmations: int = 0) -> None:
        self._client = client
        self._database = database
        self._confirmations = confirmations
        self._span = MAX_SPAN
        client.claim(database)
        self._cursor = self._stored_cursor() or self._begin()

    def replay(self) -> Iterator[Logged]:
        """All events delivered so far, from the database alone."""
        query = """SELECT block.number, block.hash, block.timestamp, place, "transaction", topics, data
            FROM log JOIN block ON block.number = log.block ORDER BY block.number, place"""
        for *block, place, transaction, topics, data in self._database.rows(query):
            split = tuple(topics[start : start + _TOPIC] for start in range(0, len(topics), _TOPIC))
            yield self._client.decode(RawLog(BlockRef(*block), place, transaction, split, data))

    def poll(self) -> Batch:
        """Reads on: one request's worth of blocks at most, never beyond the head.

        Raises:
            NodeUnavailable: nothing was read; poll again later.
            WrongNetwork: this is another chain, e.g. a development node that was started anew.
        """
        head = self._client.head()
        if head == self._cursor:
            return self._batch((), head)
        if not self._is_canonical(self._cursor) and self._step_back():
            return self._batch((), head, rolled_back=True)
        last = min(head.number - self._confirmations, self._cursor.number + self._span)
        if last <= self._cursor.number:
            return self._batch((), head)
        logs, end = self._read(self._cursor.number + 1, last, head)
        if not self._is_canonical(end):
            raise NodeUnavailable("the chain changed while it was read")
        events = tuple(map(self._client.decode, logs))
        self._store(logs, end)
        return self._batch(events, head)

    def _read(self, first: int, last: int, head: BlockRef) -> tuple[list[RawLog], BlockRef]:
        """Reads blocks ``first`` to ``last``, or as many of them as the node will tell at once.

        Asks for half when the node refuses or gives up, and for more again when it answers.
        """
        while True:
            # known before the logs are read: a re-org in between then shows
            end = head if last == head.number else self._client.require_block(last)
            try:
                logs = self._client.raw_logs(first, last)
            except NodeUnavailable as failure:
                self._span = max(1, (last - first + 1) // 2)
                if last == first or not isinstance(failure, NodeRefused):
                    raise
                last = first + self._span - 1
            else:
                self._span = min(MAX_SPAN, self._span * 2)
                return logs, end

    def _batch(self, events: tuple[Logged, ...], head: BlockRef, *, rolled_back: bool = False) -> Batch:
        behind = max(0, head.number - self._confirmations - self._cursor.number)
        return Batch(events, rolled_back, self._cursor, behind)

    # --- the cursor ---

    def _begin(self) -> BlockRef:
        """Starts before the market's own block, which is stored as the last to fall back to."""
        anchor = self._client.anchor
        before = self._client.require_block(anchor.number - 1)
        with self._database.transaction() as connection:
            _put_block(connection, anchor)
            _put_cursor(connection, before)
        return before

    def _stored_cursor(self) -> BlockRef | None:
        rows = self._database.rows("SELECT number, hash, timestamp FROM cursor")
        return BlockRef(*rows[0]) if rows else None

    def _is_canonical(self, block: BlockRef) -> bool:
        return self._client.block(block.number) == block

    def _step_back(self) -> bool:
        """Forgets what the chain took back: all above the last stored block that it still has.

        Returns:
            Whether events were among that.
        """
        self._client.require_same_chain()
        rows = self._database.rows("SELECT number, hash, timestamp FROM block ORDER BY number")
        stored = [BlockRef(*row) for row in rows]
        kept = bisect_left(stored, True, key=lambda block: not self._is_canonical(block))
        fork = stored[kept - 1]  # the anchor at the least
        with self._database.transaction() as connection:
            (lost,) = connection.execute(
                "SELECT count(*) FROM log WHERE block > ?", (fork.number,)
            ).fetchone()
            connection.execute("DELETE FROM block WHERE number > ?", (fork.number,))
            _put_cursor(connection, fork)
        self._cursor = fork
        return bool(lost)

    def _store(self, logs: Iterable[RawLog], end: BlockRef) -> None:
        with self._database.transaction() as connection:
            for log in logs:
                _put_block(connection, log.block)
                values = (log.block.number, log.index, log.transaction, b"".join(log.topics), log.data)
                connection.execute("INSERT INTO log VALUES (?, ?, ?, ?, ?)", values)
            _put_cursor(connection, end)
        self._cursor = end


def _put_block(connection: Connection, block: BlockRef) -> None:
    values = (block.number, block.hash, block.timestamp)
    connection.execute("INSERT OR IGNORE INTO block VALUES (?, ?, ?)", values)


def _put_cursor(connection: Connection, block: BlockRef) -> None:
    values = (block.number, block.hash, block.timestamp)
    connection.execute("INSERT OR REPLACE INTO cursor VALUES (1, ?, ?, ?)", values)
