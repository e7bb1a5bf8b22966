"""Models per second: whole lives of models, many at a time (the paper's headline, III-B and III-D).

Waves of lives begin one after the other, one with each block. A wave's next stage is sent once its last one
is in a block: whoever answers another's act has seen it. So about as many waves are under way as a life has
stages, and a chain that is too slow takes its time: nothing is sent ahead of what it can hold.

The rate is taken while the chain is full: from the last wave of the warm-up to the last wave that is counted,
with more waves behind it.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from queue import Empty, Queue

from agents.core.errors import NodeUnavailable
from benchmarks.crew import Sendable, addresses, sign_all
from benchmarks.nodes.network import Network
from benchmarks.profile import Json
from benchmarks.rpc import BATCH, Node, encoded
from benchmarks.site import Site, Treasury
from benchmarks.statistics import percentile
from benchmarks.usage import Meter, Usage
from benchmarks.watch import Block, Watch

STAGES = 8
SENDERS = 2
"""Threads for each node."""


@dataclass(slots=True)
class Wave:
    """Lives that begin together.

    Attributes:
        stages: the transactions still to be sent, by stage.
        waiting: hashes of those that were sent and are in no block yet.
        began_at: when its first transaction was sent.
        first_block: number of the block before which it began: the head at that time.
        ended_at: when its last transaction was seen in a block; `last_block` is that block.
    """

    stages: list[list[Sendable]]
    waiting: set[str] = field(default_factory=set)
    began_at: float = 0.0
    head: int = 0
    ended_at: float = 0.0
    last_block: int = 0

    @property
    def lives(self) -> int:
        """How many lives are in it."""
        return len({one.life for stage in self.stages for one in stage})

    @property
    def blocks(self) -> int:
        """How many blocks passed from its beginning to its end: what a model waits for the chain."""
        return self.last_block - self.head

    @property
    def seconds(self) -> float:
        """The same in seconds."""
        return self.ended_at - self.began_at


@dataclass(frozen=True, slots=True)
class Run:
    """What one measurement found.

    Attributes:
        lives: counted, the warm-up and what came behind left out.
        rate: models a second while the chain was full.
        overall_rate: all models over all the time, filling and emptying included.
        blocks: of each counted wave, see `Wave.blocks`.
        seconds: of each counted wave.
        gas: of each life of all waves.
        transactions: of each life.
        failed: transactions that reverted.
        block_seconds: mean time between blocks while the chain was full.
        gas_a_second: mean, while the chain was full.
    """

    lives: int
    rate: float
    overall_rate: float
    blocks: tuple[int, ...]
    seconds: tuple[float, ...]
    gas: tuple[int, ...]
    transactions: int
    failed: int
    block_seconds: float
    gas_a_second: float
    usage: Usage

    def json(self) -> dict[str, Json]:
        """For the report."""
        return {
            "lives": self.lives,
            "models_per_second": round(self.rate, 2),
            "models_per_second_overall": round(self.overall_rate, 2),
            "delay_blocks": percentile(self.blocks, 0.5),
            "delay_blocks_most": max(self.blocks),
            "delay_seconds": round(percentile(self.seconds, 0.5), 2),
            "transactions_per_model": self.transactions,
            "gas_per_model": percentile(self.gas, 0.5),
            "gas_per_model_least": min(self.gas),
            "gas_per_model_most": max(self.gas),
            "failed_transactions": self.failed,
            "block_seconds": round(self.block_seconds, 3),
            "megagas_a_second": round(self.gas_a_second / 1e6, 1),
            **self.usage.json(),
        }


def run(network: Network, treasury: Treasury, site: Site, size: int, waves: int, label: str) -> Run:
    """Measures waves of `size` lives.

    Args:
        network: the chain.
        treasury: pays the members.
        site: the market on it.
        size: lives that begin with a block.
        waves: that are counted; as many as fill the chain go before and behind.
        label: names the lives: another one each time.

    Raises:
        NodeUnavailable: the node failed, or a wave came to no end.
    """
    names = [f"{label} {number}" for number in range(size * (waves + 2 * STAGES))]
    treasury.endow(addresses(names))
    whole = [
        Wave([[one for one in stage if one.life // size == number] for stage in stages])
        for stages in [sign_all(site, names, joined=True)]
        for number in range(waves + 2 * STAGES)
    ]
    lives = [wave.lives for wave in whole]
    hashes = [[one.signed.hash for stage in wave.stages for one in stage] for wave in whole]
    owners = {
        one.signed.hash: (w, one.life) for w, wave in enumerate(whole) for s in wave.stages for one in s
    }
    with Meter(network.groups) as meter:
        blocks = _drive(network, whole)
    ports = network.ports
    every = [hash_ for wave in hashes for hash_ in wave]
    receipts = Node(ports[0]).ask_all([("eth_getTransactionReceipt", [hash_]) for hash_ in every])
    gas: dict[int, int] = {}
    for hash_, receipt in zip(every, receipts, strict=True):
        gas[owners[hash_][1]] = gas.get(owners[hash_][1], 0) + int(receipt["gasUsed"], 16)
    full, counted = whole[STAGES - 1], whole[STAGES : STAGES + waves]
    window = counted[-1].ended_at - full.ended_at
    inside = [block for block in blocks if full.ended_at < block.seen_at <= counted[-1].ended_at]
    return Run(
        lives=sum(lives[STAGES : STAGES + waves]),
        rate=sum(lives[STAGES : STAGES + waves]) / window,
        overall_rate=sum(lives) / (max(wave.ended_at for wave in whole) - whole[0].began_at),
        blocks=tuple(wave.blocks for wave in counted),
        seconds=tuple(wave.seconds for wave in counted),
        gas=tuple(gas.values()),
        transactions=len(every) // len(names),
        failed=sum(int(receipt["status"], 16) != 1 for receipt in receipts),
        block_seconds=window / len(inside),
        gas_a_second=sum(block.gas_used for block in inside) / window,
        usage=meter.usage,
    )


def _drive(network: Network, waves: Sequence[Wave], limit: float = 60.0) -> list[Block]:
    """Sends all waves, and returns the blocks that were seen.

    Raises:
        NodeUnavailable: the node failed, or no block took any of what was sent for `limit` seconds.
    """
    seen: Queue[Block] = Queue()
    ports = network.ports
    owner: dict[str, Wave] = {}
    begun = 0
    under_way: list[Wave] = []
    progress = time.monotonic()
    pool = ThreadPoolExecutor(SENDERS * len(ports))
    nodes = _Nodes(ports)
    with pool, Watch(ports[0], seen.put) as watch:
        ready = Node(ports[0])
        head = int(ready.ask("eth_blockNumber"), 16)
        sent: list[Future[None]] = []
        while True:
            if begun < len(waves) and len(under_way) < 2 * STAGES:
                fresh = waves[begun]
                fresh.head, fresh.began_at = head, time.monotonic()
                under_way.append(fresh)
                begun += 1
            for wave in under_way:
                if not wave.waiting and wave.stages:
                    stage = wave.stages.pop(0)
                    wave.waiting = {one.signed.hash for one in stage}
                    owner.update(dict.fromkeys(wave.waiting, wave))
                    sent += [pool.submit(nodes.post, *share) for share in _shares(stage, len(ports))]
            if not under_way:
                break
            block = _next(seen, watch, progress + limit)
            head = block.number
            for hash_ in block.hashes:
                took = owner.pop(hash_, None)
                if took is not None:
                    progress = block.seen_at
                    took.waiting.discard(hash_)
                    if not took.waiting and not took.stages:
                        took.ended_at, took.last_block = block.seen_at, block.number
                        under_way.remove(took)
        for one in sent:
            one.result()
        return watch.blocks


def _next(seen: Queue[Block], watch: Watch, deadline: float) -> Block:
    while time.monotonic() < deadline:
        if watch.failure is not None:
            raise watch.failure
        try:
            return seen.get(timeout=0.5)
        except Empty:
            continue
    raise NodeUnavailable("transactions were sent that no block takes")


def _shares(stage: Sequence[Sendable], nodes: int) -> list[tuple[int, bytes]]:
    """A stage as batches, each for one node; a life's transactions all go to the same."""
    shares = []
    for place in range(nodes):
        ours = [one for one in stage if one.life % nodes == place]
        for start in range(0, len(ours), BATCH):
            batch = ours[start : start + BATCH]
            shares.append((place, encoded([("eth_sendRawTransaction", [one.signed.raw]) for one in batch])))
    return shares


class _Nodes:
    """Connections to take and give back; threads share them, one at a time."""

    def __init__(self, ports: Sequence[int]) -> None:
        self._free: list[Queue[Node]] = []
        for port in ports:
            queue: Queue[Node] = Queue()
            for _ in range(SENDERS):
                queue.put(Node(port))
            self._free.append(queue)

    def post(self, place: int, body: bytes) -> None:
        node = self._free[place].get()
        try:
            node.post(body)
        finally:
            self._free[place].put(node)
