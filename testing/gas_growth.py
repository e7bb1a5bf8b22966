"""What the market costs by the size of what a call is for, in units of gas.

Every figure is of a call on the EVM in this process, with fixed inputs and as a transaction of its own: no
two runs differ. Sizes are of fresh assets, so that each is paid for as a first one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache, partial
from itertools import pairwise
from typing import Any

import numpy as np

from agents.core import calls
from agents.core.calls import Call
from agents.core.enums import CouplePhase as Phase
from agents.core.ids import instance_id
from testing.evm import Evm, codec
from testing.evm_script import EvmScript
from testing.script import LOCATION

SIZES = (1, 2, 5, 10, 20, 50, 100)
REPLICAS = tuple(range(1, 17))
MOST_SUBSETS, MOST_REPLICAS = 256, 16
PIECE = 32
"""Subsets of the largest round that one closeRound takes, everybody silent."""


Line = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True)
class Series:
    """Gas by size.

    Attributes:
        unit: what the size counts.
    """

    call: str
    unit: str
    gas: dict[int, int]

    @property
    def name(self) -> str:
        return f"{self.call}.{self.unit}"

    @property
    def words(self) -> str:
        """The unit as it is said."""
        return self.unit.replace("_", " ")

    @property
    def slope(self) -> float:
        """Gas a unit, by least squares."""
        return float(self._line[0])

    @property
    def steps(self) -> tuple[float, ...]:
        """Gas a unit between each size and the next."""
        points = pairwise(self.gas.items())
        return tuple((above - below) / (larger - smaller) for (smaller, below), (larger, above) in points)

    @property
    def r_squared(self) -> float:
        """How much of the differences the line explains, at most 1."""
        gas = np.array(list(self.gas.values()), dtype=float)
        line = np.array([self.at(size) for size in self.gas])
        return 1.0 - float(np.sum((gas - line) ** 2) / np.sum((gas - gas.mean()) ** 2))

    def at(self, size: int) -> float:
        """The line's gas for a size."""
        return float(np.polyval(self._line, size))

    @property
    def _line(self) -> Line:
        return np.polyfit(list(self.gas), list(self.gas.values()), 1)


def script(replicas: int, subsets: int = 1, drawn: int | None = None, quorum: int = 0) -> EvmScript:
    """A new market."""
    each = subsets if drawn is None else drawn
    market = Evm()
    return EvmScript(market, replicas, rounds=1, quorum=quorum, subsets=subsets, subsets_per_round=each)


def opened(story: EvmScript) -> EvmScript:
    """All replicas in the pool, however many."""
    story.register()
    story.offer()
    for index in range(story.terms.subsets):
        story.name(subsets=[index])
    story.fill_pool()
    return story


def approved(story: EvmScript) -> EvmScript:
    """A couple that may start its round."""
    opened(story)
    story.request()
    story.approve()
    return story


def gas_of(story: EvmScript, act: Callable[[], object]) -> int:
    """What a receipt would say that this call used."""
    story.evm.cool()
    act()
    return story.evm.gas_used


def closing(story: EvmScript, subsets: range) -> int:
    """The gas of closing these subsets."""
    return gas_of(story, lambda: story.send(story.stranger, calls.close_round(story.tc, subsets)))


# --- draws ---


def drawing(story: EvmScript) -> int:
    """The gas of the first draw."""
    approved(story)
    story.start()
    return gas_of(story, story.draw)


@cache
def draws_by_dataset() -> Series:
    return Series(
        "drawRound", "offered_subset", {m: drawing(script(1, subsets=m, drawn=2)) for m in (4, 16, 64, 256)}
    )


@cache
def draws_by_drawn() -> Series:
    """Up to all but one: a draw of all is an epoch of its own, which need not be remembered."""
    drawn = (1, 8, 32, 96, 255)
    return Series(
        "drawRound", "drawn_subset", {k: drawing(script(1, subsets=MOST_SUBSETS, drawn=k)) for k in drawn}
    )


@cache
def draws_by_replicas() -> Series:
    return Series("drawRound", "replica", {n: drawing(script(n, subsets=2, drawn=1)) for n in REPLICAS})


# --- verdicts ---


def settling(letters: str) -> int:
    """The gas of settling a subset whose replicas did so."""
    story = script(len(letters))
    story.bring_to(Phase.TRAINING)
    story.answer(letters)
    return gas_of(story, lambda: story.settle(0))


@cache
def settlements_by_replicas() -> Series:
    return Series("settleRound", "replica", {n: settling("A" * n) for n in REPLICAS})


@cache
def settlements_by_faulty() -> Series:
    return Series("settleRound", "faulty_job", {f: settling("F" * f + "A" * (16 - f)) for f in range(1, 8)})


@cache
def settlements_by_missed() -> Series:
    return Series("settleRound", "missed_job", {f: settling("M" * f + "A" * (16 - f)) for f in range(1, 8)})


@cache
def closings_by_subsets() -> Series:
    """Three silent replicas a subset; none of these calls is the one that ends the round."""
    story = approved(script(3, subsets=64))
    story.start()
    story.draw()
    story.now = story.market.settle_deadline(story.couple) + 1
    gas, first = {}, 0
    for size in (1, 2, 4, 8, 16, 32):
        gas[size] = closing(story, range(first, first + size))
        first += size
    return Series("closeRound", "subset", gas)


# --- many at once ---


@cache
def distributions() -> tuple[Series, Series, Series]:
    """createCI, joinCI by multicall, verifyCI: an instance a subset."""
    story = script(1, subsets=MOST_SUBSETS, drawn=1)
    story.register()
    story.offer()
    named, joined, verified = (dict[int, int]() for _ in range(3))
    first = 0
    for size in SIZES:
        subsets = range(first, first + size)
        cis = [instance_id(story.ds, index, 1) for index in subsets]
        joins = multicall(calls.join_ci(ci, LOCATION, LOCATION) for ci in cis)
        named[size] = gas_of(story, partial(story.name, subsets=subsets))
        joined[size] = gas_of(story, partial(story.send, story.cos[0], joins))
        story.now += 60  # a time written next is another one
        verified[size] = gas_of(story, partial(story.verify, *cis))
        first += size
    return (
        Series("createCI", "instance", named),
        Series("joinCI", "instance", joined),
        Series("verifyCI", "instance", verified),
    )


def multicall(several: Iterable[Call]) -> Call:
    """One call that makes several."""
    return Call("multicall", ([codec().call(call) for call in several],))


# --- the largest round ---


@cache
def largest() -> dict[str, int]:
    """256 subsets of 16 replicas, all drawn: one subset settled whole, the others silent."""
    story = approved(script(MOST_REPLICAS, MOST_SUBSETS))
    story.start()
    figures = {"drawRound": gas_of(story, story.draw)}
    for ci in story.cis(0):
        story.report(ci)
    story.now = story.couple.deadline + 1
    figures["settleRound"] = gas_of(story, lambda: story.settle(0))
    story.now = story.market.settle_deadline(story.couple) + 1
    silent = range(1, MOST_SUBSETS)
    closed = [closing(story, silent[first : first + PIECE]) for first in range(0, len(silent), PIECE)]
    assert story.phase is Phase.ENDED
    return figures | {"closeRound": max(closed), "closeRound.calls": len(closed)}


def all_series() -> tuple[Series, ...]:
    """Everything that should grow in a straight line."""
    return (
        draws_by_drawn(),
        draws_by_replicas(),
        settlements_by_replicas(),
        settlements_by_faulty(),
        settlements_by_missed(),
        closings_by_subsets(),
        *distributions(),
    )
