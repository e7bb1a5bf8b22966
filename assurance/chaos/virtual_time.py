"""Time that is ours while anybody works; and when all wait, it is at once when the first of them is due.

So a life is as long as its work on this machine, and a machine that is slow or busy makes no agent late: what
it takes for a step is all that passes meanwhile, as it would for agents with windows of hours.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection

from agents.runtime.stop import StopSignal


class VirtualTime:
    """Seconds of the agents, and of the chain that they wait for."""

    def __init__(self) -> None:
        self._start = time.monotonic()
        self._skipped = 0.0
        self._changed = threading.Condition()
        self._parties = 0
        self._due: dict[object, float] = {}

    def now(self) -> float:
        """How many have passed."""
        return time.monotonic() - self._start + self._skipped

    def skip(self, seconds: float) -> None:
        """So many pass at once."""
        with self._changed:
            self._skipped += seconds
            self._changed.notify_all()

    @contextmanager
    def party(self) -> Iterator[None]:
        """Whoever is in it has to wait before time is skipped."""
        with self._changed:
            self._parties += 1
        try:
            yield
        finally:
            with self._changed:
                self._parties -= 1
                self._skip_to_the_first()

    def wait(self, seconds: float, is_over: Callable[[], bool] = lambda: False) -> None:
        """Waits for so many, or until it is over: see `look`."""
        me, due = object(), self.now() + seconds
        with self._changed:
            self._due[me] = due
            self._skip_to_the_first()
            while not is_over() and (left := due - self.now()) > 0:
                self._changed.wait(left if math.isfinite(left) else None)
            del self._due[me]

    def look(self) -> None:
        """Has all who wait look whether it is over."""
        with self._changed:
            self._changed.notify_all()

    def _skip_to_the_first(self) -> None:
        first = min(self._due.values(), default=math.inf)
        if len(self._due) >= self._parties and math.isfinite(first):
            self._skipped += max(0.0, first - self.now())
            self._changed.notify_all()


class VirtualStop(StopSignal):
    """Tells an agent to end; whoever waits for it waits by virtual time, and needs no pipe."""

    def __init__(self, clock: VirtualTime) -> None:
        self._clock = clock
        self._is_set = False

    def set(self) -> None:
        """From now on nobody waits."""
        self._is_set = True
        self._clock.look()

    def wait(self, seconds: float | None, *connections: Connection) -> None:
        """Waits for so many seconds, or until it is set; there must be no connections."""
        assert not connections
        self._clock.wait(math.inf if seconds is None else seconds, self.is_set)

    def close(self) -> None:
        """There is nothing to give back."""
