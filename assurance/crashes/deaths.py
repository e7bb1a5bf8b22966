"""Where to be killed, so that each point is died at, and no two deaths leave the same behind."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Literal

from assurance.crashes.life import Passed
from assurance.crashes.points import Death

Which = Literal["first", "second", "last"]
Pass = tuple[str, int]
"""A point, and for which time it is passed in a life, from 1."""


@dataclass(frozen=True)
class Place:
    """A moment of a life in which an agent is killed.

    Attributes:
        turn: of the life; `death`: in that turn.
        stands_for: the passes that this is: after one effect and before the next, all is the same outside of
            the process.
    """

    turn: int
    role: str
    death: Death
    stands_for: tuple[Pass, ...]

    @property
    def name(self) -> str:
        """For people."""
        return f"turn {self.turn}: {self.death.point}"


def points_of(life: Iterable[Passed]) -> list[str]:
    """The points that were passed in a life, by name."""
    return sorted({point for passed in life for point in passed.points})


def places(life: Sequence[Passed], passes: Sequence[Which]) -> list[Place]:
    """Where an agent has to be killed so that it dies at each point.

    Args:
        life: all that was passed in it.
        passes: at which of its passes.
    """
    found = list(_places(life))
    last = {
        point: number for place in found for point, number in place.stands_for
    }  # in order: the last stays
    numbers: dict[Which, Callable[[str], int]] = {
        "first": lambda _: 1,
        "second": lambda _: 2,
        "last": lambda point: last[point],
    }
    wanted = {(point, numbers[which](point)) for point in last for which in passes}
    return [place for place in found if wanted & set(place.stands_for)]


def _places(life: Sequence[Passed]) -> Iterable[Place]:
    counts: dict[str, int] = {}
    for passed in life:
        moments: list[tuple[int, Death, Pass]] = []
        moment = 0
        for at, point in enumerate(passed.points):
            counts[point] = counts.get(point, 0) + 1
            before = passed.points[:at]
            moment += at > 0 and _is_effect(before[-1], point)
            moments.append((moment, Death(point, before.count(point)), (point, counts[point])))
        for _, same in groupby(moments, key=lambda one: one[0]):
            (_, death, first), *others = same
            stands_for = (first, *(pass_ for _, _, pass_ in others))
            yield Place(passed.turn, passed.role, death, stands_for)


def _is_effect(before: str, after: str) -> bool:
    """Whether something was done between two points: what they are before and after of."""
    return before.endswith("before") and before.removesuffix("before") == after.removesuffix("after")
