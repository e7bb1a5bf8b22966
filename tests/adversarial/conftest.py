"""One node for all adversarial stories, and a market of its own for each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from agents.chain.client import MarketClient
from testing.agent_network import AgentNetwork
from testing.node_market import deploy, fresh_client


@pytest.fixture(scope="session")
def node_client() -> Iterator[MarketClient]:
    with fresh_client() as client:
        yield client


@pytest.fixture
def gather(node_client: MarketClient, tmp_path: Path) -> Callable[..., AgentNetwork]:
    """Makes an agent network on a fresh market; takes what `AgentNetwork` takes."""

    def make(name: str = "homes", **settings: Any) -> AgentNetwork:
        client = MarketClient(deploy(node_client.node), node_client.node, node_client.codec)
        return AgentNetwork(client, tmp_path / name, **settings)

    return make
