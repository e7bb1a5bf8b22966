"""A market on a node in memory, members with wallets, and the draft of their kit."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from agents.chain.client import MarketClient
from agents.chain.deployment import Deployment
from agents.chain.wallet import Wallet
from agents.kit.document import Kit
from agents.kit.draft import make_card, make_kit, read_draft
from testing.compiler import compiled
from tests.agents.chain.conftest import INTERFACE, MARKET, MULTICALL
from tests.agents.chain.stub_node import StubNode

CONVENER, DATA, CLOUD, MODEL = (Wallet.from_key(bytes([number]) * 32) for number in (1, 2, 3, 4))
MEMBERS: dict[str, Any] = {
    "st-mary/do": (DATA, "data-owner"),
    "north/co1": (CLOUD, "cloud-owner"),
    "lab/mo": (MODEL, "model-owner"),
}


@dataclass
class Consortium:
    """What a kit is made of.

    Attributes:
        fields: of its draft.
    """

    folder: Path
    node: StubNode
    fields: dict[str, Any] = field(default_factory=dict)

    def draft(self) -> Path:
        """Writes the draft."""
        path = self.folder / "draft.json"
        path.write_text(json.dumps(self.fields))
        return path

    def kit(self, **changed: Any) -> Kit:
        """Signs a kit."""
        self.fields |= changed
        return make_kit(read_draft(self.draft()), CONVENER)

    def file(self, **changed: Any) -> Path:
        """The same, in a file."""
        path = self.folder / "kit.json"
        path.write_text(self.kit(**changed).text())
        return path


@pytest.fixture
def consortium(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Consortium:
    abi = compiled(INTERFACE, "abi")["contracts"][INTERFACE]["IMarketplace"]["abi"]
    deployment = Deployment(1337, MARKET, 1, [*abi, MULTICALL])
    deployment.save(tmp_path / "market.json")
    node = StubNode(MARKET)
    monkeypatch.setattr(MarketClient, "connect", lambda _rpc, known, *_, **__: MarketClient.over(node, known))
    cards = [
        make_card(wallet, name, role).model_dump(mode="json") for name, (wallet, role) in MEMBERS.items()
    ]
    fields = {
        "name": "fair-study",
        "deployment": "market.json",
        "nodes": ["https://node.mary.test/${NODE_TOKEN}"],
        "store": "/srv/store",
        "members": cards,
    }
    return Consortium(tmp_path, node, fields)
