"""One URL among several: how it does, when to ask it again, and whether it is of our chain."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from agents.chain.answers import NodeBusy, NodeShut
from agents.chain.endpoint import Endpoint
from agents.core.errors import NodeUnavailable, WrongNetwork

log = logging.getLogger(__name__)

PATIENCE_SECONDS = 60.0
"""For how long a URL that was of our chain may seem to be of another before it is out."""

SHUT_SECONDS = 60.0
"""For how long a URL that does not let us in is left alone."""

_FIRST, _LONGEST = 0.5, 30.0
_FIRST_OF_RATE, _LONGEST_OF_RATE = 1.0, 60.0


@dataclass(eq=False)
class Peer:
    """What is known of one URL. Times are those of a clock that only grows, in seconds.

    Attributes:
        known: it has shown that it is of our chain; `ours`: it has done so at least once.
        foreign_since: when it began to seem to be of another, after it was of ours.
        out: it is of another.
        failures: in a row.
        rest_until: when to ask it again; `held`: not before, whatever the others do.
        lag: blocks behind the best of all, at the last look.
        told: that it does not let us in.
    """

    endpoint: Endpoint
    known: bool = False
    ours: bool = False
    foreign_since: float | None = None
    out: bool = False
    failures: int = 0
    rest_until: float = 0.0
    held: bool = False
    lag: int = 0
    told: bool = False

    def is_well(self, now: float) -> bool:
        """Whether to ask it before those that failed."""
        return not self.out and now >= self.rest_until

    def may_be_asked(self, now: float) -> bool:
        """Whether it may be asked at all."""
        return not self.out and (not self.held or now >= self.rest_until)

    def succeeded(self) -> None:
        """It answered."""
        self.failures, self.rest_until, self.held, self.told = 0, 0.0, False, False

    def failed(self, problem: NodeUnavailable, now: float, draw: float) -> None:
        """It did not answer; ``draw`` from 0 to 1 spreads those that failed together."""
        self.failures += 1
        if isinstance(problem, NodeShut):
            self._rest(now, SHUT_SECONDS, held=True)
            if not self.told:
                log.warning("%s; it is asked again in %g s", problem, SHUT_SECONDS)
            self.told = True
        elif isinstance(problem, NodeBusy):
            own = self._grown(_FIRST_OF_RATE, _LONGEST_OF_RATE) * draw
            self._rest(now, own if problem.wait is None else min(problem.wait, _LONGEST_OF_RATE), held=True)
        else:
            self._rest(now, self._grown(_FIRST, _LONGEST) * (1 + draw) / 2)

    def recognise(self, foreign: WrongNetwork | None, now: float) -> None:
        """It showed which chain it is of.

        A URL that was of ours may have one wrong server behind it; one that never was is out.

        Raises:
            NodeUnavailable: it seems to be of another, and may come back.
        """
        if foreign is None:
            self.known, self.ours, self.foreign_since = True, True, None
            return
        self.foreign_since = now if self.foreign_since is None else self.foreign_since
        if self.ours and now < self.foreign_since + PATIENCE_SECONDS:
            raise NodeUnavailable(f"{self.endpoint.name} seems to be of another chain: {foreign}") from None
        self.out = True

    def _grown(self, first: float, most: float) -> float:
        return min(most, first * 2.0 ** min(self.failures - 1, 16))

    def _rest(self, now: float, seconds: float, *, held: bool = False) -> None:
        self.rest_until, self.held = now + seconds, held
