"""What shows that a block's events are all there, and what happens while it does not.

Rules: A90.
"""

from __future__ import annotations

import logging
from typing import Any

import pytest
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from agents.chain.blooms import OurBloom, bits_of, bloom_of
from agents.chain.client import MarketClient
from agents.chain.codec import Codec
from agents.chain.database import ChainDatabase
from agents.chain.deployment import Deployment
from agents.chain.gap import TOLD_AFTER
from agents.chain.history import EventStream
from agents.core.errors import NodeUnavailable
from agents.core.events import Deposited, Withdrawn
from agents.core.ids import Address
from testing.events_as_logs import Log, as_log
from testing.faults import answers, servers
from tests.agents.chain.conftest import Clock
from tests.agents.chain.reading import ALICE, Behind, Reader, connect, reader_behind
from tests.agents.chain.stub_node import StubNode, bloom


def reader_of(client: MarketClient, node: StubNode, clock: Clock) -> Reader:
    stream = EventStream(client, ChainDatabase(":memory:"), clock=clock)
    return Reader(stream, node, client.deployment.abi)


def methods(node: StubNode) -> list[str]:
    return [method for method, _ in node.asked]


# --- blooms ---


def test_a_bloom_has_the_bits_of_the_yellow_paper(node: StubNode, abi: list[dict[str, Any]]) -> None:
    log = as_log(abi, Deposited(ALICE, 1))
    known = bloom(node.market, [log])
    ours = bits_of(bytes.fromhex(node.market[2:]))
    for topic in log.topics:
        ours |= bits_of(topic)
    assert known == ours.to_bytes(256, "big")
    assert bloom_of([]) == 0


def test_a_bloom_without_our_address_or_topics_holds_none_of_ours(node: StubNode, codec: Codec) -> None:
    market = bytes.fromhex(node.market[2:])
    ours = OurBloom(market, codec.topics)
    foreign = int.from_bytes(bloom("0x" + "77" * 20, [Log((codec.topics[0],), b"")]), "big")
    other_topic = int.from_bytes(bloom(node.market, [Log((b"t" * 32,), b"")]), "big")
    assert not ours.unexplained(foreign, [])
    assert not ours.unexplained(other_topic, [])
    assert ours.unexplained(int.from_bytes(bloom(node.market, [Log((codec.topics[0],), b"")]), "big"), [])


def test_no_logs_are_asked_for_where_none_can_be(node: StubNode, client: MarketClient, clock: Clock) -> None:
    reader = reader_of(client, node, clock)
    reader.mine(1)
    reader.read()
    for _ in range(5):
        node.mine(Log((b"t" * 32,), b""))
        node.asked.clear()
        reader.read()
        assert methods(node) == ["eth_getBlockByNumber"]


