"""The market as a node tells it: blocks, events and views."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar

from agents.chain.access import HttpAccess
from agents.chain.answers import data, quantity, to_hex
from agents.chain.blocks import BlockRef, Header, RawLog, header
from agents.chain.codec import Codec
from agents.chain.database import ChainDatabase
from agents.chain.deployment import Deployment
from agents.chain.endpoint import Endpoint
from agents.chain.market_logs import MarketLogs
from agents.chain.node import Node
from agents.chain.same_chain import SameChain
from agents.chain.spans import SpanReader
from agents.chain.transport import Provider
from agents.chain.views import View
from agents.core.errors import BadInput, BadLog, NodeUnavailable
from agents.core.events import Logged

__all__ = ["BlockRef", "MarketClient", "RawLog"]

T = TypeVar("T")

log = logging.getLogger(__name__)

TIMEOUT_SECONDS = 10.0
"""After which a request counts as unanswered."""
VIEWS_A_REQUEST = 100  # 0.8 M gas for a hundred couples; nodes allow a call at least a block's 30 M


class MarketClient:
    """The deployed market, read through a node.

    Attributes:
        deployment: where the market is.
        anchor: the block in which it was deployed: tells this chain from others of the same id.
        node: for requests that are not about the market as it stands.
        codec: the market's ABI.
        market_logs: the market's logs, not yet decoded.

    Raises:
        WrongNetwork: the node is of another chain, or has no contract at the market's address.
        NodeUnavailable: the node did not answer. So may every method.
    """

    def __init__(self, deployment: Deployment, node: Node, codec: Codec) -> None:
        self.deployment = deployment
        self.node = node
        self.codec = codec
        self.market_logs = MarketLogs(node, deployment.market, codec.topics)
        node.require(SameChain(deployment, alone=not node.several).require)
        self.anchor = self.require_block(deployment.block)

    @classmethod
    def connect(
        cls,
        rpc: str | Sequence[str],
        deployment: Deployment,
        timeout_seconds: float = TIMEOUT_SECONDS,
        access: HttpAccess | None = None,
    ) -> MarketClient:
        """Connects to a node by HTTP; a request that takes too long counts as unanswered.

        Args:
            rpc: its URL, or several by preference.
            deployment: where the market is.
            timeout_seconds: of each request.
            access: what is trusted, and the proxy.

        Raises:
            BadInput: a URL is none, or the deployment's ABI cannot be read.
        """
        try:
            codec = Codec(deployment.abi)
        except Exception as problem:  # noqa: BLE001  # libraries fail at a damaged ABI in many ways
            raise BadInput(
                f"the deployment's ABI cannot be read ({type(problem).__name__}): deploy the market anew"
            ) from None
        return cls(deployment, Node.connect(rpc, timeout_seconds, codec.refusal, access=access), codec)

    @classmethod
    def over(cls, provider: Provider, deployment: Deployment) -> MarketClient:
        """The same over any of web3's transports."""
        codec = Codec(deployment.abi)
        return cls(deployment, Node([Endpoint(provider, codec.refusal)]), codec)

    # --- blocks ---

    def head(self) -> BlockRef:
        """The last block."""
        return self.last_header().ref

    def last_header(self) -> Header:
        """The last block's header."""
        return header(self.node.ask("eth_getBlockByNumber", "latest", False))

    def header(self, number: int) -> Header | None:
        """The header of the block of this number, or None if the chain is shorter."""
        answer = self.node.ask("eth_getBlockByNumber", hex(number), False)
        return None if answer is None else _numbered(header(answer), number)

    def block(self, number: int) -> BlockRef | None:
        """The block of this number, or None if the chain is shorter."""
        found = self.header(number)
        return None if found is None else found.ref

    def require_block(self, number: int) -> BlockRef:
        """The block of this number.

        Raises:
            NodeUnavailable: there is none, or none any more.
        """
        found = self.block(number)
        if found is None:
            raise NodeUnavailable(f"the node has no block {number} (yet, or any more)")
        return found

    def coins(self, block: int | None = None) -> int:
        """The coins that the contract holds after a block (default: the last), in wei."""
        return quantity(self.node.ask("eth_getBalance", self.deployment.market, _tag(block)))

    # --- events ---

    def logs(self, first: int, last: int) -> list[Logged]:
        """The market's events from block ``first`` to block ``last``, both included, in the chain's order."""
        return list(self.readable(self.raw_logs(first, last)))

    def raw_logs(self, first: int, last: int) -> list[RawLog]:
        """The same, not decoded."""
        reader, found = SpanReader(self.market_logs), []
        while first <= last:
            listed, upto = reader.read(first, last)
            blocks = {number: self.require_block(number) for number in {one.number for one in listed}}
            if any(one.hash != blocks[one.number].hash for one in listed):
                raise NodeUnavailable("the chain changed while it was read")
            found += [one.at(blocks[one.number]) for one in listed]
            first = upto + 1
        return found

    def readable(self, logs: Iterable[RawLog]) -> Iterator[Logged]:
        """The messages in logs; a log that this version cannot read is left out and told."""
        for one in logs:
            try:
                yield self.decode(one)
            except BadLog as problem:
                log.warning("block %d, log %d is left out: %s", one.block.number, one.index, problem)

    def decode(self, one: RawLog) -> Logged:
        """The message in a log.

        Raises:
            BadLog: this version cannot read it.
        """
        return decoded(self.codec, one)

    # --- views ---

    def read(self, view: View[T], block: int | None = None) -> T:
        """What a view answers after a block (default: the last)."""
        return self.read_all([view], block)[0]

    def read_all(self, views: Sequence[View[T]], block: int | None = None) -> list[T]:
        """The answers of many views, a hundred a request: a node runs the market's `multicall` as a call."""
        parts = (views[start : start + VIEWS_A_REQUEST] for start in range(0, len(views), VIEWS_A_REQUEST))
        return [answer for part in parts for answer in self._read_part(part, block)]

    def _read_part(self, views: Sequence[View[T]], block: int | None) -> Iterator[T]:
        requests = [self.codec.request(view.function, view.arguments) for view in views]
        request = to_hex(self.codec.request("multicall", [requests]))
        answer = self.node.ask("eth_call", {"to": self.deployment.market, "data": request}, _tag(block))
        results = self.codec.result("multicall", data(answer), tuple[bytes, ...])
        if len(results) != len(views):
            raise NodeUnavailable("the node's answer has not as many results as were asked for")
        return (
            self.codec.result(view.function, result, view.hint)
            for view, result in zip(views, results, strict=True)
        )

    # --- checks ---

    def claim(self, database: ChainDatabase) -> None:
        """Makes a database that of this market on this chain.

        Raises:
            BadInput: it is another's.
        """
        place = f"{self.deployment.market} of block 0x{self.anchor.hash.hex()[:16]}"
        database.claim("market", f"{place} on chain {self.deployment.chain_id}")

    def require_same_chain(self) -> None:
        """Makes sure that the node still has the chain that it had at first.

        Raises:
            NodeUnavailable: it seems to have another, and has had it for less than a minute.
            WrongNetwork: it was started anew, or is another one.
        """
        self.node.doubt()
        self.node.ask("eth_chainId")


def _numbered(found: Header, number: int) -> Header:
    if found.number != number:
        raise NodeUnavailable(f"the node gave block {found.number} for block {number}")
    return found


def _tag(block: int | None) -> str:
    return "latest" if block is None else hex(block)


def decoded(codec: Codec, one: RawLog) -> Logged:
    """The message in a log.

    Raises:
        BadLog: this version cannot read it.
    """
    block = one.block
    event = codec.event(one.topics, one.data)
    return Logged(event, block.number, block.hash, block.timestamp, one.index, one.transaction)
