"""Blocks read once more, when no server can be late with them: what the first reading missed is mended.

Also the first reading's own mistakes: a database of an older version may have gaps, or logs of a branch that
died.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping

from agents.chain.archive import Archive
from agents.chain.blocks import ListedLog, RawLog
from agents.chain.client import MarketClient
from agents.chain.spans import SpanReader
from agents.core.errors import NodeUnavailable

log = logging.getLogger(__name__)

DEPTH = 64
"""How many blocks lie on top of one that is read again."""

SECONDS = 300.0
"""How long blocks of that depth may wait for it; 64 of them are not waited for."""

_RETRY_SECONDS = 30.0

_Place = tuple[int, bytes, int]


class SecondReading:
    """Reads again what was read.

    Args:
        clock: seconds that only grow.
    """

    def __init__(
        self,
        client: MarketClient,
        archive: Archive,
        reader: SpanReader,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client = client
        self._archive = archive
        self._reader = reader
        self._clock = clock
        self._next = clock() + SECONDS
        self._rests_until = 0.0
        self.repaired = 0

    def is_due(self, read: int) -> bool:
        """Whether to read again now, with everything read up to block ``read``."""
        waiting, now = read - DEPTH - self._archive.verified, self._clock()
        return waiting > 0 and now >= self._rests_until and (waiting >= DEPTH or now >= self._next)

    def step(self, last: int) -> int:
        """Reads again from where it stopped, up to block ``last`` or as far as one request goes.

        Returns:
            How many events were mended.

        Raises:
            NodeUnavailable: the node did not answer, or not with all that we have of these blocks.
        """
        self._rests_until = self._clock() + _RETRY_SECONDS
        first = self._archive.verified + 1
        listed, upto = self._reader.read(max(first, self._client.anchor.number), last)
        mended = self._compare(first, upto, {(one.number, one.hash, one.index): one for one in listed})
        self._next, self._rests_until = self._clock() + SECONDS, 0.0
        self.repaired += mended
        return mended

    def _compare(self, first: int, upto: int, theirs: Mapping[_Place, ListedLog]) -> int:
        ours = {
            (one.block.number, one.block.hash, one.index): one
            for one in self._archive.logs_between(first, upto)
        }
        found = [self._of_chain(one) for place, one in theirs.items() if not _is_same(ours.get(place), one)]
        dead = {number for number, block, _ in ours.keys() - theirs.keys() if self._is_dead(number, block)}
        lost = sum(number in dead for number, _, _ in ours)
        self._archive.verify(upto, found, dead)
        if found or lost:
            log.warning(
                "blocks %d to %d: the second reading found %d events that the first had not, and %d of a "
                "branch that is not the chain's; this is mended",
                *(first, upto, len(found), lost),
            )
        return len(found) + lost

    def _of_chain(self, one: ListedLog) -> RawLog:
        block = self._client.require_block(one.number)
        if block.hash != one.hash:
            raise NodeUnavailable("the second reading met another branch of the chain")
        return one.at(block)

    def _is_dead(self, number: int, block: bytes) -> bool:
        """Whether a block of which the node shows not all that we have is not the chain's."""
        if self._client.require_block(number).hash != block:
            return True
        self._client.node.turn("it leaves out events that it had")
        raise NodeUnavailable(f"the node leaves out events of block {number}, which it had before")


def _is_same(ours: RawLog | None, theirs: ListedLog) -> bool:
    return ours is not None and (ours.topics, ours.data) == (theirs.topics, theirs.data)
