"""Who reads events as a runner does, with all that there was to read."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any

from agents.chain.client import MarketClient
from agents.chain.codec import Codec
from agents.chain.database import ChainDatabase
from agents.chain.deployment import Deployment
from agents.chain.endpoint import Endpoint
from agents.chain.evidence import Means
from agents.chain.history import EventStream
from agents.chain.node import Node
from agents.core.errors import NodeUnavailable
from agents.core.events import Deposited, Withdrawn
from agents.core.ids import Address
from testing.events_as_logs import as_log
from testing.faults import Fault, WireFaultError, before
from tests.agents.chain.conftest import Clock
from tests.agents.chain.stub_node import Pooled, StubBlock, StubNode

ALICE = Address("0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266")


class Behind:
    """A node with faults before it; what goes wrong on the wire is a connection that breaks."""

    def __init__(self, node: StubNode, faults: Sequence[Fault], seed: int = 0) -> None:
        self.node = node
        self.broken = True
        self._forward = before(node.make_request, faults, Random(seed))

    def make_request(self, method: str, params: Any) -> Any:
        if not self.broken:
            return self.node.make_request(method, params)
        try:
            return self._forward(method, list(params))
        except WireFaultError as fault:
            raise ConnectionError("http://user:password@secret/") from fault


class Reader:
    """What a runner does, with all that it saw and what there was."""

    def __init__(self, stream: EventStream, node: StubNode, abi: Sequence[dict[str, Any]]) -> None:
        self.stream, self.node, self.abi = stream, node, abi
        self.seen = list(stream.replay())
        self.told = self.amounts
        self.rollbacks = self.gap = 0

    def mine(self, count: int) -> StubBlock:
        """A block with so many events, of two kinds in turn, and as many transactions."""
        events = []
        for _ in range(count):
            self.told.append(len(self.told) + 1)
            kind = Deposited if len(self.told) % 2 else Withdrawn
            events.append(as_log(self.abi, kind(ALICE, self.told[-1])))
        self.node.pool += [_pooled(self.node, len(self.told), place) for place in range(count)]
        return self.node.mine(*events)

    def read(self) -> None:
        """Polls until nothing more can be had now."""
        try:
            while True:
                batch = self.stream.poll()
                self.seen = list(self.stream.replay()) if batch.rolled_back else [*self.seen, *batch.events]
                self.rollbacks += batch.rolled_back
                self.gap = batch.gap
                if not batch.behind:
                    return
        except NodeUnavailable:
            return

    @property
    def amounts(self) -> list[int]:
        assert self.seen == list(self.stream.replay()), "what was delivered is what is stored"
        return [logged.event.amount for logged in self.seen]  # type: ignore[union-attr]


def connect(
    deployment: Deployment, codec: Codec, clock: Clock, *providers: Behind | StubNode
) -> MarketClient:
    """A client of one URL or several."""
    endpoints = [
        Endpoint(provider, codec.refusal, f"the node {place}") for place, provider in enumerate(providers)
    ]
    return MarketClient(deployment, Node(endpoints, clock, lambda: 0.5), codec)


def reader_behind(
    behind: Behind,
    deployment: Deployment,
    codec: Codec,
    clock: Clock,
    means: Means = "auto",
    database: ChainDatabase | None = None,
) -> Reader:
    """Reads through faults, which begin once it is connected."""
    behind.broken = False
    client = connect(deployment, codec, clock, behind)
    stream = EventStream(client, database or ChainDatabase(":memory:"), means=means, clock=clock)
    behind.broken = True
    return Reader(stream, behind.node, deployment.abi)


def _pooled(node: StubNode, number: int, place: int) -> Pooled:
    """A transaction for an event to be of."""
    hash_ = "0x" + (number << 8 | place).to_bytes(32, "big").hex()
    return Pooled(hash_, f"sender {number} {place}", 0, b"", 0, node.market, node.base_fee, 0)
