"""What we signed, kept from before it is sent until long after it is mined."""

from __future__ import annotations

from dataclasses import astuple, dataclass

from agents.chain.database import ChainDatabase
from agents.chain.transactions import Fees, Payload
from agents.core.ids import Address

KEPT = 64  # mined transactions: more than any re-org takes back


@dataclass(frozen=True, slots=True)
class Attempt:
    """A signed transaction. The attempts of one nonce say the same and offer ever higher fees.

    Attributes:
        hash: of the transaction, 32 bytes.
        nonce: how many transactions of the wallet are before it.
        payload: what it says. `fees` is what it offers for each unit of gas, in wei.
        raw: the signed bytes that are broadcast.
    """

    hash: bytes
    nonce: int
    payload: Payload
    fees: Fees
    raw: bytes


class Outbox:
    """The signed transactions of one wallet. A nonce is open until one of its attempts is seen in a block.

    Args:
        database: keeps them.
        wallet: its address.

    Raises:
        BadInput: the database is of another wallet.
        StorageFailed: the database cannot be read or written. So may every method.
    """

    def __init__(self, database: ChainDatabase, wallet: Address) -> None:
        self._database = database
        database.claim("wallet", wallet)

    def add(self, attempt: Attempt) -> None:
        """Keeps an attempt: it is on the disk when this returns."""
        to, data, value, gas = astuple(attempt.payload)
        # amounts as text: SQLite's integers end at 9.2 coins
        fees = str(attempt.fees.maximum), str(attempt.fees.tip)
        with self._database.transaction() as connection:
            connection.execute(
                """INSERT INTO outbox SELECT ?, ?, count(*), ?, ?, ?, ?, ?, ?, ?, NULL
                FROM outbox WHERE nonce = ?""",
                (attempt.hash, attempt.nonce, to, data, str(value), gas, *fees, attempt.raw, attempt.nonce),
            )

    def attempts(self, nonce: int) -> list[Attempt]:
        """All attempts of a nonce, the last one first."""
        query = """SELECT hash, recipient, data, value, gas, maximum, tip, raw FROM outbox
            WHERE nonce = ? ORDER BY attempt DESC"""
        return [
            Attempt(hash_, nonce, Payload(to, data, int(value), gas), Fees(int(maximum), int(tip)), raw)
            for hash_, to, data, value, gas, maximum, tip, raw in self._database.rows(query, nonce)
        ]

    def last_nonce(self) -> int:
        """The highest nonce that we signed; -1 if there is none."""
        ((last,),) = self._database.rows("SELECT coalesce(max(nonce), -1) FROM outbox")
        return int(last)

    def open_nonces(self) -> list[int]:
        """The nonces that are not mined as far as we know, ascending."""
        query = "SELECT DISTINCT nonce FROM outbox WHERE mined_in IS NULL ORDER BY nonce"
        return [nonce for (nonce,) in self._database.rows(query)]

    def close(self, nonce: int, block: int) -> None:
        """One of the attempts was mined in this block."""
        with self._database.transaction() as connection:
            connection.execute("UPDATE outbox SET mined_in = ? WHERE nonce = ?", (block, nonce))
            connection.execute("DELETE FROM outbox WHERE nonce <= ?", (nonce - KEPT,))

    def reopen(self, first: int) -> None:
        """The chain has no transaction of this nonce or a later one: a re-org took ours back."""
        with self._database.transaction() as connection:
            connection.execute("UPDATE outbox SET mined_in = NULL WHERE nonce >= ?", (first,))

    def drop(self, nonce: int) -> None:
        """None of the attempts can be mined any more."""
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM outbox WHERE nonce = ?", (nonce,))

    def height(self) -> int:
        """The last block that holds a transaction of ours; 0 if there is none."""
        ((height,),) = self._database.rows("SELECT coalesce(max(mined_in), 0) FROM outbox")
        return int(height)
