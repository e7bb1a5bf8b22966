"""What an agent's home tells with no node and no deployment's file, while the agent has it open or after.

Rules: A17, A105.
"""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from agents.chain.client import MarketClient
from agents.chain.database import ChainDatabase
from agents.chain.history import EventStream
from agents.chain.home_view import read_home
from agents.chain.outbox import Outbox
from agents.core.errors import BadInput
from agents.core.market import Market
from agents.portfolio.known import CHAIN_FILE, KnownHome
from testing.world import address_of

ME = address_of("me")


def test_what_was_read_is_there_for_others(client: MarketClient, tmp_path: Path) -> None:
    with closing(ChainDatabase(tmp_path / CHAIN_FILE)) as database:
        stream = EventStream(client, database)
        Outbox(database, ME)
        events = stream.poll().events
        view = read_home(tmp_path / CHAIN_FILE)
        assert view is not None
        assert (view.member, view.upto.number) == (ME, client.head().number)
        assert view.market.members == Market(events).members
        known = KnownHome.read(tmp_path)
    assert (known.address, known.now) == (ME, view.upto.timestamp)
    assert known.market.members == view.market.members


def test_a_home_that_has_read_nothing_says_so(client: MarketClient, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="has read nothing of the market yet: let it run first"):
        KnownHome.read(tmp_path)
    with closing(ChainDatabase(tmp_path / CHAIN_FILE)) as database:
        with pytest.raises(BadInput, match="has read nothing of the market yet: let it run first"):
            KnownHome.read(tmp_path)
        EventStream(client, database)
        with pytest.raises(BadInput, match="has read nothing of the market yet: let it run first"):
            KnownHome.read(tmp_path)
