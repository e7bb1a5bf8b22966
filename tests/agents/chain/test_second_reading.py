"""What is deep is read again, and what an older version left out is mended before anything is decided.

Rules: A91, A94.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from agents.chain.archive import Archive
from agents.chain.client import MarketClient
from agents.chain.database import ChainDatabase
from agents.chain.history import EventStream
from agents.chain.second_reading import DEPTH, SECONDS
from agents.core.errors import NodeUnavailable
from agents.core.events import Logged
from tests.agents.chain.conftest import Clock
from tests.agents.chain.reading import Reader
from tests.agents.chain.stub_node import StubNode


@pytest.fixture
def begin(node: StubNode, client: MarketClient, clock: Clock) -> Callable[[ChainDatabase], Reader]:
    """Starts to read, with a database."""

    def start(database: ChainDatabase) -> Reader:
        return Reader(EventStream(client, database, clock=clock), node, client.deployment.abi)

    return start


@pytest.fixture
def reader(begin: Callable[[ChainDatabase], Reader], database: ChainDatabase) -> Reader:
    return begin(database)


def listed(node: StubNode) -> list[tuple[int, int]]:
    """The ranges of blocks whose logs were asked for."""
    queries = [params[0] for method, params in node.asked if method == "eth_getLogs"]
    return [(int(query["fromBlock"], 16), int(query["toBlock"], 16)) for query in queries]


def forget(database: ChainDatabase, number: int) -> None:
    """As if a node had never shown the logs of a block."""
    with database.transaction() as connection:
        connection.execute("DELETE FROM block WHERE number = ?", (number,))


# --- deep blocks ---


def test_blocks_are_read_again_once_enough_are_on_top(reader: Reader, node: StubNode) -> None:
    for _ in range(2 * DEPTH - 2):
        reader.mine(0)
    reader.read()
    node.asked.clear()
    reader.mine(0)
    reader.read()
    assert listed(node) == [(node.head.number, node.head.number)], "as ever"
    node.asked.clear()
    reader.read()
    assert listed(node) == [(1, DEPTH)]
    node.asked.clear()
    reader.read()
    assert listed(node) == []


def test_or_once_they_have_waited_for_five_minutes(reader: Reader, node: StubNode, clock: Clock) -> None:
    for _ in range(DEPTH + 4):
        reader.mine(0)
    reader.read()
    node.asked.clear()
    clock.now += SECONDS - 1
    reader.read()
    assert listed(node) == []
    clock.now += 1
    reader.read()
    assert listed(node) == [(1, 5)]


def test_what_was_missing_is_mended_and_told(
    reader: Reader,
    node: StubNode,
    clock: Clock,
    database: ChainDatabase,
    caplog: pytest.LogCaptureFixture,
) -> None:
    for count in (1, 2, 1):
        reader.mine(count)
    reader.read()
    forget(database, 3)
    for _ in range(DEPTH):
        reader.mine(0)
    reader.read()
    clock.now += SECONDS
    batch = reader.stream.poll()
    assert (batch.rolled_back, batch.events, batch.behind) == (True, (), 1)
    reader.seen = list(reader.stream.replay())
    assert reader.amounts == reader.told == [1, 2, 3, 4]
    assert reader.stream.repaired == 2
    assert caplog.messages == [
        "blocks 1 to 4: the second reading found 2 events that the first had not, and 0 of a branch that is "
        "not the chain's; this is mended"
    ]


def test_a_node_that_leaves_out_what_it_had_is_no_proof(reader: Reader, node: StubNode, clock: Clock) -> None:
    for count in (1, 2, 1):
        reader.mine(count)
    reader.read()
    for _ in range(DEPTH):
        reader.mine(0)
    reader.read()
    clock.now += SECONDS
    shown, node.blocks[3].logs = node.blocks[3].logs, []
    reader.read()
    assert reader.amounts == [1, 2, 3, 4]
    node.blocks[3].logs = shown
    node.asked.clear()
    reader.read()
    assert listed(node) == [], "not at once again"
    clock.now += 30
    reader.read()
    assert listed(node) == [(1, 4)]
    assert reader.stream.repaired == 0


def test_trouble_with_the_second_reading_does_not_keep_from_the_first(
    reader: Reader, node: StubNode, clock: Clock
) -> None:
    for _ in range(DEPTH + 4):
        reader.mine(0)
    reader.read()
    clock.now += SECONDS
    reader.mine(1)
    node.lost_requests["eth_getLogs"] = 1
    reader.read()
    assert reader.amounts == [1]


def test_it_is_not_tried_again_at_each_step(reader: Reader, node: StubNode, clock: Clock) -> None:
    """A node that rests for each refusal would answer nothing else."""
    for _ in range(2 * DEPTH - 2):
        reader.mine(0)
    reader.read()
    reader.mine(0)
    reader.read()
    node.lost_requests["eth_getLogs"] = 1
    reader.read()
    node.asked.clear()
    clock.now += 29
    reader.read()
    assert listed(node) == []
    clock.now += 1
    reader.read()
    assert listed(node)[0] == (1, DEPTH // 2)


# --- databases of an older version ---


def old_database(path: Path, client: MarketClient, node: StubNode, left_out: set[int]) -> ChainDatabase:
    """What an agent of the first version left, that had missed the logs of some blocks."""
    with closing(sqlite3.connect(path)) as old:
        old.executescript((Path(__file__).parent / "first_version.sql").read_text())
        old.execute("DELETE FROM block")
        head, anchor = client.head(), client.anchor
        values = (head.number, head.hash, head.timestamp)
        old.execute("INSERT INTO cursor VALUES (1, ?, ?, ?)", values)
        old.execute("INSERT INTO block VALUES (?, ?, ?)", (anchor.number, anchor.hash, anchor.timestamp))
        for log in client.raw_logs(1, head.number):
            if log.block.number not in left_out:
                block = (log.block.number, log.block.hash, log.block.timestamp)
                old.execute("INSERT OR IGNORE INTO block VALUES (?, ?, ?)", block)
                row = (log.block.number, log.index, log.transaction, b"".join(log.topics), log.data)
                old.execute("INSERT INTO log VALUES (?, ?, ?, ?, ?)", row)
        old.commit()
    return ChainDatabase(path)


@pytest.mark.parametrize("left_out", [set[int](), {3}, {5, 4}, {2, 6, 70}])
def test_gaps_of_an_old_database_are_mended_before_anything_is_delivered(
    left_out: set[int],
    node: StubNode,
    client: MarketClient,
    begin: Callable[[ChainDatabase], Reader],
    tmp_path: Path,
) -> None:
    first = begin(ChainDatabase(":memory:"))
    for count in (1, 2, 1, 3, 1, *[0] * 62, 2, 1, 1):
        first.mine(count)
    told = first.told
    database = old_database(tmp_path / "chain", client, node, left_out)
    node.mine()
    reader = begin(database)
    reader.told = told
    batches = [reader.stream.poll() for _ in range(2)]
    assert [batch.rolled_back for batch in batches] == [bool(left_out), False]
    assert batches[0].behind > 0
    assert [batch.events for batch in batches] == [(), ()]
    reader.seen = list(reader.stream.replay())
    assert reader.amounts == told

    node.asked.clear()
    again = begin(database)
    again.read()
    assert (1, node.head.number) not in listed(node), "once"


def test_an_old_database_is_read_again_in_spans(
    node: StubNode, client: MarketClient, begin: Callable[[ChainDatabase], Reader], tmp_path: Path
) -> None:
    first = begin(ChainDatabase(":memory:"))
    for count in (1, 1, 1, 1, 1, 1, 1):
        first.mine(count)
    database = old_database(tmp_path / "chain", client, node, {3, 7})
    node.most_blocks = 3
    reader = begin(database)
    batches = [reader.stream.poll()]
    while batches[-1].behind > 1:
        assert not batches[-1].rolled_back
        batches.append(reader.stream.poll())
    assert batches[-1].rolled_back
    assert [logged.event.amount for logged in reader.stream.replay()] == first.told  # type: ignore[union-attr]


def test_a_second_reading_that_breaks_off_goes_on_where_it_was(
    node: StubNode, client: MarketClient, begin: Callable[[ChainDatabase], Reader], tmp_path: Path
) -> None:
    first = begin(ChainDatabase(":memory:"))
    for _ in range(9):
        first.mine(1)
    database = old_database(tmp_path / "chain", client, node, {3, 9})
    node.most_blocks = 4
    begin(database).stream.poll()
    done = Archive(database).verified
    assert 0 < done < node.head.number
    node.asked.clear()
    reader = begin(database)
    reader.read()
    assert min(start for start, _ in listed(node)) == done + 1
    assert [logged.event.amount for logged in reader.stream.replay()] == first.told  # type: ignore[union-attr]


def test_logs_of_a_dead_branch_are_taken_out(
    node: StubNode, client: MarketClient, begin: Callable[[ChainDatabase], Reader], tmp_path: Path
) -> None:
    first = begin(ChainDatabase(":memory:"))
    for _ in range(6):
        first.mine(1)
    database = old_database(tmp_path / "chain", client, node, set())
    with database.transaction() as connection:
        connection.execute("UPDATE block SET hash = x'5a' WHERE number = 4")
    reader = begin(database)
    batch = reader.stream.poll()
    assert batch.rolled_back
    assert reader.stream.repaired == 2, "one taken out, one put in its place"
    logs = Archive(database).logs_between(4, 4)
    assert [log.block.hash.hex() for log in logs] == [node.blocks[4].hash[2:]]


# --- doubts ---


def doubted(reader: Reader) -> Logged:
    return reader.seen[-1]


def test_after_a_doubt_everything_is_read_again(
    reader: Reader, node: StubNode, database: ChainDatabase, caplog: pytest.LogCaptureFixture
) -> None:
    for count in (1, 2, 1):
        reader.mine(count)
    reader.read()
    forget(database, 3)
    assert reader.stream.doubt(doubted(reader))
    assert caplog.messages == ["block 4, log 0: Withdrawn does not fit what was read before it"]
    batch = reader.stream.poll()
    assert (batch.rolled_back, batch.behind) == (True, 1)
    reader.seen = list(reader.stream.replay())
    assert reader.amounts == reader.told


def test_a_doubt_that_nothing_comes_of_is_not_raised_again(
    reader: Reader, node: StubNode, caplog: pytest.LogCaptureFixture
) -> None:
    for count in (1, 2, 1):
        reader.mine(count)
    reader.read()
    assert reader.stream.doubt(doubted(reader))
    batch = reader.stream.poll()
    assert not batch.rolled_back
    caplog.clear()
    assert not reader.stream.doubt(doubted(reader)), "the chain has it so"
    assert caplog.messages == []
    reader.mine(1)
    reader.read()
    assert reader.amounts == reader.told


def test_nothing_is_delivered_while_a_doubt_stands(reader: Reader, node: StubNode, clock: Clock) -> None:
    reader.mine(1)
    reader.read()
    reader.stream.distrust()
    reader.mine(1)
    node.lost_requests["eth_getLogs"] = 2
    for _ in range(2):
        with pytest.raises(NodeUnavailable):
            reader.stream.poll()
    assert reader.amounts == [1]
    reader.read()
    assert reader.amounts == [1, 2]


# --- what cannot be read ---


def test_a_log_that_cannot_be_read_is_stored_told_once_and_left_out(
    reader: Reader, node: StubNode, database: ChainDatabase, abi: Any, caplog: pytest.LogCaptureFixture
) -> None:
    reader.mine(1)
    node.blocks[2].logs.insert(0, type(node.blocks[2].logs[0])(node.blocks[2].logs[0].topics, b"short"))
    reader.read()
    assert reader.amounts == [1]
    assert caplog.messages == ["block 2, log 0 is left out: its data are no Deposited"]
    assert len(Archive(database).logs_between(2, 2)) == 2
    caplog.clear()
    assert len(list(reader.stream.replay())) == 1
    assert caplog.messages == []
