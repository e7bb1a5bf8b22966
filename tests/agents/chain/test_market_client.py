"""The market as a node tells it.

Rules: A13.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from eth_abi.abi import decode, encode

from agents.chain import views
from agents.chain.answers import from_hex
from agents.chain.client import BlockRef, MarketClient
from agents.chain.database import ChainDatabase
from agents.chain.deployment import Deployment
from agents.chain.peer import PATIENCE_SECONDS
from agents.core.errors import BadInput, NodeUnavailable, WrongNetwork
from agents.core.events import Deposited, Logged, Withdrawn
from agents.core.ids import Address
from testing.events_as_logs import as_log
from tests.agents.chain.conftest import Clock
from tests.agents.chain.stub_node import StubNode

ALICE = Address("0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266")


def test_refuses_a_node_of_another_chain(node: StubNode, deployment: Deployment) -> None:
    node.chain_id = 5
    with pytest.raises(WrongNetwork, match="the node is of chain 5, the deployment of chain 1337"):
        MarketClient.over(node, deployment)


def test_refuses_a_chain_without_the_deployments_block(node: StubNode, deployment: Deployment) -> None:
    with pytest.raises(WrongNetwork, match="no block 9"):
        MarketClient.over(node, replace(deployment, block=9))


def test_refuses_a_chain_without_the_contract(node: StubNode, deployment: Deployment) -> None:
    node.code = "0x"
    with pytest.raises(WrongNetwork, match="no contract at 0x5FbDB2315678afecb367f032d93F642f64180aa3"):
        MarketClient.over(node, deployment)


def test_connects_by_http_only(deployment: Deployment) -> None:
    with pytest.raises(BadInput, match="must be a URL"):
        MarketClient.connect("ipc:/tmp/node", deployment)
    with pytest.raises(NodeUnavailable):
        MarketClient.connect("http://127.0.0.1:1", deployment, timeout_seconds=5)


def test_names_blocks(node: StubNode, client: MarketClient) -> None:
    block = node.mine()
    expected = BlockRef(2, from_hex(block.hash), block.timestamp)
    assert client.head() == client.block(2) == client.require_block(2) == expected
    assert client.block(3) is None
    with pytest.raises(NodeUnavailable, match="no block 3"):
        client.require_block(3)


def test_notices_that_the_chain_was_started_anew(node: StubNode, client: MarketClient, clock: Clock) -> None:
    client.require_same_chain()
    node.take_back(1)
    node.mine()
    with pytest.raises(NodeUnavailable, match="started anew"):
        client.require_same_chain()
    clock.now += PATIENCE_SECONDS
    with pytest.raises(WrongNetwork, match="started anew"):
        client.require_same_chain()


def test_a_database_is_of_one_chain(node: StubNode, deployment: Deployment, database: ChainDatabase) -> None:
    MarketClient.over(node, deployment).claim(database)
    MarketClient.over(node, deployment).claim(database)
    node.take_back(1)
    node.mine()
    with pytest.raises(BadInput, match="belongs to the market"):
        MarketClient.over(node, deployment).claim(database)


def test_gives_events_in_the_chains_order(
    abi: list[dict[str, Any]], node: StubNode, client: MarketClient
) -> None:
    first = node.mine(as_log(abi, Deposited(ALICE, 1)), as_log(abi, Withdrawn(ALICE, 1)))
    node.mine()
    second = node.mine(as_log(abi, Deposited(ALICE, 2)))
    logs = client.logs(0, 4)
    assert [logged.event for logged in logs] == [
        Deposited(ALICE, 1),
        Withdrawn(ALICE, 1),
        Deposited(ALICE, 2),
    ]
    assert [(logged.block, logged.index) for logged in logs] == [(2, 0), (2, 1), (4, 0)]
    assert logs[1] == Logged(
        Withdrawn(ALICE, 1), 2, from_hex(first.hash), first.timestamp, 1, logs[0].transaction
    )
    assert logs[2].timestamp == second.timestamp
    asked = [params[0] for method, params in node.asked if method == "eth_getBlockByNumber"]
    assert (asked.count("0x2"), asked.count("0x4")) == (1, 1), "once a block"


def test_a_block_that_goes_while_it_is_read_is_read_again_later(
    abi: list[dict[str, Any]], node: StubNode, client: MarketClient
) -> None:
    node.mine(as_log(abi, Deposited(ALICE, 1)))
    node.before["eth_getBlockByNumber"] = lambda: node.take_back(1)
    with pytest.raises(NodeUnavailable, match="no block 2"):
        client.logs(0, 2)
    node.mine(as_log(abi, Deposited(ALICE, 1)))

    def replace_block() -> None:
        node.take_back(1)
        node.mine()

    node.before["eth_getBlockByNumber"] = replace_block
    with pytest.raises(NodeUnavailable, match="the chain changed while it was read"):
        client.logs(0, 2)


def test_reads_a_view_after_a_block(node: StubNode, client: MarketClient) -> None:
    node.answer = lambda _: encode(["bytes[]"], [[encode(["uint256"], [7])]])
    assert client.read(views.balance_of(ALICE)) == 7
    assert node.asked[-1][1][1] == "latest"
    assert client.read(views.balance_of(ALICE), 1) == 7
    assert node.asked[-1][1][1] == "0x1"


def test_reads_many_views_at_once(node: StubNode, client: MarketClient) -> None:
    def answer(data: bytes) -> bytes:
        (calls,) = decode(["bytes[]"], data[4:])
        return encode(["bytes[]"], [[encode(["uint256"], [call[-1]]) for call in calls]])

    node.answer = answer
    accounts = [Address(f"0x{number:040x}") for number in range(250)]
    assert client.read_all([views.balance_of(account) for account in accounts]) == list(range(250))
    assert [method for method, _ in node.asked].count("eth_call") == 3
    assert client.read_all([]) == []


def test_counts_the_contracts_coins(node: StubNode, client: MarketClient, deployment: Deployment) -> None:
    node.balances[deployment.market] = 12
    assert client.coins() == client.coins(1) == 12


@pytest.mark.parametrize(
    "entry",
    [
        {},
        {"type": "function", "name": "f", "inputs": 7, "outputs": []},
        {"type": "event", "name": "E", "inputs": [{"type": "uint256", "indexed": False}]},
        {"type": "event", "name": "Deposited", "inputs": [{"name": "a", "type": "uint7", "indexed": False}]},
    ],
)
def test_a_damaged_abi_is_one_line(entry: dict[str, Any]) -> None:
    deployment = Deployment(1, Address("0x5FbDB2315678afecb367f032d93F642f64180aa3"), 1, [entry])
    with pytest.raises(BadInput, match="the deployment's ABI cannot be read"):
        MarketClient.connect("http://127.0.0.1:1", deployment)
