"""An agent for which nothing is due asks a node for little, and misses nothing that changes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest

from agents.chain.client import MarketClient
from agents.chain.database import ChainDatabase
from agents.chain.history import STRIDE_SECONDS, EventStream
from agents.core.errors import NodeUnavailable
from agents.core.events import Deposited
from testing.events_as_logs import as_log
from tests.agents.chain.conftest import Clock
from tests.agents.chain.reading import ALICE
from tests.agents.chain.stub_node import StubNode

BLOCKS = 7
"""Between two looks at rest, at blocks of a second."""


@pytest.fixture
def pay(node: StubNode, abi: list[dict[str, object]]) -> Callable[[int], None]:
    """Mines a block with a deposit."""

    def mine(wei: int) -> None:
        node.mine(as_log(abi, Deposited(ALICE, wei)))

    return mine


@pytest.fixture
def stream(client: MarketClient, database: ChainDatabase, clock: Clock) -> EventStream:
    return EventStream(client, database, clock=clock)


def read(stream: EventStream) -> list[int]:
    """All that can be had, as the amounts of its events."""
    amounts: list[int] = []
    while True:
        batch = stream.poll()
        amounts += [logged.event.amount for logged in batch.events]  # type: ignore[union-attr]
        if not batch.behind:
            return amounts


def rest(stream: EventStream, node: StubNode, clock: Clock, looks: int) -> Counter[str]:
    """Looks so often while blocks without events come; what was asked for."""
    node.asked.clear()
    for _ in range(looks):
        for _ in range(BLOCKS):
            node.mine()
        clock.now += BLOCKS + 0.5
        batch = stream.poll(resting=True)
        assert (batch.events, batch.upto.number, batch.behind, batch.gap) == ((), node.head.number, 0, 0)
    return Counter(method for method, _ in node.asked)


def test_two_requests_a_look_tell_that_nothing_changed(
    stream: EventStream, node: StubNode, clock: Clock, pay: Callable[[int], None]
) -> None:
    pay(1)
    assert read(stream) == [1]
    assert rest(stream, node, clock, 8) == {"eth_getBlockByNumber": 8, "eth_getProof": 9}


def test_one_is_enough_where_the_state_of_all_accounts_is_the_same(
    stream: EventStream, node: StubNode, clock: Clock, pay: Callable[[int], None]
) -> None:
    node.state_roots = True
    pay(1)
    read(stream)
    assert rest(stream, node, clock, 8) == {"eth_getBlockByNumber": 8, "eth_getProof": 2}


def test_a_node_that_takes_no_hash_is_asked_by_number(
    stream: EventStream, node: StubNode, clock: Clock
) -> None:
    node.proofs = "by number"
    read(stream)
    assert rest(stream, node, clock, 8) == {"eth_getBlockByNumber": 8, "eth_getProof": 10}


@pytest.mark.parametrize("proofs", ["", "zero"])
def test_without_proofs_every_block_is_read(
    proofs: str, stream: EventStream, node: StubNode, clock: Clock
) -> None:
    node.proofs = proofs
    read(stream)
    asked = rest(stream, node, clock, 8)
    assert asked["eth_getBlockByNumber"] == 8 * BLOCKS
    assert rest(stream, node, clock, 8)["eth_getProof"] <= 8 * (proofs == "zero")


def test_what_changes_is_read_at_once(
    stream: EventStream, node: StubNode, clock: Clock, pay: Callable[[int], None]
) -> None:
    read(stream)
    rest(stream, node, clock, 3)
    pay(5)
    batch = stream.poll(resting=True)
    assert [logged.event.amount for logged in batch.events] == [5]  # type: ignore[union-attr]
    assert batch.upto.number == node.head.number
    rest(stream, node, clock, 3)


def test_confirmations_are_waited_for_at_rest_too(
    client: MarketClient, database: ChainDatabase, node: StubNode, clock: Clock
) -> None:
    stream = EventStream(client, database, confirmations=2, clock=clock)
    read(stream)
    for _ in range(3):
        node.mine()
    assert stream.poll(resting=True).upto.number == node.head.number - 2


def test_a_long_rest_moves_the_cursor_many_blocks_at_once(
    stream: EventStream, node: StubNode, clock: Clock, database: ChainDatabase, pay: Callable[[int], None]
) -> None:
    pay(1)
    read(stream)
    before = node.head.number
    looks = int(STRIDE_SECONDS / 7.5)
    asked = rest(stream, node, clock, 2 * looks + 1)
    assert sum(asked.values()) < 20 * 2.1 * STRIDE_SECONDS / 60
    ((cursor,),) = database.rows("SELECT number FROM cursor")
    assert cursor > before + BLOCKS * looks - 64
    pay(2)
    assert read(stream) == [2]
    assert [logged.event.amount for logged in stream.replay()] == [1, 2]  # type: ignore[union-attr]


def test_a_reorg_in_a_long_rest_is_followed(
    stream: EventStream, node: StubNode, clock: Clock, pay: Callable[[int], None]
) -> None:
    read(stream)
    rest(stream, node, clock, 50)
    node.take_back(20)
    pay(3)
    for _ in range(30):
        node.mine()
    assert read(stream) == [3]


def test_a_root_that_hid_events_is_not_believed_again(
    stream: EventStream, node: StubNode, clock: Clock, pay: Callable[[int], None]
) -> None:
    read(stream)
    node.altered["eth_getProof"] = lambda _: {"storageHash": "0x" + "11" * 32}
    pay(4)
    assert not stream.poll(resting=True).events, "the root is the same"
    for _ in range(100):
        node.mine()
    clock.now += STRIDE_SECONDS
    batch = stream.poll(resting=True)
    assert [logged.event.amount for logged in batch.events] == [4]  # type: ignore[union-attr]
    read(stream)
    node.asked.clear()
    node.mine()
    stream.poll(resting=True)
    assert "eth_getProof" not in {method for method, _ in node.asked}


def test_a_node_that_is_away_is_said(stream: EventStream, node: StubNode) -> None:
    read(stream)
    node.mine()
    node.lost_requests["eth_getProof"] = 1
    with pytest.raises(NodeUnavailable):
        stream.poll(resting=True)
