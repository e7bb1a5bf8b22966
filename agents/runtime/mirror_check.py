"""The mirror compared with the contract's own views: the one check that needs no events."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from agents.audit.live import differences
from agents.chain.client import BlockRef, MarketClient
from agents.core.ids import Address
from agents.core.market import Market

log = logging.getLogger(__name__)

SECONDS = 600.0
"""How often."""


@dataclass
class MirrorCheck:
    """Compares what concerns a member.

    Attributes:
        clock: seconds that only grow.
    """

    client: MarketClient
    member: Address
    clock: Callable[[], float] = time.monotonic
    _next: float = 0.0
    _checked: bytes = b""
    _told: set[str] = field(default_factory=set)

    def is_due(self) -> bool:
        """Whether it is time to compare, whatever is done."""
        return self.clock() >= self._next

    def holds(self, market: Market, upto: BlockRef) -> bool:
        """Whether a mirror of all events up to a block says what the contract says; once a block.

        Raises:
            NodeUnavailable: the node did not answer.
        """
        if self._checked != upto.hash:
            found = set(differences(market, self.client, upto, self.member))
            for difference in sorted(found - self._told):
                log.warning("block %d: %s", upto.number, difference)
            self._checked, self._told = upto.hash, found
            self._next = self.clock() + SECONDS
        return not self._told
