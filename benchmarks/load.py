"""Open-loop load: transactions are sent when they are due, whatever the node answers.

So a node that stalls is charged with the time for which transactions waited to be sent: latency runs from the
moment at which a transaction was due to the moment at which we saw it in a block.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from threading import Thread

from agents.core.errors import NodeUnavailable
from agents.core.ids import Address
from benchmarks.profile import Json
from benchmarks.rpc import BATCH, Request, RpcNode, encoded
from benchmarks.signing import RawTransaction
from benchmarks.statistics import percentile
from benchmarks.watch import Block, BlockWatch

TICK_SECONDS = 0.025
SENDERS = 2
"""Threads for each node; an account's transactions are all sent by one of them."""


@dataclass(frozen=True, slots=True)
class TimedBatch:
    """Transactions that are sent together.

    Attributes:
        due: when, in seconds from the beginning.
        first: number of its first transaction; `last` is not in it.
    """

    due: float
    first: int
    last: int


def schedule(count: int, rate: float, tick: float = TICK_SECONDS, most: int = BATCH) -> list[TimedBatch]:
    """When to send `count` transactions at `rate` a second.

    The i-th is due at i / rate. A tick's worth is sent at once, at the end of the tick; never early.
    """
    if count < 0 or rate <= 0:
        raise ValueError(f"no schedule of {count} transactions at {rate} a second")
    size = min(max(int(rate * tick), 1), most)
    return [
        TimedBatch((min(first + size, count) - 1) / rate, first, min(first + size, count))
        for first in range(0, count, size)
    ]


@dataclass(frozen=True, slots=True)
class LoadOutcome:
    """What became of transactions that were sent at a rate.

    Attributes:
        rate: at which they were due, a second.
        sent: how many.
        succeeded: in a block, and the market logged an event of it: every one of its calls does.
        reverted: in a block, and reverted.
        latencies: of those in a block, in seconds.
        seconds: from the first one's due time to when the last block with one of them was seen.
        sending_seconds: from the first one's due time to when the node had answered the last batch.
        gas: that they used, all together.
    """

    rate: float
    sent: int
    succeeded: int
    reverted: int
    latencies: tuple[float, ...]
    seconds: float
    sending_seconds: float
    gas: int

    @property
    def throughput(self) -> float:
        """Successful transactions a second, as Hyperledger Caliper counts."""
        return self.succeeded / self.seconds if self.succeeded else 0.0

    def json(self) -> dict[str, Json]:
        """For the report; times in seconds."""
        figures: dict[str, Json] = {
            "send_rate": self.rate,
            "sent": self.sent,
            "sent_a_second": round(self.sent / self.sending_seconds, 1),
            "succeeded": self.succeeded,
            "reverted": self.reverted,
            "lost": self.sent - self.succeeded - self.reverted,
            "throughput": round(self.throughput, 1),
        }
        if self.latencies:
            figures["latency"] = {
                "mean": round(sum(self.latencies) / len(self.latencies), 3),
                "p50": round(percentile(self.latencies, 0.5), 3),
                "p95": round(percentile(self.latencies, 0.95), 3),
                "p99": round(percentile(self.latencies, 0.99), 3),
            }
            figures["gas"] = self.gas // len(self.latencies)
        return figures


def send(
    ports: Sequence[int], market: Address, transactions: Sequence[RawTransaction], rate: float, limit: float
) -> LoadOutcome:
    """Sends transactions at a rate, and waits until all are in blocks.

    Args:
        ports: of the nodes that take them in turn.
        market: that they call; nobody else sends anything meanwhile.
        transactions: at least one.
        rate: a second.
        limit: how long to wait for the last, in seconds.

    Raises:
        NodeUnavailable: the node failed.
    """
    batches = schedule(len(transactions), rate)
    bodies = [
        encoded([("eth_sendRawTransaction", [signed.raw]) for signed in transactions[one.first : one.last]])
        for one in batches
    ]
    senders = SENDERS * len(ports)
    with BlockWatch(ports[0]) as watch:
        began = time.monotonic() + TICK_SECONDS
        crew = [
            _Sender(ports[place % len(ports)], began, list(zip(batches, bodies, strict=True))[place::senders])
            for place in range(senders)
        ]
        for sender in crew:
            sender.start()
        for sender in crew:
            sender.join()
        finished = time.monotonic()
        watch.await_all([signed.hash for signed in transactions], limit)
        failure = watch.failure or next((sender.failure for sender in crew if sender.failure), None)
        if failure is not None:
            raise failure
    return _outcome(transactions, rate, began, finished, watch, logged(ports[0], market, watch.blocks))


def logged(port: int, market: Address, blocks: Sequence[Block], topic: str | None = None) -> list[str]:
    """The transactions whose events a market logged in blocks, one for each event: what reverts logs nothing.

    Receipts would tell it, too, but to give one some nodes walk all of its block.

    Args:
        port: of a node.
        market: the market.
        blocks: in which to look.
        topic: of the only event to look for; any if there is none.
    """
    asked: list[Request] = []
    for number in (hex(block.number) for block in blocks if block.hashes):
        events = {"fromBlock": number, "toBlock": number, "address": market}
        asked.append(("eth_getLogs", [events if topic is None else events | {"topics": [topic]}]))
    with RpcNode(port) as node:
        return [event["transactionHash"] for found in node.ask_all(asked, batch=1) for event in found]


def _outcome(
    transactions: Sequence[RawTransaction],
    rate: float,
    began: float,
    finished: float,
    watch: BlockWatch,
    good: Sequence[str],
) -> LoadOutcome:
    mined = [
        (place, signed.hash, watch.mined[signed.hash])
        for place, signed in enumerate(transactions)
        if signed.hash in watch.mined
    ]
    succeeded = len({hash_ for _, hash_, _ in mined} & set(good))
    return LoadOutcome(
        rate=rate,
        sent=len(transactions),
        succeeded=succeeded,
        reverted=len(mined) - succeeded,
        latencies=tuple(block.seen_at - began - place / rate for place, _, block in mined),
        seconds=max((block.seen_at for _, _, block in mined), default=finished) - began,
        sending_seconds=finished - began,
        gas=sum(block.gas_used for block in watch.blocks),
    )


class _Sender(Thread):
    """Sends its share of the batches, each when it is due."""

    def __init__(self, port: int, began: float, share: Sequence[tuple[TimedBatch, bytes]]) -> None:
        super().__init__(daemon=True)
        self.failure: NodeUnavailable | None = None
        self._node = RpcNode(port)
        self._began = began
        self._share = share

    def run(self) -> None:
        try:
            for batch, body in self._share:
                time.sleep(max(self._began + batch.due - time.monotonic(), 0))
                self._node.post(body)
        except NodeUnavailable as failure:
            self.failure = failure
        finally:
            self._node.close()
