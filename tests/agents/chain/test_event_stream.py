"""The event stream: each event once and in order, through restarts, re-orgs and failures.

Rules: A8, A9, A13.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from agents.chain.blocks import listed_logs
from agents.chain.client import MarketClient
from agents.chain.database import ChainDatabase
from agents.chain.deployment import Deployment
from agents.chain.history import EventStream
from agents.chain.peer import PATIENCE_SECONDS
from agents.chain.spans import FIRST_SPAN, MAX_SPAN
from agents.core.errors import BadInput, NodeUnavailable, WrongNetwork
from agents.core.events import Deposited, Logged
from agents.core.ids import Address
from testing.events_as_logs import as_log
from tests.agents.chain.conftest import Clock
from tests.agents.chain.stub_node import StubBlock, StubNode

ALICE = Address("0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266")


class Follower:
    """Does what a runner does: applies what comes, and replays after a roll-back."""

    def __init__(self, stream: EventStream) -> None:
        self.stream = stream
        self.seen = list(stream.replay())
        self.rollbacks = 0

    def catch_up(self) -> list[int]:
        """The amounts of all events seen, once nothing is left to read."""
        while True:
            batch = self.stream.poll()
            if batch.rolled_back:
                self.rollbacks += 1
                self.seen = list(self.stream.replay())
                assert batch.events == ()
            self.seen += batch.events
            if not batch.behind:
                return self.amounts

    @property
    def amounts(self) -> list[int]:
        assert self.seen == list(self.stream.replay()), "what was delivered is what is stored"
        return [amount(logged) for logged in self.seen]


def amount(logged: Logged) -> int:
    assert isinstance(logged.event, Deposited)
    return logged.event.amount


@pytest.fixture
def mine(node: StubNode, abi: list[dict[str, Any]]) -> Any:
    """Adds a block with a deposit of each amount."""

    def add(*amounts: int) -> StubBlock:
        return node.mine(*(as_log(abi, Deposited(ALICE, wei)) for wei in amounts))

    return add


@pytest.fixture
def follower(client: MarketClient, database: ChainDatabase) -> Follower:
    return Follower(EventStream(client, database))


# --- reading ---


def test_delivers_each_event_once(mine: Any, follower: Follower) -> None:
    mine(1, 2)
    mine()
    assert follower.catch_up() == [1, 2]
    assert follower.catch_up() == [1, 2]
    mine(3)
    assert follower.catch_up() == [1, 2, 3]


def test_tells_how_far_it_is(
    node: StubNode, mine: Any, client: MarketClient, database: ChainDatabase
) -> None:
    mine(1)
    batch = EventStream(client, database).poll()
    assert (batch.upto, batch.behind, batch.rolled_back) == (client.head(), 0, False)
    assert batch.upto.number == node.head.number


def test_begins_with_the_markets_own_block(
    mine: Any, node: StubNode, deployment: Deployment, database: ChainDatabase
) -> None:
    mine(1)
    mine(2)
    client = MarketClient.over(node, replace(deployment, block=3))
    assert Follower(EventStream(client, database)).catch_up() == [2]


def test_goes_on_after_a_restart_without_asking_for_what_it_has(
    node: StubNode, mine: Any, client: MarketClient, tmp_path: Path
) -> None:
    mine(1)
    database = ChainDatabase(tmp_path / "chain")
    Follower(EventStream(client, database)).catch_up()
    database.close()
    mine(2)
    node.asked.clear()

    restarted = Follower(EventStream(client, ChainDatabase(tmp_path / "chain")))
    assert restarted.amounts == [1]
    assert node.asked == []
    assert restarted.catch_up() == [1, 2]
    asked = [params[0] for method, params in node.asked if method == "eth_getLogs"]
    assert asked == [{"blockHash": node.head.hash}], "by what came last it knows that blooms serve"


def test_asks_little_when_nothing_is_new(node: StubNode, follower: Follower) -> None:
    follower.catch_up()
    node.asked.clear()
    follower.catch_up()
    assert node.asked == [("eth_getBlockByNumber", ("latest", False))]


def test_waits_for_confirmations(mine: Any, client: MarketClient, database: ChainDatabase) -> None:
    follower = Follower(EventStream(client, database, confirmations=2))
    mine(1)
    mine(2)
    assert follower.catch_up() == []
    mine()
    assert follower.catch_up() == [1]
    mine()
    assert follower.catch_up() == [1, 2]
    assert follower.catch_up() == [1, 2], "no block that is not confirmed yet"


def test_keeps_to_its_own_market(
    node: StubNode, client: MarketClient, deployment: Deployment, database: ChainDatabase
) -> None:
    EventStream(client, database)
    node.market = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"
    other = MarketClient.over(node, replace(deployment, market=Address(node.market)))
    with pytest.raises(BadInput, match="belongs to the market"):
        EventStream(other, database)


# --- a node that gives little ---


def test_asks_for_less_when_the_node_refuses(node: StubNode, mine: Any, follower: Follower) -> None:
    for wei in range(1, 40):
        mine(wei)
    node.most_blocks = 5
    assert follower.catch_up() == list(range(1, 40))


def test_asks_for_more_again_when_the_node_answers(node: StubNode, mine: Any, follower: Follower) -> None:
    for wei in range(1, 20):
        mine(wei)
    node.errors["eth_getLogs"] = [{"code": -32000, "message": "too many blocks"}] * 2
    assert follower.catch_up() == list(range(1, 20))
    for wei in range(20, 220):
        mine(wei)
    assert follower.catch_up() == list(range(1, 220))
    spans = [
        int(params[0]["toBlock"], 16) - int(params[0]["fromBlock"], 16) + 1
        for method, params in node.asked
        if method == "eth_getLogs" and "fromBlock" in params[0]
    ]
    assert spans == [20, 5, *[1] * 10, *[2] * 10, *[4] * 10, *[7] * 6], "half as many more, and one"


def test_asks_by_hash_for_a_block_that_is_refused_by_number(
    node: StubNode, mine: Any, follower: Follower
) -> None:
    mine(1)
    node.most_blocks = 0
    assert follower.catch_up() == [1]
    assert "blockHash" in node.asked[-1][1][0]


def test_asks_for_less_after_no_answer(node: StubNode, mine: Any, follower: Follower) -> None:
    for wei in range(1, 9):
        mine(wei)
    node.lost_answers["eth_getLogs"] = 1
    with pytest.raises(NodeUnavailable):
        follower.catch_up()
    assert follower.amounts == []
    node.asked.clear()
    assert follower.catch_up() == list(range(1, 9))
    (first, *_) = [params[0] for method, params in node.asked if method == "eth_getLogs"]
    assert int(first["toBlock"], 16) - int(first["fromBlock"], 16) + 1 == 4


def test_reads_a_long_chain_in_parts(node: StubNode, mine: Any, follower: Follower) -> None:
    first = mine(1)
    node.blocks += [
        StubBlock(first.number + place, f"0x{place:064x}", first.timestamp + place, [], [])
        for place in range(1, MAX_SPAN + 1)
    ]
    batch = follower.stream.poll()
    assert [amount(logged) for logged in batch.events] == [1]
    assert batch.behind == node.head.number - batch.upto.number == MAX_SPAN + 2 - FIRST_SPAN
    spans = [batch.upto.number]
    while batch.behind:
        batch = follower.stream.poll()
        spans.append(batch.upto.number)
    assert spans == [2_000, 4_000, 6_000, 8_000, 10_000 + 2 - 64, 10_000 + 2 - 4, 10_002]


@pytest.mark.parametrize("method", ["eth_getBlockByNumber", "eth_getLogs"])
def test_a_failure_loses_nothing(method: str, node: StubNode, mine: Any, follower: Follower) -> None:
    mine(1)
    follower.catch_up()
    mine(2)
    for losses in (node.lost_requests, node.lost_answers):
        losses[method] = 1
        with pytest.raises(NodeUnavailable):
            follower.catch_up()
        assert follower.amounts == [1]
    assert follower.catch_up() == [1, 2]


def test_a_crash_before_the_commit_loses_nothing(
    mine: Any, client: MarketClient, database: ChainDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    follower = Follower(EventStream(client, database))
    mine(1)
    commit = database.transaction

    @contextmanager
    def crash() -> Iterator[sqlite3.Connection]:
        with commit() as connection:
            yield connection
            raise KeyboardInterrupt

    monkeypatch.setattr(database, "transaction", crash)
    with pytest.raises(KeyboardInterrupt):
        follower.stream.poll()
    monkeypatch.undo()
    assert Follower(EventStream(client, database)).catch_up() == [1]


# --- re-orgs ---


@pytest.mark.parametrize("depth", range(1, 7))
def test_follows_a_reorg_of_any_depth(depth: int, node: StubNode, mine: Any, follower: Follower) -> None:
    for wei in range(1, 7):
        mine(wei)
    assert follower.catch_up() == [1, 2, 3, 4, 5, 6]
    node.take_back(depth)
    for wei in range(10, 10 + depth):
        mine(wei)
    assert follower.catch_up() == [1, 2, 3, 4, 5, 6], "not before it is longer than what was read"
    mine(20)
    kept = list(range(1, 7 - depth))
    assert follower.catch_up() == [*kept, *range(10, 10 + depth), 20]
    assert follower.rollbacks == 1


@pytest.mark.parametrize("depth", range(1, 7))
def test_a_head_that_is_lower_is_late_and_not_a_reorg(
    depth: int, node: StubNode, mine: Any, follower: Follower
) -> None:
    for wei in range(1, 7):
        mine(wei)
    follower.catch_up()
    node.take_back(depth)
    assert follower.catch_up() == [1, 2, 3, 4, 5, 6]
    assert follower.stream.poll().behind == 0
    for wei in range(depth + 1):
        mine(10 + wei)
    assert follower.catch_up() == [*range(1, 7 - depth), *range(10, 11 + depth)]
    assert follower.rollbacks == 1


@pytest.mark.parametrize("empty", [1, 3])
def test_a_reorg_below_the_cursor_keeps_what_is_below_it(
    empty: int, node: StubNode, mine: Any, follower: Follower
) -> None:
    mine(1)
    mine(2)
    for _ in range(empty):
        mine()
    follower.catch_up()
    node.take_back(empty + 1)
    for wei in (3, 4, 5, 6, 7):
        mine(wei)
    assert follower.catch_up() == [1, 3, 4, 5, 6, 7]
    assert follower.rollbacks == 1


def test_a_reorg_of_empty_blocks_is_no_roll_back(node: StubNode, mine: Any, follower: Follower) -> None:
    mine(1)
    mine()
    mine()
    follower.catch_up()
    node.take_back(2)
    for wei in (2, 3, 4):
        mine(wei)
    assert follower.catch_up() == [1, 2, 3, 4]
    assert follower.rollbacks == 0


def test_a_reorg_while_it_was_down_shows_after_the_restart(
    node: StubNode, mine: Any, client: MarketClient, tmp_path: Path
) -> None:
    mine(1)
    mine(2)
    database = ChainDatabase(tmp_path / "chain")
    Follower(EventStream(client, database)).catch_up()
    database.close()
    node.take_back(1)
    mine(3)
    mine()
    restarted = Follower(EventStream(client, ChainDatabase(tmp_path / "chain")))
    assert restarted.amounts == [1, 2]
    assert restarted.catch_up() == [1, 3]


def test_a_poll_asks_for_nothing_twice(node: StubNode, mine: Any, follower: Follower) -> None:
    """The head, which is the child of what was read, and its logs; no logs if it can have none."""
    mine(1)
    follower.catch_up()
    node.asked.clear()
    mine(2)
    follower.stream.poll()
    assert [method for method, _ in node.asked] == ["eth_getBlockByNumber", "eth_getLogs"]
    node.asked.clear()
    mine()
    follower.stream.poll()
    assert [method for method, _ in node.asked] == ["eth_getBlockByNumber"]


def test_a_reorg_between_two_requests_of_a_poll_leaves_no_trace(
    node: StubNode, mine: Any, follower: Follower
) -> None:
    mine(1)
    follower.catch_up()
    mine(2)
    mine(3)

    def switch() -> None:
        node.take_back(1)
        mine(4)

    node.before["eth_getLogs"] = switch
    batch = follower.stream.poll()
    assert ([amount(logged) for logged in batch.events], batch.gap) == ([2], 1)
    follower.seen += batch.events
    assert follower.catch_up() == [1, 2, 4]
    assert follower.rollbacks == 0


def test_a_roll_back_is_told_even_if_the_next_request_fails(
    node: StubNode, mine: Any, follower: Follower
) -> None:
    mine(1)
    follower.catch_up()
    node.take_back(1)
    mine(2)
    mine()
    node.lost_requests["eth_getLogs"] = 1
    assert follower.stream.poll().rolled_back
    with pytest.raises(NodeUnavailable):
        follower.stream.poll()
    follower.seen = list(follower.stream.replay())
    assert follower.catch_up() == [2]


@pytest.mark.parametrize("blocks", [3, 9])  # of fewer than the market needs nothing can be told
def test_stops_when_the_chain_was_started_anew(
    blocks: int, node: StubNode, mine: Any, follower: Follower, clock: Clock
) -> None:
    mine(1)
    follower.catch_up()
    node.take_back(len(node.blocks))
    for _ in range(blocks):
        mine(2)
    with pytest.raises(NodeUnavailable, match="seems to be of another chain"):
        follower.stream.poll()
    clock.now += PATIENCE_SECONDS
    with pytest.raises(WrongNetwork, match="started anew"):
        follower.stream.poll()
    assert follower.amounts == [1]


# --- what receipts show ---


def test_events_that_a_receipt_shows_are_added_where_they_were_not_read(
    node: StubNode, mine: Any, follower: Follower, caplog: pytest.LogCaptureFixture
) -> None:
    mine(1)
    mine(2)
    block = node.head
    events = listed_logs([node.listed(block, index) for index in range(len(block.logs))])
    assert not follower.stream.supply(block.number, events), "the block was not read yet"
    block.logs = []
    assert follower.catch_up() == [1]
    assert follower.stream.supply(block.number, events)
    assert follower.stream.repaired == 1
    assert [logged.event.amount for logged in follower.stream.replay()] == [1, 2]  # type: ignore[union-attr]
    assert not follower.stream.supply(block.number, events), "they are there"
    assert caplog.messages[-1] == (
        f"block {block.number}: the receipt of our transaction has events that the list lacked"
    )


def test_events_of_a_branch_that_died_are_not_added(node: StubNode, mine: Any, follower: Follower) -> None:
    mine(1)
    mine(2)
    block = node.head
    events = [
        replace(one, hash=b"dead" * 8)
        for one in listed_logs([node.listed(block, index) for index in range(len(block.logs))])
    ]
    assert follower.catch_up() == [1, 2]
    assert not follower.stream.supply(block.number, events)
    assert [logged.event.amount for logged in follower.stream.replay()] == [1, 2]  # type: ignore[union-attr]


def test_headers_that_came_before_the_node_failed_are_gone_on_with(
    node: StubNode, mine: Any, follower: Follower
) -> None:
    """Behind a node that answers now and then no step came to its end."""
    mine(1)
    follower.catch_up()
    for wei in range(2, 12):
        mine(wei)
    answered = 0

    def fails_at_the_sixth(block: Any) -> Any:
        nonlocal answered
        answered += 1
        if answered == 6:
            raise ConnectionError
        return block

    node.altered["eth_getBlockByNumber"] = fails_at_the_sixth
    batch = follower.stream.poll()
    assert [logged.event.amount for logged in batch.events] == [2, 3, 4, 5]  # type: ignore[union-attr]
    node.altered.clear()
    assert follower.stream.poll().upto.number == node.head.number
