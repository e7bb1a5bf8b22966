"""What an agent knows of the chain, read from its home by another process, whether it runs or not."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agents.chain.archive import read_log, select_logs
from agents.chain.blocks import BlockRef
from agents.chain.client import decoded
from agents.chain.codec import Codec, Entry
from agents.chain.database import ChainDatabase
from agents.chain.pulse import Pulse
from agents.chain.snapshots import latest_snapshot
from agents.core.errors import BadInput, BadLog
from agents.core.ids import Address
from agents.core.market import Market
from agents.storage.database import is_in_use, read_along

Rows = Callable[..., list[Any]]


@dataclass(frozen=True)
class HomeView:
    """The market as an agent has it.

    Attributes:
        market: as of all events that it has read.
        member: whose agent it is; empty if it never sent and never turned.
        upto: the last block that it read.
        pulse: of its last turn; None before the first.
        running: whether it runs now.
    """

    market: Market
    member: Address
    upto: BlockRef
    pulse: Pulse | None
    running: bool


def keep_abi(database: ChainDatabase, abi: Sequence[Entry]) -> None:
    """Keeps what events are read by, so that a home can be read without the deployment's file."""
    with database.transaction() as connection:
        connection.execute("INSERT OR REPLACE INTO abi VALUES (1, ?)", (json.dumps(list(abi)),))


def read_home(path: Path) -> HomeView | None:
    """The view in the chain's database of a home; None if there is none that this version can read.

    Raises:
        BadInput: it is damaged.
        StorageFailed: it cannot be read.
    """
    if not path.exists():
        return None
    running = is_in_use(path)
    with read_along(path) as connection:

        def rows(query: str, *values: object) -> list[Any]:
            return connection.execute(query, values).fetchall()

        if not rows("SELECT 1 FROM sqlite_master WHERE name = 'pulse'") or not rows("SELECT 1 FROM abi"):
            return None
        try:
            return _view(rows, running)
        except (ValueError, TypeError, LookupError) as bad:
            raise BadInput(
                f"{path}: damaged ({type(bad).__name__}): start the agent, which mends it"
            ) from bad


def _view(rows: Rows, running: bool) -> HomeView:
    pulse = next((Pulse.parse(text) for (text,) in rows("SELECT json FROM pulse")), None)
    ((number, hash_, timestamp),) = rows("SELECT number, hash, timestamp FROM cursor")
    owners = dict(rows("SELECT what, who FROM owner"))
    member = pulse.member if pulse else Address(owners.get("wallet", ""))
    upto = BlockRef(number, hash_, timestamp)
    if pulse is not None and pulse.block > number:
        upto = pulse.upto  # at rest blocks are known as read before they are
    return HomeView(_mirror(rows), member, upto, pulse, running)


def _mirror(rows: Rows) -> Market:
    ((abi,),) = rows("SELECT json FROM abi")
    codec = Codec(json.loads(abi))
    market, after, _ = latest_snapshot(rows)
    for row in rows(select_logs("log.block > ?"), after):
        with suppress(BadLog):
            market.apply(decoded(codec, read_log(row)))
    market.take_misfits()
    return market
