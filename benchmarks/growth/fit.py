"""How something grows: the exponent of the power of the size that comes closest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import exp, log

import numpy as np

from benchmarks.profile import Json


@dataclass(frozen=True)
class Growth:
    """A cost by size: cost ~ factor * size^exponent, by least squares of the logarithms.

    Attributes:
        cost: by size; at least two sizes, all positive.
    """

    cost: Mapping[int, float]

    @property
    def exponent(self) -> float:
        """0 is no growth, 1 a straight line through zero; a fixed part of the cost makes it less."""
        return self._line[0]

    @property
    def end(self) -> float:
        """The exponent between the two largest sizes alone, where the fixed part counts least."""
        small, large = sorted(self.cost)[-2:]
        return log(self.cost[large] / self.cost[small]) / log(large / small)

    def at(self, size: float) -> float:
        """The power's cost for a size."""
        exponent, start = self._line
        return exp(start + exponent * log(size))

    def json(self) -> dict[str, Json]:
        """Both exponents and every cost."""
        return {
            "exponent": self.exponent,
            "exponent_at_the_end": self.end,
            "cost": {str(size): cost for size, cost in self.cost.items()},
        }

    @property
    def _line(self) -> tuple[float, float]:
        sizes, costs = np.log(list(self.cost)), np.log(list(self.cost.values()))
        slope, start = np.polyfit(sizes, costs, 1)
        return float(slope), float(start)
