"""Words for whoever waits: what is under way, whenever nothing else was said for some seconds."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from types import TracebackType

EVERY_SECONDS = 4.0


class Heartbeat:
    """Says what is under way, and since when, as long as nothing else is said.

    Args:
        say: shows a line.
        clock: seconds that only grow.
        every: after so many seconds of silence.
    """

    def __init__(
        self,
        say: Callable[[str], None],
        clock: Callable[[], float] = time.monotonic,
        every: float = EVERY_SECONDS,
    ) -> None:
        self._say, self._clock, self._every = say, clock, every
        self._what: Callable[[], str] = lambda: ""
        self._begun = self._said = clock()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._beat, daemon=True)

    def __enter__(self) -> Heartbeat:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join()

    def begin(self, what: str) -> None:
        """Something else is under way from now on; it is said."""
        self.follow(lambda: what)
        self._say(f"{what} ..")
        self.said()

    def follow(self, what: Callable[[], str]) -> None:
        """From now on this tells what is under way."""
        self._what, self._begun = what, self._clock()

    def said(self) -> None:
        """Somebody else said something just now."""
        self._said = self._clock()

    def look(self) -> None:
        """Says what is under way, if it is time to."""
        now = self._clock()
        if now - self._said >= self._every and self._what():
            self._said = now
            self._say(f"{self._what()} .. {now - self._begun:.0f} s")

    def _beat(self) -> None:
        while not self._ended.wait(self._every / 4):
            self.look()
