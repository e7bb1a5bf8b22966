"""What we signed, kept from before it is sent until long after it is mined."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import astuple, dataclass

from agents.chain.database import ChainDatabase
from agents.chain.fees import Fees
from agents.chain.transactions import Payload, TransactionReceipt
from agents.core.ids import Address
from agents.storage.database import Connection

KEPT = 64
"""Blocks on top of a mined transaction after which it is final: more than any re-org takes back."""


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


@dataclass(frozen=True, slots=True)
class Sending:
    """What a nonce was used for.

    Attributes:
        keys: of the intents, none if it only fills a gap; None if an earlier version signed it.
        deadline, urgent_from: the earliest of the intents', in chain time.
        block: number of the block that holds one of the attempts, and `block_hash`; None while it is open.
            The hash alone is None if an earlier version saw it mined.
        signed_at: number of the chain's last block when the first attempt was signed; None if an earlier
            version signed it.
    """

    nonce: int
    keys: tuple[str, ...] | None
    deadline: float
    urgent_from: float
    block: int | None = None
    block_hash: bytes | None = None
    signed_at: int | None = None


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

    # --- signing ---

    def begin(self, sending: Sending, attempt: Attempt) -> None:
        """Keeps the first attempt of a nonce, and what for: it is on the disk when this returns."""
        keys = None if sending.keys is None else json.dumps(sending.keys)
        values = (sending.nonce, keys, sending.deadline, sending.urgent_from, sending.signed_at)
        with self._database.transaction() as connection:
            connection.execute("INSERT INTO sending VALUES (?, ?, ?, ?, NULL, NULL, ?)", values)
            _add(connection, attempt)

    def add(self, attempt: Attempt) -> None:
        """Keeps another attempt: it is on the disk when this returns."""
        with self._database.transaction() as connection:
            _add(connection, attempt)

    def attempts(self, nonce: int) -> list[Attempt]:
        """All attempts of a nonce, the last one first."""
        query = """SELECT hash, recipient, data, value, gas, maximum, tip, legacy, raw FROM attempt
            WHERE nonce = ? ORDER BY attempt DESC"""
        return [
            Attempt(
                hash_,
                nonce,
                Payload(Address(to), data, int(value), gas),
                Fees(int(maximum), int(tip), bool(legacy)),
                raw,
            )
            for hash_, to, data, value, gas, maximum, tip, legacy, raw in self._database.rows(query, nonce)
        ]

    # --- what is known ---

    def nonces(self) -> set[int]:
        """All that are kept."""
        return {nonce for (nonce,) in self._database.rows("SELECT nonce FROM sending")}

    def next_nonce(self) -> int:
        """One more than the highest nonce that we signed; 0 if there is none."""
        ((last,),) = self._database.rows("SELECT coalesce(max(nonce), -1) FROM sending")
        return int(last) + 1

    def signed_at(self, nonce: int) -> int | None:
        """The chain's last block when the nonce was signed; None if it was not, or that is not known."""
        return next((sending.signed_at for sending in self._sendings("nonce = ?", nonce)), None)

    def open(self) -> list[Sending]:
        """What is in no block as far as we know, by nonce."""
        return self._sendings("block IS NULL ORDER BY nonce")

    def mined(self, head: int) -> list[Sending]:
        """What is in blocks that the chain may still take back, the last nonce first."""
        return self._sendings("block > ? ORDER BY nonce DESC", head - KEPT)

    def height(self) -> int:
        """The last block that holds a transaction of ours; 0 if there is none."""
        ((height,),) = self._database.rows("SELECT coalesce(max(block), 0) FROM sending")
        return int(height)

    def close(
        self,
        nonce: int,
        receipt: TransactionReceipt,
        learn: Callable[[Connection], None] | None = None,
    ) -> None:
        """One of the attempts is in a block; ``learn`` writes in the same transaction."""
        values = (receipt.block, receipt.block_hash, nonce)
        with self._database.transaction() as connection:
            connection.execute("UPDATE sending SET block = ?, block_hash = ? WHERE nonce = ?", values)
            old = (nonce, receipt.block - KEPT)
            connection.execute("DELETE FROM sending WHERE nonce < ? AND block <= ?", old)
            if learn is not None:
                learn(connection)

    def reopen(self, nonce: int) -> None:
        """The chain took it back."""
        with self._database.transaction() as connection:
            query = "UPDATE sending SET block = NULL, block_hash = NULL WHERE nonce = ?"
            connection.execute(query, (nonce,))

    def drop(self, nonce: int) -> None:
        """None of the attempts can be mined any more."""
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM sending WHERE nonce = ?", (nonce,))

    def _sendings(self, where: str, *values: object) -> list[Sending]:
        columns = "nonce, keys, deadline, urgent_from, block, block_hash, signed_at"
        query = f"SELECT {columns} FROM sending WHERE {where}"
        return [
            Sending(nonce, None if keys is None else tuple(json.loads(keys)), *others)
            for nonce, keys, *others in self._database.rows(query, *values)
        ]


def _add(connection: Connection, attempt: Attempt) -> None:
    to, data, value, gas = astuple(attempt.payload)
    fees = attempt.fees
    # amounts as text: SQLite's integers end at 9.2 coins
    amounts = str(fees.maximum), str(fees.tip), fees.legacy
    connection.execute(
        """INSERT INTO attempt SELECT ?, ?, count(*), ?, ?, ?, ?, ?, ?, ?, ? FROM attempt WHERE nonce = ?""",
        (attempt.hash, attempt.nonce, to, data, str(value), gas, *amounts, attempt.raw, attempt.nonce),
    )
