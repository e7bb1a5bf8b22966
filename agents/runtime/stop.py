"""How a loop is told to end, and what it rests on until then."""

from __future__ import annotations

import os
from multiprocessing.connection import Connection, wait


class StopSignal:
    """Says that it is time to end. A signal handler may `set` it at any moment: no lock is taken.

    It is a pipe that becomes readable, so that whoever waits for it can wait for connections as well.
    """

    def __init__(self) -> None:
        self._is_set = False
        self._reader, self._writer = os.pipe()

    def set(self) -> None:
        """From now on nobody waits."""
        self._is_set = True
        os.write(self._writer, b"\0")

    def is_set(self) -> bool:
        """Whether it is time."""
        return self._is_set

    def wait(self, seconds: float | None, *connections: Connection) -> None:
        """Rests until it is set, or something comes on one of the connections, or the time is over."""
        wait([self._reader, *connections], seconds)

    def close(self) -> None:
        """Gives the pipe back."""
        os.close(self._reader)
        os.close(self._writer)
