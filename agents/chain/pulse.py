"""What an agent last did, beside what it knows of the chain: whoever looks at its home sees it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from agents.chain.blocks import BlockRef
from agents.chain.database import ChainDatabase
from agents.core.ids import Address


@dataclass(frozen=True)
class Pulse:
    """The last turn of a loop.

    Attributes:
        at: when, in seconds of this machine's clock.
        role: of the agent, as its command is called.
        member: whose it is.
        block, block_time: the last block read, and its time in seconds.
        gap: blocks after it that cannot be had whole.
        wallet: wei in the wallet; None if it is not known.
        obstacle: why the agent could not act; empty if it could.
        awaited: for what of others it waited.
        left_undone: what was due and not done, and why.
        intents: how far what was wanted had come, by its key.
        running: the keys of the tasks under way.
    """

    at: float
    role: str
    member: Address
    block: int
    block_time: int
    gap: int = 0
    wallet: int | None = None
    obstacle: str = ""
    awaited: str = ""
    left_undone: Sequence[str] = ()
    intents: dict[str, str] | None = None
    running: Sequence[str] = ()

    @classmethod
    def parse(cls, text: str) -> Pulse:
        """What `keep` wrote.

        Raises:
            ValueError, TypeError: something else.
        """
        return cls(**json.loads(text))

    @property
    def upto(self) -> BlockRef:
        """The last block read; its hash is not known here."""
        return BlockRef(self.block, b"", self.block_time)

    def keep(self, database: ChainDatabase) -> None:
        """Writes it over the last one.

        Raises:
            StorageFailed: it cannot be written.
        """
        with database.transaction() as connection:
            connection.execute("INSERT OR REPLACE INTO pulse VALUES (1, ?)", (json.dumps(asdict(self)),))
