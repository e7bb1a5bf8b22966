"""The market as a node tells it: blocks, events and views."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from agents.chain.codec import Codec
from agents.chain.database import ChainDatabase
from agents.chain.deployment import Deployment
from agents.chain.node import Node, Provider, from_hex, to_hex
from agents.chain.views import View
from agents.core.errors import NodeUnavailable, WrongNetwork
from agents.core.events import Logged

T = TypeVar("T")

VIEWS_A_REQUEST = 100  # 0.8 M gas for a hundred couples; nodes allow a call at least a block's 30 M


@dataclass(frozen=True, slots=True)
class BlockRef:
    """A block: its number, its hash (32 bytes) and its time in seconds."""

    number: int
    hash: bytes
    timestamp: int


@dataclass(frozen=True, slots=True)
class RawLog:
    """An event as the chain holds it; see `agents.core.events.Logged`."""

    block: BlockRef
    index: int
    transaction: bytes
    topics: tuple[bytes, ...]
    data: bytes


class MarketClient:
    """The deployed market, read through one node.

    Attributes:
        deployment: where the market is.
        anchor: the block in which it was deployed: tells this chain from others of the same id.
        node: for requests that are not about the market as it stands.
        codec: the market's ABI.

    Raises:
        WrongNetwork: the node is of another chain, or has no contract at the market's address.
        NodeUnavailable: the node did not answer. So may every method.
    """

    def __init__(self, deployment: Deployment, node: Node, codec: Codec) -> None:
        self.deployment = deployment
        self.node = node
        self.codec = codec
        self._require_chain_id()
        anchor = self.block(deployment.block)
        if anchor is None:
            raise WrongNetwork(
                f"the chain has no block {deployment.block}, in which the market was deployed: "
                "if it was started anew, deploy again"
            )
        self.anchor = anchor
        self._require_contract()

    @classmethod
    def connect(cls, rpc_url: str, deployment: Deployment, timeout_seconds: float = 10.0) -> MarketClient:
        """Connects to a node by HTTP; a request that takes longer than the timeout counts as unanswered.

        Raises:
            BadInput: the URL is none.
        """
        codec = Codec(deployment.abi)
        return cls(deployment, Node.connect(rpc_url, timeout_seconds, codec.refusal), codec)

    @classmethod
    def over(cls, provider: Provider, deployment: Deployment) -> MarketClient:
        """The same over any of web3's transports."""
        codec = Codec(deployment.abi)
        return cls(deployment, Node(provider, codec.refusal), codec)

    # --- blocks ---

    def head(self) -> BlockRef:
        """The last block."""
        return self._require_block("eth_getBlockByNumber", "latest")

    def block(self, number: int) -> BlockRef | None:
        """The block of this number, or None if the chain is shorter."""
        answer = self.node.ask("eth_getBlockByNumber", hex(number), False)
        return None if answer is None else _block(answer)

    def require_block(self, number: int) -> BlockRef:
        """The block of this number.

        Raises:
            NodeUnavailable: there is none, or none any more.
        """
        return self._require_block("eth_getBlockByNumber", hex(number))

    def coins(self, block: int | None = None) -> int:
        """The coins that the contract holds after a block (default: the last), in wei."""
        return int(self.node.ask("eth_getBalance", self.deployment.market, _tag(block)), 16)

    # --- events ---

    def logs(self, first: int, last: int) -> list[Logged]:
        """The market's events from block ``first`` to block ``last``, both included, in the chain's order."""
        return [self.decode(log) for log in self.raw_logs(first, last)]

    def raw_logs(self, first: int, last: int) -> list[RawLog]:
        """The same, not decoded.

        Raises:
            NodeRefused: the node will not say so much at once, or has no block of these numbers.
        """
        query = {"address": self.deployment.market, "fromBlock": hex(first), "toBlock": hex(last)}
        answer = self.node.ask("eth_getLogs", query)
        blocks: dict[bytes, BlockRef] = {}
        return sorted(
            (self._raw_log(entry, blocks) for entry in answer), key=lambda log: (log.block.number, log.index)
        )

    def decode(self, log: RawLog) -> Logged:
        """The message in a log."""
        event = self.codec.event(log.topics, log.data)
        block = log.block
        return Logged(event, block.number, block.hash, block.timestamp, log.index, log.transaction)

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
        data = to_hex(self.codec.request("multicall", [requests]))
        answer = self.node.ask("eth_call", {"to": self.deployment.market, "data": data}, _tag(block))
        results = self.codec.result("multicall", from_hex(answer), tuple[bytes, ...])
        return (
            self.codec.result(view.function, data, view.hint)
            for view, data in zip(views, results, strict=True)
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
            WrongNetwork: it was started anew, or is another one.
        """
        if self.block(self.anchor.number) != self.anchor:
            raise WrongNetwork(
                "the chain has lost the block in which the market was deployed: it was started anew, or is "
                "another one; deploy again and begin with new databases"
            )

    def _require_chain_id(self) -> None:
        chain_id = int(self.node.ask("eth_chainId"), 16)
        if chain_id != self.deployment.chain_id:
            raise WrongNetwork(
                f"the node is of chain {chain_id}, the deployment of chain {self.deployment.chain_id}: "
                "use the node or the deployment that goes with the other"
            )

    def _require_contract(self) -> None:
        if self.node.ask("eth_getCode", self.deployment.market, "latest") in ("0x", "0x0"):
            raise WrongNetwork(
                f"there is no contract at {self.deployment.market}: "
                "if the chain was started anew, deploy again"
            )

    def _require_block(self, method: str, which: str) -> BlockRef:
        answer = self.node.ask(method, which, False)
        if answer is None:
            raise NodeUnavailable(f"the node has no block {which}: the chain changed while it was read")
        return _block(answer)

    def _raw_log(self, entry: dict[str, Any], blocks: dict[bytes, BlockRef]) -> RawLog:
        block_hash = from_hex(entry["blockHash"])
        if block_hash not in blocks:
            # by its hash: of a block that a re-org has just taken away we must not learn the successor's time
            blocks[block_hash] = self._require_block("eth_getBlockByHash", entry["blockHash"])
        topics = tuple(map(from_hex, entry["topics"]))
        index, transaction = int(entry["logIndex"], 16), from_hex(entry["transactionHash"])
        return RawLog(blocks[block_hash], index, transaction, topics, from_hex(entry["data"]))


def _block(answer: dict[str, Any]) -> BlockRef:
    return BlockRef(int(answer["number"], 16), from_hex(answer["hash"]), int(answer["timestamp"], 16))


def _tag(block: int | None) -> str:
    return "latest" if block is None else hex(block)
