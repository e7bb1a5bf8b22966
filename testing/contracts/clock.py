"""Time on the chain of the tests, to the second."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from testing.contracts.chain import chain


def now() -> int:
    """The latest block's timestamp, in seconds."""
    return chain().now()


def travel_to(timestamp: int) -> None:
    """Mines an empty block in exactly this second; what follows happens in it or later."""
    chain().travel_to(timestamp)


def at(timestamp: int, act: Callable[[], Any]) -> Any:
    """Runs one transaction in exactly this second."""
    return chain().at(timestamp, act)
