"""Whether the market's state is what it was, by two requests however many blocks there are between.

A node proves the root of a contract's storage (``eth_getProof``, EIP-1186). While it is the same, nothing was
registered, offered, paid, reported or settled. What leaves the root as it was, a deposit that was withdrawn
again, comes late, when the blocks are read after all. Where the root of all accounts is the same, not even
the proof is asked for.
"""

from __future__ import annotations

from agents.chain.answers import HASH_BYTES, NodeRefused, data, field, to_hex
from agents.chain.blocks import BlockRef, Header
from agents.chain.node import Node
from agents.core.ids import Address

_PATIENCE = 3
"""Refusals in a row, after which a URL is not asked for proofs any more."""

_NOTHING = bytes(HASH_BYTES)


class Stillness:
    """The storage root after the last block that was read.

    Args:
        node: is asked.
        market: the contract's address.
    """

    def __init__(self, node: Node, market: Address) -> None:
        self._node = node
        self._market = market
        self._block = self._root = b""
        self._state: bytes | None = None
        self._refusals: dict[str, int] = {}
        self._by_number: set[str] = set()

    def holds(self, read: BlockRef, tip: Header) -> bool:
        """Whether the storage after ``tip`` is that after ``read``; not, if the node proves nothing.

        Raises:
            NodeUnavailable: the node did not answer.
        """
        if read.hash != self._block:
            self._root, self._state = self._proven(read), None
            self._block = read.hash if self._root else b""
        if not self._root:
            return False
        if self._state and tip.state == self._state:
            return True
        if self._proven(tip.ref) != self._root:
            return False
        self._state = None if tip.state == _NOTHING else tip.state
        return True

    def moved(self, read: BlockRef) -> None:
        """The same holds of a later block, which is the last one read now."""
        self._block = read.hash

    def forget(self) -> None:
        """The root says nothing: events came where it was the same."""
        self._refusals[self._node.serving.key] = _PATIENCE
        self._block = b""

    def _proven(self, block: BlockRef) -> bytes:
        """The storage root after a block; nothing if the node does not prove it."""
        key = self._node.serving.key
        if self._refusals.get(key, 0) >= _PATIENCE:
            return b""
        try:
            root = self._asked(key, block)
        except NodeRefused:
            self._refusals[key] = self._refusals.get(key, 0) + 1
            return b""
        self._refusals[key] = 0
        return b"" if root == _NOTHING else root

    def _asked(self, key: str, block: BlockRef) -> bytes:
        """By the block's hash, or by its number where a node does not take that."""
        if key not in self._by_number:
            try:
                return self._storage({"blockHash": to_hex(block.hash)})
            except NodeRefused:
                root = self._storage(hex(block.number))
                self._by_number.add(key)
                return root
        return self._storage(hex(block.number))

    def _storage(self, block: object) -> bytes:
        proof = self._node.ask("eth_getProof", self._market, [], block)
        return data(field(proof, "storageHash"), HASH_BYTES)
