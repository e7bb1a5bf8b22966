"""What an agent's database tells with no node, while the agent has it open or after.

Rules: A17, A105.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from agents.chain.client import MarketClient
from agents.chain.database import ChainDatabase
from agents.chain.deployment import Deployment
from agents.chain.history import EventStream
from agents.chain.kept import read_kept
from agents.chain.outbox import Outbox
from agents.core.errors import BadInput
from testing.world import address_of

ME = address_of("me")


@pytest.fixture
def database(tmp_path: Path) -> ChainDatabase:
    return ChainDatabase(tmp_path / "chain.sqlite")


def test_what_was_read_is_there_for_others(
    client: MarketClient, database: ChainDatabase, tmp_path: Path
) -> None:
    stream = EventStream(client, database)
    Outbox(database, ME)
    events = list(stream.poll().events)
    kept = read_kept(tmp_path / "chain.sqlite", client.deployment)
    assert list(kept.events) == events
    assert kept.wallet == ME
    assert kept.upto.number == client.head().number


def test_a_home_that_has_read_nothing_says_so(
    client: MarketClient, database: ChainDatabase, tmp_path: Path
) -> None:
    for path in (tmp_path / "none.sqlite", tmp_path / "chain.sqlite"):
        with pytest.raises(BadInput, match="has read nothing of the market yet: let it run first"):
            read_kept(path, client.deployment)


def test_another_markets_deployment_is_refused(
    client: MarketClient, database: ChainDatabase, tmp_path: Path
) -> None:
    EventStream(client, database)
    Outbox(database, ME)
    known = client.deployment
    for other in (
        Deployment(known.chain_id + 1, known.market, known.block, known.abi),
        Deployment(known.chain_id, address_of("elsewhere"), known.block, known.abi),
    ):
        with pytest.raises(BadInput, match=r"is of the market .* name its deployment"):
            read_kept(tmp_path / "chain.sqlite", other)
