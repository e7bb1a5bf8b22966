"""How often an agent looks at the chain: with the blocks while something is due, seldom while nothing is."""

from __future__ import annotations

from agents.chain.blocks import BlockRef
from agents.core.enums import CouplePhase
from agents.core.events import DatasetTerms
from agents.core.ids import Address, dataset_of
from agents.core.market import Market
from agents.readmodel.parts import HELD, couples_of

REST_SECONDS = 7.5
"""At rest: eight looks a minute, of two requests each."""

QUICKEST = 1.0
"""Seconds between two looks while something is due, where blocks are as short or shorter."""

_OF_BLOCKS = 4
"""Looks between two blocks, where they are longer: what is due in one is done before the next."""

_OF_WINDOW = 16
"""Who rests looks at least so many times in the shortest window in which it may have to answer."""

_UNDER_WAY = tuple(
    phase
    for phase in CouplePhase
    if not phase.is_over and phase not in (CouplePhase.NONE, CouplePhase.REQUESTED, CouplePhase.LAPSED)
)
"""A request may wait for a day, and nobody has to be quick about it."""


class Pace:
    """How long to rest after a step.

    Args:
        fixed: seconds, whatever is due; None to go by what is.
    """

    def __init__(self, fixed: float | None = None) -> None:
        self._fixed = fixed
        self._due = True
        self._last: BlockRef | None = None
        self._block_seconds = 0.0
        self._window = float("inf")

    @property
    def resting(self) -> bool:
        """Whether nothing is due, and no couple of ours is under way."""
        return self._fixed is None and not self._due

    @property
    def seconds(self) -> float:
        """Until the next look."""
        if self._fixed is not None:
            return self._fixed
        quick = min(max(QUICKEST, self._block_seconds / _OF_BLOCKS), REST_SECONDS)
        return max(quick, min(REST_SECONDS, self._window / _OF_WINDOW)) if self.resting else quick

    def look(self, market: Market, member: Address, upto: BlockRef, *, due: bool) -> None:
        """Takes in what a step found.

        Args:
            market: the mirror.
            member: whose agent it is.
            upto: the last block read.
            due: whether there was anything to do.
        """
        if self._last is not None and upto.number > self._last.number:
            blocks, seconds = upto.number - self._last.number, upto.timestamp - self._last.timestamp
            self._block_seconds = seconds / blocks
        self._last = upto
        self._due = due or is_engaged(market, member, upto.timestamp)
        if not self._due:
            self._window = _shortest_window(market, member)


def is_engaged(market: Market, member: Address, now: int) -> bool:
    """Whether a couple is under way in which a member has a part."""
    return any(market.phase_of(couple, now) in _UNDER_WAY for couple in couples_of(market, member))


def _shortest_window(market: Market, member: Address) -> float:
    """The shortest of the datasets that are a member's, or of which it holds a replica; infinity of none."""
    terms = [dataset.terms for dataset in market.datasets.values() if dataset.owner == member]
    held = (one for one in market.instances_at(member) if one.status in HELD)
    terms += [market.datasets[dataset_of(instance.id)].terms for instance in held]
    return min(map(_shortest, terms), default=float("inf"))


def _shortest(terms: DatasetTerms) -> int:
    return min(
        terms.answer_window_seconds,
        terms.draw_window_seconds,
        terms.report_window_seconds,
        terms.settle_window_seconds,
    )
