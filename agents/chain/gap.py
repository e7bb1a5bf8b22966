"""A block whose events cannot be had: said, and the next node asked."""

from __future__ import annotations

import logging
from collections.abc import Callable

from agents.chain.blocks import Header
from agents.chain.node import Node

log = logging.getLogger(__name__)

TOLD_AFTER = 30.0
"""Seconds for which a server may be late without a word about it."""


class Gap:
    """The first block that is not whole, if there is one.

    Args:
        clock: seconds that only grow.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._block: bytes | None = None
        self._since = 0.0
        self._told = False

    def note(self, header: Header | None, node: Node) -> None:
        """Notes which block is not whole after a step; None if each is."""
        if header is None or header.hash != self._block:
            if self._told:
                log.warning("the events that were missing have come")
            self._block = header.hash if header else None
            self._since, self._told = self._clock(), False
        if header is None:
            return
        if not self._told and self._clock() >= self._since + TOLD_AFTER:
            log.warning(
                "%s shows no events of block %d that should have some, for %g s: nothing is decided on what "
                "comes after it",
                *(node.serving.name, header.number, self._clock() - self._since),
            )
            self._told = True
        node.turn(f"it does not show the events of block {header.number}")
