"""Time that runs faster than ours: for agents that wait, and for the chain that they wait for."""

from __future__ import annotations

import time
from multiprocessing.connection import Connection

from agents.runtime.stop import StopSignal

SPEED = 10.0
"""Seconds of theirs in one of ours."""


class VirtualTime:
    """Seconds of the agents."""

    def __init__(self) -> None:
        self._start = time.monotonic()
        self._skipped = 0.0

    def now(self) -> float:
        """How many have passed."""
        return (time.monotonic() - self._start) * SPEED + self._skipped

    def skip(self, seconds: float) -> None:
        """So many pass at once."""
        self._skipped += seconds

    @staticmethod
    def sleep(seconds: float) -> None:
        """Waits for so many."""
        time.sleep(seconds / SPEED)


class VirtualStop(StopSignal):
    """Tells an agent to end; it waits by virtual time."""

    def wait(self, seconds: float | None, *connections: Connection) -> None:
        """Waits for so many seconds, or until it is set."""
        super().wait(None if seconds is None else seconds / SPEED, *connections)
