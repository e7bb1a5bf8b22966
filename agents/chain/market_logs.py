"""The market's logs, as one node lists them, in each of the ways in which it can be asked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from agents.chain.answers import HASH_BYTES, NodeRefused, data, field, from_hex, many, to_hex
from agents.chain.blocks import Header, ListedLog, in_order, listed_logs
from agents.chain.node import Node
from agents.core.errors import NodeUnavailable
from agents.core.ids import Address

Ask = Callable[..., Any]
"""`Node.ask`, or `Node.ask_another`."""


class MarketLogs:
    """Lists the logs of one contract.

    Args:
        node: is asked.
        market: the contract's address.
        topics: the first topic of each of its events, 32 bytes each.

    Raises:
        NodeUnavailable: the node did not answer, or not with a list of logs as a node gives it. So may every
            method.
    """

    def __init__(self, node: Node, market: Address, topics: tuple[bytes, ...]) -> None:
        self._node = node
        self._market = market
        self._topics = topics

    @property
    def address(self) -> bytes:
        """The contract's address, 20 bytes."""
        return from_hex(self._market)

    @property
    def key(self) -> str:
        """Tells the URL that is asked at present from others."""
        return self._node.serving.key

    def between(self, first: int, last: int, ask: Ask | None = None) -> list[ListedLog]:
        """Those from block ``first`` to block ``last``, both included, in the order of the chain.

        Raises:
            NodeRefused: the node will not say so much at once, or has no block of these numbers.
        """
        return self._ours(self._between(first, last, ask or self._node.ask), first, last)

    def of_hash(self, block: bytes) -> list[ListedLog]:
        """All logs of one block, those of other contracts too.

        Raises:
            NodeRefused: the node does not list them so.
        """
        found = listed_logs(self._node.ask("eth_getLogs", {"blockHash": to_hex(block)}))
        return [log for log in found if log.hash == block]

    def of_receipts(self, header: Header) -> list[ListedLog] | None:
        """All logs of one block by its receipts; None if the node does not show them, or not all of them.

        Receipts are numbered with the block's transactions, so that one that is left out is missed.
        """
        try:
            answer = self._node.ask("eth_getBlockReceipts", to_hex(header.hash))
        except NodeRefused:
            return None
        if answer is None or header.transactions is None or len(many(answer)) != header.transactions:
            return None
        if any(data(field(receipt, "blockHash"), HASH_BYTES) != header.hash for receipt in answer):
            return None
        return listed_logs([log for receipt in answer for log in many(field(receipt, "logs"))])

    def of_one_block(self, number: int) -> list[ListedLog]:
        """Those of one block whose logs are refused by its number: by its hash, else one topic at a time."""
        block = self._node.ask("eth_getBlockByNumber", hex(number), False)
        if block is None:
            raise NodeUnavailable(f"the node has no block {number}")
        query = {"address": self._market, "blockHash": field(block, "hash")}
        try:
            return self._ours(listed_logs(self._node.ask("eth_getLogs", query)), number, number)
        except NodeRefused:
            by_topic = (self._between(number, number, self._node.ask, topic) for topic in self._topics)
            return self._ours([log for found in by_topic for log in found], number, number)

    def _between(self, first: int, last: int, ask: Ask, topic: bytes | None = None) -> list[ListedLog]:
        query: dict[str, object] = {
            "address": self._market,
            "fromBlock": hex(first),
            "toBlock": hex(last),
        }
        if topic is not None:
            query["topics"] = [to_hex(topic)]
        return listed_logs(ask("eth_getLogs", query))

    def _ours(self, found: list[ListedLog], first: int, last: int) -> list[ListedLog]:
        """The contract's own.

        Raises:
            NodeUnavailable: a log is of a block that was not asked for.
        """
        if any(not first <= log.number <= last for log in found):
            raise NodeUnavailable("the node's answer has logs of blocks that were not asked for")
        return in_order(log for log in found if log.address == self.address)
