"""Waves of lives on their way through a chain.

Waves begin one after the other, one with each block. A wave's next stage is sent once its last one is in a
block: whoever answers another's act has seen it. So about as many waves are under way as a life has stages,
and a chain that is too slow takes its time: nothing is sent ahead of what it can hold.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from queue import Empty, Queue

from agents.core.errors import NodeUnavailable
from benchmarks.crew import Sendable
from benchmarks.rpc import BATCH, RpcNode, encoded
from benchmarks.watch import Block, BlockWatch

SENDERS = 4
"""Threads for each node."""


@dataclass(slots=True)
class Wave:
    """Lives that begin together.

    Attributes:
        stages: their transactions, by stage.
        began_at: when the first was sent, by the monotonic clock.
        head: number of the last block before that.
        ended_at: when the last was seen in a block; `last_block` is that block's number.
    """

    stages: list[list[Sendable]]
    began_at: float = 0.0
    head: int = 0
    ended_at: float = 0.0
    last_block: int = 0
    _next: int = 0
    _waiting: set[str] = field(default_factory=set)

    @property
    def lives(self) -> int:
        """How many lives are in it."""
        return len({one.life for stage in self.stages for one in stage})

    @property
    def blocks(self) -> int:
        """How many blocks it took: what a model waits for the chain."""
        return self.last_block - self.head

    @property
    def seconds(self) -> float:
        """The same in seconds."""
        return self.ended_at - self.began_at

    def due(self) -> list[Sendable]:
        """The stage that is to be sent now; empty while one is not in blocks, and after the last."""
        if self._waiting or self._next == len(self.stages):
            return []
        stage = self.stages[self._next]
        self._next += 1
        self._waiting = {one.signed.hash for one in stage}
        return stage

    def take(self, hash_: str, block: Block) -> bool:
        """Notes that a transaction is in a block; True if it was the wave's last."""
        self._waiting.discard(hash_)
        if self._waiting or self._next < len(self.stages):
            return False
        self.ended_at, self.last_block = block.seen_at, block.number
        return True


def split(stages: Sequence[Sequence[Sendable]], size: int, count: int) -> list[Wave]:
    """Lives by number into `count` waves of `size`."""
    parts: list[list[list[Sendable]]] = [[[] for _ in stages] for _ in range(count)]
    for place, stage in enumerate(stages):
        for one in stage:
            parts[one.life // size][place].append(one)
    return [Wave(part) for part in parts]


def drive(ports: Sequence[int], waves: Sequence[Wave], at_once: int, limit: float) -> list[Block]:
    """Sends all waves.

    Args:
        ports: of the chain's nodes; a life's transactions all go to the same.
        waves: fresh ones.
        at_once: at most so many are under way.
        limit: seconds for which it is waited for a block that takes any of what was sent.

    Returns:
        The blocks that were seen meanwhile.

    Raises:
        NodeUnavailable: the chain failed, or took none within the limit.
    """
    seen: Queue[Block] = Queue()
    crew = _Crew(ports)
    with crew, BlockWatch(ports[0], seen.put) as watch:
        head = watch.head
        fresh = list(reversed(waves))
        under_way: list[Wave] = []
        owner: dict[str, Wave] = {}
        progress = time.monotonic()
        while fresh or under_way:
            if fresh and len(under_way) < at_once:
                wave = fresh.pop()
                wave.head, wave.began_at = head, time.monotonic()
                under_way.append(wave)
            for wave in under_way:
                stage = wave.due()
                owner.update((one.signed.hash, wave) for one in stage)
                crew.send(stage)
            block = _next(seen, watch, progress + limit)
            head = block.number
            for hash_ in block.hashes:
                if hash_ in owner:
                    progress = block.seen_at
                    wave = owner.pop(hash_)
                    if wave.take(hash_, block):
                        under_way.remove(wave)
        crew.check()
        return watch.blocks


def _next(seen: Queue[Block], watch: BlockWatch, deadline: float) -> Block:
    while time.monotonic() < deadline:
        if watch.failure is not None:
            raise watch.failure
        try:
            return seen.get(timeout=0.2)
        except Empty:
            continue
    raise NodeUnavailable("transactions were sent that no block takes")


class _Crew:
    """Threads that send, each over a connection of its own."""

    def __init__(self, ports: Sequence[int]) -> None:
        self._ports = ports
        self._pools = [ThreadPoolExecutor(SENDERS) for _ in ports]
        self._nodes: list[Queue[RpcNode]] = [Queue() for _ in ports]
        for port, nodes in zip(ports, self._nodes, strict=True):
            for _ in range(SENDERS):
                nodes.put(RpcNode(port))
        self._sent: list[Future[None]] = []

    def __enter__(self) -> _Crew:
        return self

    def __exit__(self, *_: object) -> None:
        for pool in self._pools:
            pool.shutdown(cancel_futures=True)
        for nodes in self._nodes:
            while not nodes.empty():
                nodes.get().close()

    def send(self, stage: Sequence[Sendable]) -> None:
        """Sends transactions, in batches."""
        for place, pool in enumerate(self._pools):
            ours = [one.signed.raw for one in stage if one.life % len(self._ports) == place]
            for start in range(0, len(ours), BATCH):
                self._sent.append(pool.submit(self._post, place, ours[start : start + BATCH]))

    def check(self) -> None:
        """Raises what went wrong when sending."""
        for one in self._sent:
            one.result()

    def _post(self, place: int, raw: Sequence[str]) -> None:
        node = self._nodes[place].get()
        try:
            node.post(encoded([("eth_sendRawTransaction", [one]) for one in raw]))
        finally:
            self._nodes[place].put(node)
