"""What the results of a round, or of several, come to: all that the aggregation needs of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from agents.core.errors import BadObject
from agents.learning.data.samples import Int64Array
from agents.learning.integers.weights import TrainedModel, Weights


@dataclass(frozen=True, eq=False)
class Update:
    """A sum over subsets; none of its summands is needed.

    Attributes:
        change: name to int64 matrix: over all subsets, rows of the subset times (weights after its local
            steps - weights before), in units of 2^-(weight_bits + fraction_bits).
        samples: rows of all those subsets.
        fraction_bits: how much finer than a weight's unit the change is.
    """

    change: Mapping[str, Int64Array]
    samples: int
    fraction_bits: int = 0

    @classmethod
    def total(cls, updates: Sequence[Update]) -> Update:
        """The sum of updates in one unit."""
        first = updates[0]
        change = {name: np.sum([update.change[name] for update in updates], axis=0) for name in first.change}
        return cls(change, sum(update.samples for update in updates), first.fraction_bits)

    @classmethod
    def of(cls, weights: Weights, results: Sequence[TrainedModel]) -> Update:
        """The sum of results in plain text.

        Raises:
            BadObject: no results, or one that does not have the weights' shapes and scale.
        """
        if not results:
            raise BadObject("no results to aggregate")
        change: dict[str, Int64Array] = {}
        for name, matrix in weights.tensors.items():
            change[name] = np.zeros_like(matrix)
            for result in results:
                other = result.weights.tensors.get(name)
                if result.weights.bits != weights.bits or other is None or other.shape != matrix.shape:
                    raise BadObject(f"a result does not have the weights' shape in {name!r}")
                change[name] += (other - matrix) * result.samples
        return cls(change, sum(result.samples for result in results))
