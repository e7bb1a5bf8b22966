"""An agent's first start on a long history, and its next: how long, and how much it keeps."""

from __future__ import annotations

import pickle
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from agents.chain.database import ChainDatabase
from agents.chain.history import EventStream
from agents.core.market import Market
from agents.observe.metrics import resident_bytes
from benchmarks.agents.long_chain import LongChain, client_of, logs_of
from benchmarks.profile import Json


def history(abi: Sequence[dict[str, Any]], count: int, folder: Path) -> dict[str, Json]:
    """Catches up with so many logs, and starts again.

    Returns:
        Seconds of both, what the agent keeps for each thousand events, and the requests.
    """
    chain = LongChain(logs_of(abi, count))
    database = ChainDatabase(folder / "chain.sqlite")
    before = resident_bytes()
    began = _Watch()
    stream = EventStream(client_of(chain, abi), database)
    market = stream.mirror()
    misfits = _catch_up(stream, market)
    caught_up = began.told()
    grown = resident_bytes() - before
    size = len(pickle.dumps(market, pickle.HIGHEST_PROTOCOL))
    database.close()
    began = _Watch()
    again = ChainDatabase(folder / "chain.sqlite")
    restarted = EventStream(client_of(chain, abi), again).mirror()
    restart = began.told()
    again.close()
    disk = sum(file.stat().st_size for file in folder.iterdir())
    assert vars(restarted) == vars(market)
    return {
        "logs": count,
        "misfits": misfits,
        "catch_up": caught_up,
        "catch_up_requests": chain.requests,
        "restart": restart,
        "mirror_bytes_a_thousand_events": size * 1000 // count,
        "memory_bytes_a_thousand_events": grown * 1000 // count,
        "disk_bytes_a_thousand_events": disk * 1000 // count,
    }


class _Watch:
    """Counts seconds from when it was made: the clock's, and the processor's of this process."""

    def __init__(self) -> None:
        self._began = time.monotonic(), time.process_time()

    def told(self) -> dict[str, Json]:
        """Both, as of now."""
        wall, cpu = self._began
        seconds = time.monotonic() - wall, time.process_time() - cpu
        return {"seconds": round(seconds[0], 2), "cpu_seconds": round(seconds[1], 2)}


def _catch_up(stream: EventStream, market: Market) -> int:
    """As a runner does; how many events did not fit."""
    misfits = 0
    while True:
        batch = stream.poll()
        for logged in batch.events:
            market.apply(logged)
        misfits += len(market.take_misfits())
        if not batch.behind:
            stream.keep(market)
            return misfits
