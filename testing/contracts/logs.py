"""What the market said, as the agents' own messages."""

from __future__ import annotations

from typing import Any

from agents.core.events import MarketEvent
from testing.contracts.chain import chain


def events(tx: Any) -> list[MarketEvent]:
    """All events of a transaction, in order."""
    return chain().events(tx)


def event(tx: Any) -> Any:
    """The one event of a transaction."""
    (only,) = events(tx)
    return only
