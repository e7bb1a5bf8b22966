"""A deployment, a node in memory, and a client between them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from agents.chain.client import MarketClient
from agents.chain.codec import Codec
from agents.chain.database import ChainDatabase
from agents.chain.deployment import Deployment
from agents.chain.endpoint import Endpoint
from agents.chain.node import Node
from agents.chain.wallet import Wallet
from agents.core.ids import Address
from testing.compiler import compiled
from tests.agents.chain.desk import Desk
from tests.agents.chain.stub_node import StubNode

INTERFACE = "contracts/interfaces/IMarketplace.sol"
MULTICALL = {  # OpenZeppelin's, which the deployed contract adds to the interface
    "type": "function",
    "name": "multicall",
    "inputs": [{"name": "data", "type": "bytes[]"}],
    "outputs": [{"name": "results", "type": "bytes[]"}],
}
MARKET = Address("0x5FbDB2315678afecb367f032d93F642f64180aa3")


@pytest.fixture(scope="session")
def abi() -> list[dict[str, Any]]:
    interface = compiled(INTERFACE, "abi")["contracts"][INTERFACE]["IMarketplace"]["abi"]
    return [*interface, MULTICALL]


@pytest.fixture(scope="session")
def codec(abi: list[dict[str, Any]]) -> Codec:
    return Codec(abi)


@pytest.fixture(scope="session")
def deployment(abi: list[dict[str, Any]]) -> Deployment:
    return Deployment(1337, MARKET, 1, abi)


@pytest.fixture
def node() -> StubNode:
    return StubNode(MARKET)


@dataclass
class Clock:
    """Seconds that pass when a test says so."""

    now: float = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def client(node: StubNode, deployment: Deployment, codec: Codec, clock: Clock) -> MarketClient:
    return MarketClient(deployment, Node([Endpoint(node, codec.refusal)], clock, sleep=lambda _: None), codec)


@pytest.fixture
def database() -> ChainDatabase:
    return ChainDatabase(":memory:")


@pytest.fixture(scope="session")
def wallet() -> Wallet:
    return Wallet.from_key(b"\1" * 32)


@pytest.fixture
def desk(node: StubNode, client: MarketClient, wallet: Wallet, clock: Clock, database: ChainDatabase) -> Desk:
    return Desk(node, client, wallet, clock, database)
