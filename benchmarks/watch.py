"""Blocks as they come: which transaction was seen in which block, and when."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from threading import Event, Thread

from agents.core.errors import NodeUnavailable
from benchmarks.rpc import RpcNode

POLL_SECONDS = 0.02


@dataclass(frozen=True, slots=True)
class Block:
    """A block as it was seen.

    Attributes:
        seen_at: when we had it, by the monotonic clock.
        hashes: of its transactions.
    """

    number: int
    seen_at: float
    gas_used: int
    hashes: tuple[str, ...]


class BlockWatch:
    """Follows a chain in a thread of its own, from the next block on.

    Attributes:
        head: number of the last block before them.
        blocks: all that were seen; grows while the watch lasts.
        mined: the block of each transaction.
        failure: why the watch ended, if the node failed it.
    """

    def __init__(self, port: int, tell: Callable[[Block], None] = lambda _: None) -> None:
        self.blocks: list[Block] = []
        self.mined: dict[str, Block] = {}
        self.failure: NodeUnavailable | None = None
        self._node = RpcNode(port)
        self._tell = tell
        self._ended = Event()
        self.head = int(self._node.ask("eth_blockNumber"), 16)
        self._next = self.head + 1
        self._thread = Thread(target=self._follow, daemon=True)

    def __enter__(self) -> BlockWatch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()
        self._node.close()

    def await_all(self, hashes: list[str], seconds: float) -> int:
        """Waits until all these are in blocks, or the time is over.

        Returns:
            How many are not.
        """
        deadline = time.monotonic() + seconds
        waiting = hashes
        while waiting and self.failure is None and time.monotonic() < deadline:
            waiting = [hash_ for hash_ in waiting if hash_ not in self.mined]
            time.sleep(POLL_SECONDS)
        return len(waiting)

    def _follow(self) -> None:
        try:
            while not self._ended.is_set():
                self._take_new_blocks()
                self._ended.wait(POLL_SECONDS)
        except NodeUnavailable as failure:
            self.failure = failure

    def _take_new_blocks(self) -> None:
        head = int(self._node.ask("eth_blockNumber"), 16)
        while self._next <= head:
            answer = self._node.ask("eth_getBlockByNumber", hex(self._next), False)
            if answer is None:  # a node may tell of a block before it serves it
                return
            hashes = tuple(answer["transactions"])
            block = Block(self._next, time.monotonic(), int(answer["gasUsed"], 16), hashes)
            self.mined.update(dict.fromkeys(hashes, block))
            self.blocks.append(block)
            self._next += 1
            self._tell(block)
