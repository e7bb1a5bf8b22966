"""What is made of many measurements of one thing."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from benchmarks.profile import Json


@dataclass(frozen=True, slots=True)
class Spread:
    """A figure that was measured several times, in the order in which it was."""

    values: tuple[float, ...]

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """Of at least one value."""
        if not values:
            raise ValueError("a spread of nothing")
        return cls(tuple(values))

    @property
    def median(self) -> float:
        """The middle value, or the mean of the two in the middle."""
        return median(self.values)

    def brief(self) -> dict[str, Json]:
        """Its median, least and greatest value."""
        return {"median": self.median, "min": min(self.values), "max": max(self.values)}

    def json(self) -> dict[str, Json]:
        """As `brief`, with all values."""
        return self.brief() | {"values": list(self.values)}


def percentile(values: Sequence[float], share: float) -> float:
    """The least of the values that `share` (0..1) of them do not exceed: always one that was measured.

    Raises:
        ValueError: no values, or no such share.
    """
    if not values or not 0 <= share <= 1:
        raise ValueError(f"no percentile {share} of {len(values)} values")
    ordered = sorted(values)
    return ordered[max(math.ceil(share * len(ordered)), 1) - 1]
