"""What transactions cost without effect, learnt from: more gas the next time, and in the end a long rest.

An estimate can be too low, and what would have succeeded at the estimate can be refused in its block. Both
are paid for, so neither may happen again and again. What is known is on the disk: a restart pays no more.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

from agents.chain.database import ChainDatabase
from agents.chain.intents import functions_of
from agents.chain.transactions import Head, Payload, TransactionReceipt
from agents.storage.database import Connection

log = logging.getLogger(__name__)

MARGIN_PERCENT = 25  # other members' transactions come in between estimate and block
MARGIN_OVER_MOST_PERCENT = 10
OUT_OF_GAS_PERCENT = 97  # of its limit: what has used so much and failed ran out of it
RAISES = (2, 3, 4, 6)  # halves: after none, one, two, three transactions that ran out of gas
PAID_FAILURES = 3  # in a row, then ...
REST_SECONDS = 3600  # of chain time
FORGOTTEN_SECONDS = 7 * 86_400  # a failure so long ago says nothing of the next


class Setbacks:
    """What the transactions of one wallet have cost without effect, by function and by intent."""

    def __init__(self, database: ChainDatabase) -> None:
        self._database = database

    def gas_limit(self, keys: Sequence[str], estimate: int, head: Head) -> int:
        """The gas to allow a transaction that makes these calls, at most a block's.

        Args:
            keys: of its intents.
            estimate: the node's, at most a block's.
            head: the last block.
        """
        functions = functions_of(keys)
        usual = _percent(estimate, 100 + MARGIN_PERCENT)
        if len(keys) == 1:
            usual = max(usual, _percent(self._most(functions[0]), 100 + MARGIN_OVER_MOST_PERCENT))
        raised = usual * RAISES[max(map(self._shortfalls, functions))] // RAISES[0]
        return min(max(usual, min(raised, head.gas_limit // 2)), head.gas_limit)

    def rests_until(self, key: str) -> int:
        """Until when an intent is not sent, in chain time."""
        query = "SELECT coalesce(max(rests_until), 0) FROM setback WHERE name IN (?, ?)"
        ((until,),) = self._database.rows(query, key, functions_of([key])[0])
        return int(until)

    def note(
        self,
        keys: Sequence[str],
        payload: Payload,
        receipt: TransactionReceipt,
        now: int,
        connection: Connection,
    ) -> None:
        """Learns from a mined transaction.

        Args:
            keys: of its intents.
            payload: what it said.
            receipt: what became of it.
            now: chain time, in seconds.
            connection: with which it is closed, too: both are written or neither.
        """
        functions = functions_of(keys)
        if receipt.succeeded:
            _forget(connection, [*keys, *functions])
            if len(keys) == 1:
                _note_use(connection, functions[0], receipt.gas_used)
            return
        short = 100 * receipt.gas_used > OUT_OF_GAS_PERCENT * payload.gas
        for function in functions if short else ():
            _note_shortfall(connection, function)
        if len(keys) == 1:  # of a bundle it is not known which call is at fault
            _note_failure(connection, functions[0] if short else keys[0], now)

    def _most(self, function: str) -> int:
        rows = self._database.rows("SELECT most FROM gas WHERE function = ?", function)
        return int(rows[0][0]) if rows else 0

    def _shortfalls(self, function: str) -> int:
        rows = self._database.rows("SELECT shortfalls FROM gas WHERE function = ?", function)
        return min(int(rows[0][0]), len(RAISES) - 1) if rows else 0


def _forget(connection: Connection, names: Sequence[str]) -> None:
    connection.executemany("DELETE FROM setback WHERE name = ?", [(name,) for name in names])


def _note_use(connection: Connection, function: str, gas: int) -> None:
    connection.execute(
        """INSERT INTO gas VALUES (?, ?, 0)
        ON CONFLICT (function) DO UPDATE SET most = max(most, excluded.most)""",
        (function, gas),
    )


def _note_shortfall(connection: Connection, function: str) -> None:
    connection.execute(
        """INSERT INTO gas VALUES (?, 0, 1)
        ON CONFLICT (function) DO UPDATE SET shortfalls = shortfalls + 1""",
        (function,),
    )


def _note_failure(connection: Connection, name: str, now: int) -> None:
    connection.execute("DELETE FROM setback WHERE rests_until < ?", (now - FORGOTTEN_SECONDS,))
    connection.execute(
        """INSERT INTO setback VALUES (?, 1, ?)
        ON CONFLICT (name) DO UPDATE SET failures = failures + 1, rests_until = excluded.rests_until""",
        (name, now),
    )
    ((failures,),) = connection.execute("SELECT failures FROM setback WHERE name = ?", (name,))
    if failures >= PAID_FAILURES:
        connection.execute("UPDATE setback SET rests_until = ? WHERE name = ?", (now + REST_SECONDS, name))
        log.error("%s failed %d times in a row, each at its cost: it rests for an hour", name, failures)


def _percent(amount: int, percent: int) -> int:
    return amount * percent // 100
