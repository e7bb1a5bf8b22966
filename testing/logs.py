"""What the market said, as the agents' own messages."""

from __future__ import annotations

from typing import Any

from agents.core.events import EVENTS, DatasetTerms, MarketEvent


def events(tx: Any) -> list[MarketEvent]:
    """All events of a transaction, in order."""
    return [EVENTS[event.name](*map(_plain, event[0].values())) for event in tx.events]


def event(tx: Any) -> Any:
    """The one event of a transaction."""
    (only,) = events(tx)
    return only


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return bytes(value)  # Brownie's hex strings compare with hex strings only
    return DatasetTerms(*value) if isinstance(value, tuple) else value
