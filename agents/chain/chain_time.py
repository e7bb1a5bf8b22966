"""The chain's time: that of the last block that was read whole.

Deadlines are the chain's, and so are decisions about them: a clock of this machine that is wrong costs nobody
one. Work beside the loop reads the same time, in processes that were forked from the agent.
"""

from __future__ import annotations

from mmap import mmap

_BYTES = 8


class ChainTime:
    """Seconds, shared with the processes that are forked after it was made; 0 before any block was read."""

    def __init__(self) -> None:
        self._shared = mmap(-1, _BYTES)

    def set(self, seconds: int) -> None:
        """A block of this time was read whole."""
        self._shared[:] = seconds.to_bytes(_BYTES, "big")

    def __call__(self) -> int:
        """What it is now."""
        return int.from_bytes(self._shared[:], "big")
