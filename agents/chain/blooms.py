"""The bloom of a block's header: proof that a block has no log of ours, and a hint that it may have one.

Three bits of 2,048 for the address and for each topic of each log (Ethereum's yellow paper, 4.3.1).
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache, reduce
from operator import or_

from eth_utils.crypto import keccak

from agents.chain.blocks import ListedLog

_BITS = 2048


@lru_cache(maxsize=2**14)
def bits_of(item: bytes) -> int:
    """The bits that an address or a topic sets, as a word."""
    digest = keccak(item)
    word = 0
    for place in (0, 2, 4):
        word |= 1 << int.from_bytes(digest[place : place + 2], "big") % _BITS
    return word


def bloom_of(logs: Iterable[ListedLog]) -> int:
    """The bloom of logs, as a word."""
    items = {item for log in logs for item in (log.address, *log.topics)}
    return reduce(or_, map(bits_of, items), 0)


def holds(bloom: int, bits: int) -> bool:
    """Whether all these bits are set."""
    return bloom & bits == bits


class OurBloom:
    """What a contract's events leave in a bloom.

    Args:
        address: of the contract, 20 bytes.
        topics: the first topic of each of its events, 32 bytes each.
    """

    def __init__(self, address: bytes, topics: Iterable[bytes]) -> None:
        self._address = bits_of(address)
        self._bits = {topic: self._address | bits_of(topic) for topic in topics}

    def served(self, bloom: int, topics: Iterable[bytes]) -> bool:
        """Whether a bloom holds an event of ours, with these topics, that its block has."""
        return holds(bloom, reduce(or_, map(bits_of, topics), self._address))

    def unexplained(self, bloom: int, logs: Iterable[ListedLog]) -> bool:
        """Whether a block may hold an event of ours of a kind that is not among these logs of it."""
        seen = {log.topics[0] for log in logs if log.topics}
        return any(holds(bloom, bits) for topic, bits in self._bits.items() if topic not in seen)