def test_a_bloom_that_holds_ours_by_chance_is_looked_into(
    node: StubNode, client: MarketClient, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader = reader_of(client, node, clock)
    reader.mine(1)
    reader.read()
    monkeypatch.setattr(OurBloom, "unexplained", lambda *_: True)
    node.mine(Log((b"t" * 32,), b""))
    node.asked.clear()
    reader.read()
    asked = [params[0] for method, params in node.asked if method == "eth_getLogs"]
    assert [sorted(query) for query in asked] == [["blockHash"]]
    assert (reader.gap, reader.amounts) == (0, [1])


def test_after_a_restart_the_last_event_shows_that_blooms_serve(
    node: StubNode, client: MarketClient, clock: Clock
) -> None:
    database = ChainDatabase(":memory:")
    reader = Reader(EventStream(client, database, clock=clock), node, client.deployment.abi)
    reader.mine(1)
    reader.mine(0)
    reader.read()
    again = Reader(EventStream(client, database, clock=clock), node, client.deployment.abi)
    again.mine(0)
    node.asked.clear()
    again.read()
    assert methods(node) == ["eth_getBlockByNumber"] * 2, "the head, and the block of the last event"


# --- gaps ---


@pytest.fixture
def hidden(node: StubNode, deployment: Deployment, codec: Codec, clock: Clock) -> Reader:
    """Reads behind a server that shows no logs of the last 1,000 blocks."""
    behind = Behind(node, [servers.late_logs(1.0, 1_000)])
    return reader_behind(behind, deployment, codec, clock)


def test_nothing_is_delivered_beyond_a_gap(hidden: Reader, node: StubNode) -> None:
    for count in (0, 0, 1, 0, 1):
        hidden.mine(count)
    batch = hidden.stream.poll()
    assert (batch.events, batch.behind, batch.gap) == ((), 0, 3)
    assert batch.upto.number == node.head.number - 3
    assert hidden.stream.poll().gap == 3


def test_a_gap_is_said_once_it_lasts(
    hidden: Reader, node: StubNode, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    hidden.mine(1)
    hidden.read()
    clock.now += TOLD_AFTER - 1
    hidden.read()
    assert caplog.messages == []
    clock.now += 1
    hidden.read()
    hidden.read()
    (said,) = caplog.messages
    assert said == (
        f"the node 0 shows no events of block {node.head.number} that should have some, for 30 s: nothing is "
        "decided on what comes after it"
    )


def test_a_gap_that_closes_is_said_too(
    node: StubNode, deployment: Deployment, codec: Codec, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    behind = Behind(node, [servers.late_logs(1.0, 1_000)])
    reader = reader_behind(behind, deployment, codec, clock)
    reader.mine(2)
    reader.read()
    clock.now += TOLD_AFTER
    reader.read()
    behind.broken = False
    reader.read()
    assert (reader.amounts, reader.gap) == ([1, 2], 0)
    assert caplog.messages[1:] == ["the events that were missing have come"]


def test_the_next_node_is_asked_for_what_one_does_not_show(
    node: StubNode, deployment: Deployment, codec: Codec, clock: Clock
) -> None:
    behind = Behind(node, [servers.late_logs(1.0, 1_000)])
    reader = reader_of(connect(deployment, codec, clock, behind, node), node, clock)
    reader.mine(1)
    reader.read()
    assert (reader.amounts, reader.gap) == ([], 1)
    reader.read()
    assert (reader.amounts, reader.gap) == ([1], 0)


def test_one_kind_of_event_does_not_stand_for_another(
    node: StubNode, client: MarketClient, clock: Clock, abi: list[dict[str, Any]]
) -> None:
    reader = reader_of(client, node, clock)
    node.mine(as_log(abi, Deposited(ALICE, 1)), as_log(abi, Withdrawn(ALICE, 2)))
    whole = node.head.logs
    node.before["eth_getLogs"] = lambda: setattr(node.head, "logs", whole[:1])
    reader.read()
    assert reader.amounts == []
    node.head.logs = whole
    reader.read()
    assert reader.amounts == [1, 2]


def test_one_event_does_not_stand_for_another_of_its_kind(
    node: StubNode, deployment: Deployment, codec: Codec, clock: Clock, abi: list[dict[str, Any]]
) -> None:
    """A server that leaves out some logs of a block was believed, if one of each kind was left."""
    reader = reader_behind(Behind(node, [servers.short_logs(0.8)]), deployment, codec, clock)
    for block in range(60):
        members = [Address(to_checksum_address(keccak(b"%d %d" % (block, who))[:20])) for who in range(3)]
        node.mine(*(as_log(abi, Deposited(member, 3 * block + who)) for who, member in enumerate(members)))
        reader.read()
        assert reader.amounts == list(range(len(reader.amounts)))
        assert len(reader.amounts) % 3 == 0
    assert reader.amounts


def test_of_a_node_that_lists_no_blocks_logs_each_kind_must_come(
    node: StubNode, client: MarketClient, clock: Clock
) -> None:
    reader = reader_of(client, node, clock)
    reader.mine(1)
    reader.read()
    reader.mine(1)
    node.errors["eth_getLogs"] = [{"code": -32601, "message": "logs by a block's hash are not served"}]
    node.before["eth_getBlockReceipts"] = node.asked.clear
    reader.read()
    assert [sorted(params[0]) for method, params in node.asked if method == "eth_getLogs"] == [
        ["address", "fromBlock", "toBlock"]
    ]
    assert (reader.gap, reader.amounts) == (0, reader.told)


def test_receipts_show_what_no_log_does(
    node: StubNode, deployment: Deployment, codec: Codec, clock: Clock
) -> None:
    node.receipts = True
    reader = reader_behind(Behind(node, [servers.late_logs(1.0, 1_000)]), deployment, codec, clock)
    for count in (1, 0, 2):
        reader.mine(count)
    reader.read()
    assert (reader.amounts, reader.gap) == ([1, 2, 3], 0)


# --- where blooms serve for nothing ---


@pytest.fixture
def bloomless(node: StubNode) -> StubNode:
    node.blooms = False
    return node


def test_without_blooms_receipts_are_read(
    bloomless: StubNode, client: MarketClient, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    bloomless.receipts = True
    reader = reader_of(client, bloomless, clock)
    reader.mine(1)
    reader.read()
    bloomless.asked.clear()
    reader.mine(2)
    reader.read()
    assert reader.amounts == [1, 2, 3]
    assert methods(bloomless) == ["eth_getBlockByNumber", "eth_getBlockReceipts"]
    assert caplog.messages == ["blooms of this chain say nothing of logs: receipts do, or a second node"]


def test_receipts_that_are_too_few_are_a_gap(
    bloomless: StubNode, deployment: Deployment, codec: Codec, clock: Clock
) -> None:
    bloomless.receipts = True
    reader = reader_behind(Behind(bloomless, []), deployment, codec, clock, "receipts")
    reader.read()
    transactions = reader.mine(2).transactions
    left_out = transactions[-1]
    bloomless.before["eth_getBlockReceipts"] = transactions.pop
    reader.read()
    assert (reader.amounts, reader.gap) == ([], 1)
    transactions.append(left_out)
    reader.read()
    assert (reader.amounts, reader.gap) == ([1, 2], 0)


def test_without_blooms_and_receipts_two_nodes_must_agree(
    bloomless: StubNode, deployment: Deployment, codec: Codec, clock: Clock
) -> None:
    late = Behind(bloomless, [servers.late_logs(1.0, 1)])
    late.broken = False
    reader = reader_of(connect(deployment, codec, clock, bloomless, late), bloomless, clock)
    reader.mine(1)
    reader.read()
    late.broken = True
    reader.mine(1)
    reader.read()
    assert (reader.amounts, reader.gap) == ([1], 1)
    reader.mine(0)
    clock.now += 1
    reader.read()
    assert reader.amounts == [1, 2]


def test_a_single_node_without_blooms_and_receipts_is_taken_at_its_word(
    bloomless: StubNode, client: MarketClient, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    reader = reader_of(client, bloomless, clock)
    for _ in range(3):
        reader.mine(1)
        reader.read()
    assert reader.amounts == [1, 2, 3]
    assert caplog.messages[1:] == [
        "one node without blooms and receipts: the last blocks are taken at its word"
    ]


def test_headers_without_a_bloom_are_no_obstacle(
    node: StubNode, client: MarketClient, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = node._shown
    monkeypatch.setattr(
        node, "_shown", lambda block: {k: v for k, v in shown(block).items() if k != "logsBloom"}
    )
    reader = reader_of(client, node, clock)
    reader.mine(1)
    reader.read()
    assert reader.amounts == [1]


def test_one_means_can_be_asked_for(
    node: StubNode, deployment: Deployment, codec: Codec, clock: Clock
) -> None:
    node.receipts = True
    reader = reader_behind(Behind(node, [answers.no_blooms()]), deployment, codec, clock, "receipts")
    reader.read()
    reader.mine(1)
    node.asked.clear()
    reader.read()
    assert methods(node) == ["eth_getBlockByNumber", "eth_getBlockReceipts"]
    assert reader.amounts == [1]


def test_bad_answers_end_the_step_and_lose_nothing(
    node: StubNode, client: MarketClient, clock: Clock
) -> None:
    reader = reader_of(client, node, clock)
    for count in (1, 0, 1):
        reader.mine(count)
    node.lost_requests["eth_getLogs"] = 1
    with pytest.raises(NodeUnavailable):
        reader.stream.poll()
    node.asked.clear()
    reader.read()
    assert reader.amounts == [1, 2]
    assert methods(node).count("eth_getBlockByNumber") == 1, "headers are not read again, but for the head's"
