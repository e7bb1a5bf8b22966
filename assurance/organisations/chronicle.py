"""What happens on the market, as somebody sees it who is none of its members."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from agents.chain.access import HttpAccess
from agents.chain.client import MarketClient
from agents.chain.database import ChainDatabase
from agents.chain.deployment import Deployment
from agents.chain.history import EventStream
from agents.core.enums import InstanceStatus
from agents.core.errors import Retry
from agents.core.ids import Address, replica_of
from agents.core.market import Market
from agents.storage.database import MEMORY

_LOOK_SECONDS = 1.0


class Chronicle:
    """The market from outside.

    Args:
        urls: of nodes.
        deployment: where the market is.
        authority: PEM file of who vouches for the nodes.
    """

    def __init__(self, urls: Sequence[str], deployment: Path, authority: Path) -> None:
        client = MarketClient.connect(urls, Deployment.load(deployment), access=HttpAccess(authority))
        self._stream, self.market = EventStream(client, ChainDatabase(MEMORY)), Market()

    def look(self) -> Market:
        """The market as it is now."""
        with suppress(Retry):
            batch = self._stream.poll()
            if batch.rolled_back:
                self.market = Market(self._stream.replay())
            for logged in batch.events:
                self.market.apply(logged)
        return self.market

    def until(self, happened: Callable[[Market], bool], what: str, seconds: float) -> None:
        """Returns when something has happened.

        Raises:
            AssertionError: it does not within the time.
        """
        deadline = time.monotonic() + seconds
        while not happened(self.look()):
            assert time.monotonic() < deadline, f"within {seconds:.0f} s not: {what}"
            time.sleep(_LOOK_SECONDS)

    def verified(self, beyond: int) -> int:
        """How many replicas that were named after the first so many of each subset have joined."""
        instances = self.market.instances.values()
        return sum(one.verified_at > 0 and replica_of(one.id) >= beyond for one in instances)

    def held_by(self, owner: Address) -> int:
        """Replicas in the pool that a cloud owner has."""
        return sum(
            one.status is InstanceStatus.VERIFIED and one.cloud_owner == owner
            for one in self.market.instances.values()
        )
