"""Blocks and logs as a node tells them, and what in them can be checked."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from agents.chain.answers import HASH_BYTES, data, field, many, quantity
from agents.core.errors import NodeUnavailable

BLOOM_BYTES = 256
_ADDRESS_BYTES = 20
_MOST_TOPICS = 4


@dataclass(frozen=True, slots=True)
class BlockRef:
    """A block: its number, its hash (32 bytes) and its time in seconds."""

    number: int
    hash: bytes
    timestamp: int


@dataclass(frozen=True, slots=True)
class Header:
    """A block and what ties it to others.

    Attributes:
        parent: hash of the block before it, 32 bytes.
        bloom: of the addresses and topics of its logs, as a word of 2,048 bits.
        state: root of all accounts after it, 32 bytes.
        transactions: how many it has. None, as for bloom and state, if the node does not say.
    """

    ref: BlockRef
    parent: bytes
    bloom: int | None
    transactions: int | None
    state: bytes | None = None

    @property
    def number(self) -> int:
        """See `BlockRef`."""
        return self.ref.number

    @property
    def hash(self) -> bytes:
        """See `BlockRef`."""
        return self.ref.hash


@dataclass(frozen=True, slots=True)
class RawLog:
    """An event as the chain holds it; see `agents.core.events.Logged`."""

    block: BlockRef
    index: int
    transaction: bytes
    topics: tuple[bytes, ...]
    data: bytes


@dataclass(frozen=True, slots=True)
class ListedLog:
    """A log as a node lists it, by whatever contract.

    Attributes:
        address: of the contract, 20 bytes.
        timestamp: of the block, in seconds; None if the node does not say.
    """

    address: bytes
    number: int
    hash: bytes
    index: int
    transaction: bytes
    topics: tuple[bytes, ...]
    data: bytes
    timestamp: int | None = None

    @property
    def place(self) -> tuple[bytes, int]:
        """What no two logs share: hash of the block, and index in it."""
        return self.hash, self.index

    def at(self, block: BlockRef) -> RawLog:
        """The same, of a block whose time is known."""
        return RawLog(block, self.index, self.transaction, self.topics, self.data)


def block_ref(answer: object) -> BlockRef:
    """A block of a node's answer.

    Raises:
        NodeUnavailable: it is none; a block that is still being made has no hash. So may all here.
    """
    return BlockRef(
        quantity(field(answer, "number")),
        data(field(answer, "hash"), HASH_BYTES),
        quantity(field(answer, "timestamp")),
    )


def header(answer: object) -> Header:
    """A block's header in a node's answer."""
    bloom, transactions = _optional(answer, "logsBloom"), _optional(answer, "transactions")
    state = _optional(answer, "stateRoot")
    return Header(
        block_ref(answer),
        data(field(answer, "parentHash"), HASH_BYTES),
        None if bloom is None else int.from_bytes(data(bloom, BLOOM_BYTES), "big"),
        None if transactions is None else len(many(transactions)),
        None if state is None else data(state, HASH_BYTES),
    )


def listed_logs(answer: object) -> list[ListedLog]:
    """The logs of a node's answer that are in a block, each once, in the order of the chain.

    Left out are those that are pending (without block or index) and those that a re-org took away.

    Raises:
        NodeUnavailable: the answer is no list of logs, or has two that differ at one place.
    """
    found: dict[tuple[bytes, int], ListedLog] = {}
    for one in filter(_is_mined, many(answer)):
        log = _listed(one)
        if found.setdefault(log.place, log) != log:
            raise NodeUnavailable("the node's answer has two logs at one place")
    return in_order(found.values())


def in_order(logs: Iterable[ListedLog]) -> list[ListedLog]:
    """Logs in the order of the chain."""
    return sorted(logs, key=lambda log: (log.number, log.index))


def _is_mined(one: object) -> bool:
    placed = all(field(one, name) is not None for name in ("blockHash", "blockNumber", "logIndex"))
    return placed and not (isinstance(one, dict) and one.get("removed") is True)


def _listed(one: object) -> ListedLog:
    topics = tuple(data(topic, HASH_BYTES) for topic in many(field(one, "topics")))
    if len(topics) > _MOST_TOPICS:
        raise NodeUnavailable(f"the node's answer has a log of {len(topics)} topics")
    return ListedLog(
        data(field(one, "address"), _ADDRESS_BYTES),
        quantity(field(one, "blockNumber")),
        data(field(one, "blockHash"), HASH_BYTES),
        quantity(field(one, "logIndex")),
        data(field(one, "transactionHash"), HASH_BYTES),
        topics,
        data(field(one, "data")),
        _timestamp(one),
    )


def _timestamp(one: object) -> int | None:
    told = _optional(one, "blockTimestamp")
    return None if told is None else quantity(told)


def _optional(answer: object, name: str) -> object:
    """A field that not every node gives."""
    return answer.get(name) if isinstance(answer, dict) else None
