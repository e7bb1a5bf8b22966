"""When the chain takes blocks back: what is followed, what is not believed, and what ends the agent.

Rules: A8, A95.
"""

from __future__ import annotations

import pytest

from agents.chain.archive import KEPT
from agents.chain.client import MarketClient
from agents.chain.codec import Codec
from agents.chain.database import ChainDatabase
from agents.chain.deployment import Deployment
from agents.chain.history import FAR, EventStream
from agents.core.errors import NodeUnavailable, StopAgent
from testing.faults import servers
from tests.agents.chain.conftest import Clock
from tests.agents.chain.reading import Behind, Reader, reader_behind
from tests.agents.chain.stub_node import StubNode


@pytest.fixture
def reader(node: StubNode, client: MarketClient, clock: Clock, database: ChainDatabase) -> Reader:
    return Reader(EventStream(client, database, clock=clock), node, client.deployment.abi)


def another_branch(reader: Reader, depth: int, blocks: int) -> None:
    """The last blocks are replaced by others, each with one event."""
    removed = reader.node.blocks[-depth:]
    reader.node.take_back(depth)
    del reader.told[len(reader.told) - sum(len(block.logs) for block in removed) :]
    for _ in range(blocks):
        reader.mine(1)


@pytest.mark.parametrize("depth", [1, 2, 30, 64, KEPT - 1])
def test_a_longer_branch_is_followed(depth: int, reader: Reader) -> None:
    for _ in range(KEPT + 20):
        reader.mine(1)
    reader.read()
    another_branch(reader, depth, depth + 1)
    reader.read()
    assert reader.amounts == reader.told
    assert reader.rollbacks == 1


def test_more_than_is_kept_ends_the_agent(reader: Reader) -> None:
    for _ in range(KEPT + 20):
        reader.mine(1)
    reader.read()
    before = reader.amounts
    another_branch(reader, KEPT + 1, KEPT + 2)
    with pytest.raises(StopAgent, match="took back more than 128 blocks: if that is right, remove"):
        reader.stream.poll()
    assert [logged.event.amount for logged in reader.stream.replay()] == before  # type: ignore[union-attr]


def test_a_branch_of_the_same_length_is_not_followed(reader: Reader) -> None:
    for _ in range(6):
        reader.mine(1)
    reader.read()
    before = reader.amounts
    another_branch(reader, 2, 2)
    for _ in range(3):
        reader.read()
    assert (reader.amounts, reader.rollbacks) == (before, 0)
    reader.mine(1)
    reader.read()
    assert (reader.amounts, reader.rollbacks) == (reader.told, 1)


def test_one_server_on_another_branch_takes_nothing_back(
    node: StubNode, deployment: Deployment, codec: Codec, clock: Clock
) -> None:
    reader = reader_behind(Behind(node, [servers.wrong_chain(0.4)], 3), deployment, codec, clock)
    for _ in range(60):
        reader.mine(1)
        reader.read()
        clock.now += 1
    assert reader.rollbacks == 0
    assert reader.amounts == reader.told[: len(reader.amounts)]


@pytest.mark.parametrize("request_", range(6))
def test_a_server_of_another_mind_at_any_request_takes_nothing_back(
    request_: int, node: StubNode, deployment: Deployment, codec: Codec, clock: Clock
) -> None:
    behind = Behind(node, [servers.wrong_chain(1.0)])
    reader = reader_behind(behind, deployment, codec, clock)
    behind.broken = False
    for _ in range(4):
        reader.mine(1)
    reader.read()
    reader.mine(1)
    asked = len(node.asked)

    def one_wrong() -> bool:
        return len(node.asked) - asked == request_

    forward, behind._forward = (
        behind._forward,
        lambda method, params: forward(method, params) if one_wrong() else node.make_request(method, params),
    )
    behind.broken = True
    for _ in range(4):
        reader.read()
        clock.now += 1
    assert (reader.amounts, reader.rollbacks) == ([1, 2, 3, 4, 5], 0)


@pytest.mark.parametrize("failing", range(8))
def test_a_roll_back_that_breaks_off_is_made_later(failing: int, reader: Reader) -> None:
    for _ in range(10):
        reader.mine(1)
    reader.read()
    another_branch(reader, 5, 7)
    node, left = reader.node, [failing]

    def fail() -> None:
        if left[0] == 0:
            node.lost_requests["eth_getBlockByNumber"] = 1
        else:
            node.before["eth_getBlockByNumber"] = fail
        left[0] -= 1

    node.before["eth_getBlockByNumber"] = fail
    for _ in range(3):
        reader.read()
    assert reader.amounts == reader.told
    assert reader.rollbacks == 1


def test_a_branch_is_followed_by_who_was_away_for_long(
    reader: Reader, node: StubNode, client: MarketClient, clock: Clock, database: ChainDatabase
) -> None:
    for _ in range(20):
        reader.mine(1)
    reader.read()
    another_branch(reader, 10, 10)
    for _ in range(2 * FAR):
        reader.mine(0)
    reader.mine(1)
    again = Reader(EventStream(client, database, clock=clock), node, client.deployment.abi)
    again.told = reader.told
    again.read()
    assert again.amounts == again.told


def test_what_is_not_read_yet_may_change_without_a_word(reader: Reader, node: StubNode) -> None:
    reader.mine(1)
    reader.read()
    for _ in range(3):
        reader.mine(1)
    node.lost_requests["eth_getLogs"] = 1
    with pytest.raises(NodeUnavailable):
        reader.stream.poll()
    another_branch(reader, 2, 2)
    for _ in range(3):
        reader.read()
    assert (reader.amounts, reader.rollbacks) == (reader.told, 0)


def test_confirmations_keep_from_what_may_be_taken_back(
    node: StubNode, client: MarketClient, clock: Clock
) -> None:
    stream = EventStream(client, ChainDatabase(":memory:"), confirmations=3, clock=clock)
    reader = Reader(stream, node, client.deployment.abi)
    for _ in range(10):
        reader.mine(1)
    reader.read()
    assert reader.amounts == list(range(1, 8))
    for depth in (1, 2, 3):
        another_branch(reader, depth, depth)
        reader.read()
    assert (reader.amounts, reader.rollbacks) == (list(range(1, 8)), 0)


@pytest.mark.parametrize("away", [60, 61, FAR, FAR + 1, 3 * FAR, 5_000])
def test_who_was_away_for_long_misses_nothing(
    away: int, reader: Reader, node: StubNode, clock: Clock
) -> None:
    reader.mine(1)
    reader.read()
    for number in range(away):
        reader.mine(1 if number % 97 == 0 or number > away - 3 else 0)
    node.asked.clear()
    reader.read()
    assert reader.amounts == reader.told
    assert len(node.asked) < 400


def test_a_catch_up_that_breaks_off_goes_on_where_it_was(reader: Reader, node: StubNode) -> None:
    reader.mine(1)
    reader.read()
    for _ in range(4 * FAR):
        reader.mine(1)
    left = [20]

    def fail() -> None:
        left[0] -= 1
        if left[0]:
            node.before["eth_getBlockByNumber"] = fail
        else:
            node.lost_requests["eth_getBlockByNumber"] = 1

    node.before["eth_getBlockByNumber"] = fail
    with pytest.raises(NodeUnavailable):
        reader.stream.poll()
    node.asked.clear()
    reader.read()
    assert reader.amounts == reader.told
    again = [params[0] for method, params in node.asked if method == "eth_getBlockByNumber"]
    assert len(again) - len(set(again)) < 20, "what came is not asked for again"
