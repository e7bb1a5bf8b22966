"""What an agent's database knows of the market, read beside the agent or after it, with no node."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from agents.chain.archive import CURSOR, LOGS, read_log
from agents.chain.blocks import BlockRef
from agents.chain.codec import Codec
from agents.chain.deployment import Deployment
from agents.core.errors import BadInput, BadLog
from agents.core.events import Logged
from agents.core.ids import Address
from agents.storage.database import read_along


@dataclass(frozen=True)
class KeptChain:
    """What was read of the chain so far.

    Attributes:
        events: of the market, oldest first.
        upto: the block up to which they are.
        wallet: whose agent read them.
    """

    events: Sequence[Logged]
    upto: BlockRef
    wallet: Address


def read_kept(path: Path, deployment: Deployment) -> KeptChain:
    """What an agent's database has; the agent may be running.

    Args:
        path: of the database.
        deployment: of the market.

    Raises:
        BadInput: there is none yet, or it is of another market.
        StorageFailed: it cannot be read.
    """
    if not path.exists():
        raise BadInput(f"no file {path}: the agent has read nothing of the market yet: let it run first")
    with read_along(path) as connection:
        tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
        owners = dict(connection.execute("SELECT what, who FROM owner")) if "owner" in tables else {}
        cursor = connection.execute(CURSOR).fetchall() if "cursor" in tables else []
        rows = connection.execute(LOGS).fetchall() if "log" in tables else []
    if not cursor or not {"wallet", "market"} <= owners.keys():
        raise BadInput(f"{path}: the agent has read nothing of the market yet: let it run first")
    market, chain = deployment.market, f"on chain {deployment.chain_id}"
    if not (owners["market"].startswith(market) and owners["market"].endswith(chain)):
        raise BadInput(
            f"{path} is of the market {owners['market']}, not {market} {chain}: name its deployment"
        )
    codec, events = Codec(deployment.abi), list[Logged]()
    for one in map(read_log, rows):
        with suppress(BadLog):  # this was told when it came
            event, block = codec.event(one.topics, one.data), one.block
            events.append(
                Logged(event, block.number, block.hash, block.timestamp, one.index, one.transaction)
            )
    return KeptChain(events, BlockRef(*cursor[0]), Address(owners["wallet"]))
