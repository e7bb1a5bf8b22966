"""What a job in plain text gives where the model owner is to see sums alone: whole numbers modulo 2^64.

The numbers are rows times the change of each weight, and the rows. With masks each of them is uniform; in the
sum of a whole cohort the masks cancel, and it is the sum of the whole numbers, as long as that fits int64.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from agents.core.errors import BadObject, BadPlan
from agents.learning.data.canonical import pack, unpack
from agents.learning.data.samples import Int64Array
from agents.learning.data.split import MAX_SUBSETS
from agents.learning.family import Cohort
from agents.learning.he.cohorts import cohort_facts, read_cohort
from agents.learning.he.objects import check_whole
from agents.learning.he.randomness import Words
from agents.learning.he.secure_aggregation import JobStreams
from agents.learning.integers.fixed import RANGE_BITS
from agents.learning.integers.update import Update
from agents.learning.integers.weights import MAX_SAMPLES
from agents.learning.plans.base import Plan

_KIND, _NUMBERS, _WHAT = "masked update", "numbers", "the result"


@dataclass(frozen=True, eq=False)
class MaskedUpdate:
    """A result with masks.

    Attributes:
        words: (n,) uint64, as `UpdateForm.numbers` has them.
        cohort: whose sum it is a part of.
        member: the subset's index.
    """

    words: Words
    cohort: Cohort
    member: int


@dataclass(frozen=True)
class UpdateForm:
    """How an update of a plan lies in a vector.

    Args:
        plan: with the weights' shapes, and their range.
        rows: the most of one subset.

    Raises:
        BadPlan: the sum over the most subsets could leave int64, in the aggregation at the latest.
    """

    plan: Plan
    rows: int

    def __post_init__(self) -> None:
        most = MAX_SUBSETS * self.rows * (2 * self._largest + 1)
        if most >= 2**63:
            raise BadPlan(
                f"plan: weight_bits is {self.plan.weight_bits}: the sum over {MAX_SUBSETS} subsets of"
                f" {self.rows} rows could reach {most:.3g}, over 2^63: take fewer"
            )

    @property
    def size(self) -> int:
        """How many numbers there are."""
        return 1 + sum(rows * columns for rows, columns in self.plan.shapes.values())

    def masked(self, update: Update, streams: JobStreams, cohort: Cohort, member: int) -> bytes:
        """Canonical bytes of what a subset's update comes to with its masks."""
        parts = [update.change[name].ravel() for name in sorted(self.plan.shapes)]
        numbers = np.concatenate([*parts, np.array([update.samples], dtype=np.int64)])
        shown = numbers.view(np.uint64) + streams.words(self.size)
        return pack({_NUMBERS: shown.view(np.int64)}, {"kind": _KIND} | cohort_facts(cohort, member))

    def read(self, data: bytes) -> MaskedUpdate:
        """A result.

        Raises:
            BadObject: not canonical, or not of this plan.
        """
        tensors, facts = unpack(data, _WHAT)
        numbers = tensors.get(_NUMBERS)
        if facts.pop("kind", None) != _KIND or set(tensors) != {_NUMBERS} or numbers is None:
            raise BadObject(f"{_WHAT}: of another kind than the plan's")
        if numbers.dtype != np.int64 or numbers.shape != (self.size,):
            raise BadObject(f"{_WHAT}: {numbers.dtype} of shape {numbers.shape}, not {self.size} words")
        return MaskedUpdate(numbers.astype(np.int64).view(np.uint64), *read_cohort(facts, _WHAT))

    def total(self, results: Sequence[bytes]) -> Update:
        """The sum over a whole cohort.

        Raises:
            BadObject: a result is none, they are not a whole cohort of one label, or their sum is none: the
                masks do not cancel, or somebody's numbers are out of range.
        """
        read = [self.read(result) for result in results]
        check_whole(read)
        words = np.zeros(self.size, dtype=np.uint64)
        for one in read:
            words = words + one.words
        numbers = words.view(np.int64)
        change, rows = numbers[:-1], int(numbers[-1])
        most = rows * self._largest
        if not 1 <= rows <= len(read) * MAX_SAMPLES or change.max() > most or change.min() < -most:
            raise BadObject("the sum of the results is none: they are not of these weights")
        return Update(self._split(change), rows)

    @property
    def _largest(self) -> int:
        """The largest change of a weight: from one end of its range to the other."""
        return int(2 ** (self.plan.weight_bits + RANGE_BITS + 1))

    def _split(self, numbers: Int64Array) -> dict[str, Int64Array]:
        """The matrices, by name."""
        found, at = {}, 0
        for name, shape in sorted(self.plan.shapes.items()):
            size = shape[0] * shape[1]
            found[name] = numbers[at : at + size].reshape(shape)
            at += size
        return found
