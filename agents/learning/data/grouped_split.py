"""Skewed subsets where all rows of a person are in one. `skew.py` checks its work and shares no code.

Where each person has rows of one class alone, classes are packed one by one: for two classes a subset holds
one of them; for more each subset lacks one. Where persons have rows of several classes, they are dealt one by
one, the largest first. If some have rows of all classes, or nothing else is found, subsets may hold all
classes; none ever holds more than half of one.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from agents.core.errors import CannotSplit
from agents.learning.data.packing import packed
from agents.learning.data.samples import Int64Array
from agents.learning.data.split import MAX_SUBSETS

ATTEMPTS = 30
_WORK = 1_000_000
"""Persons dealt in all attempts together, about."""


def split_groups(strata: Int64Array, codes: Int64Array, m: int, seed: int) -> list[Int64Array]:
    """Divide all rows into m subsets, a person's rows into one.

    Args:
        strata: (n,) class or range of each row.
        codes: (n,) whose row it is.
        m: number of subsets.
        seed: of the random choices.

    Returns:
        m sorted arrays of row numbers, together every row once.

    Raises:
        CannotSplit: one line with the reason.
    """
    if not 1 <= m <= MAX_SUBSETS:
        raise CannotSplit(f"{m} subsets: a dataset has 1 to {MAX_SUBSETS}")
    _, people = np.unique(codes, return_inverse=True)
    labels, classes = np.unique(strata, return_inverse=True)
    if labels.size < 2:
        raise CannotSplit(
            "the data hold a single class: every subset would hold all classes; choose another target"
        )
    persons = int(people.max()) + 1
    if persons < m:
        raise CannotSplit(f"{m} subsets are too many for {persons} groups: use {persons} or fewer")
    task = _Task(people.astype(np.int64), classes.astype(np.int64), persons, int(labels.size), m)
    rng = np.random.default_rng(seed)
    for where in task.ways(rng):
        if where is not None and task.is_sound(where):
            return [np.flatnonzero(where[people] == place).astype(np.int64) for place in range(m)]
    raise CannotSplit(
        f"no split of {persons} groups in {labels.size} classes into {m} subsets found, none with more than "
        "half of a class: use more subsets, or fewer"
    )


class _Task:
    """Persons, the rows that each has of each class, and the subsets that they go to."""

    def __init__(self, people: Int64Array, classes: Int64Array, persons: int, kinds: int, m: int) -> None:
        pairs, counts = np.unique(people * kinds + classes, return_counts=True)
        self.whose, self.which, self.counts = pairs // kinds, pairs % kinds, counts.astype(np.int64)
        self.persons, self.kinds, self.m = persons, kinds, m
        self.totals = np.bincount(classes, minlength=kinds)

    def is_sound(self, where: Int64Array) -> bool:
        """Whether no subset is empty, and none has more than half of a class."""
        held = np.zeros((self.m, self.kinds), dtype=np.int64)
        np.add.at(held, (where[self.whose], self.which), self.counts)
        return bool((held.sum(axis=1) > 0).all() and (2 * held <= self.totals).all())

    def ways(self, rng: np.random.Generator) -> Iterator[Int64Array | None]:
        """(persons,) subsets, tried one after the other, the skewed ones first."""
        attempts = max(3, min(ATTEMPTS, _WORK // self.persons))
        kinds_each = np.bincount(self.whose, minlength=self.persons)
        if kinds_each.max() == 1:
            for _ in range(attempts):
                yield self._class_by_class(self._allowed(rng))
        elif kinds_each.max() < self.kinds:
            for _ in range(attempts):
                yield self._one_by_one(self._allowed(rng), rng)
        for _ in range(attempts):
            yield self._one_by_one(np.ones((self.kinds, self.m), dtype=np.bool_), rng)

    def _allowed(self, rng: np.random.Generator) -> npt.NDArray[np.bool_]:
        """(kinds, m) where a class may go: of two, one class to a subset; of more, all but one."""
        if self.kinds == 2:
            first = min(max(2, round(self.m * self.totals[0] / self.totals.sum())), self.m - 2)
            first += int(rng.integers(-1, 2)) if self.m > 5 else 0
            mine = np.arange(self.m) < first
            return np.stack([mine, ~mine])[:, rng.permutation(self.m)]
        rounds = -(-self.m // self.kinds)
        absent = np.concatenate([rng.permutation(self.kinds) for _ in range(rounds)])[: self.m]
        allowed: npt.NDArray[np.bool_] = np.arange(self.kinds)[:, None] != absent[None, :]
        return allowed

    def _class_by_class(self, allowed: npt.NDArray[np.bool_]) -> Int64Array | None:
        where = np.zeros(self.persons, dtype=np.int64)
        for kind in range(self.kinds):
            mine, places = self.which == kind, np.flatnonzero(allowed[kind])
            bins = packed(self.counts[mine], places.size) if places.size > 1 else None
            if bins is None:
                return None
            where[self.whose[mine]] = places[bins]
        return where

    def _one_by_one(self, allowed: npt.NDArray[np.bool_], rng: np.random.Generator) -> Int64Array | None:
        """The largest person first, each to the subset where the share of its classes stays least."""
        sizes = np.bincount(self.whose, weights=self.counts, minlength=self.persons)
        begins = np.searchsorted(self.whose, np.arange(self.persons + 1))
        held = np.zeros((self.kinds, self.m))
        where = np.zeros(self.persons, dtype=np.int64)
        for person in np.lexsort((rng.random(self.persons), -sizes)).tolist():
            mine = slice(begins[person], begins[person + 1])
            kinds, shares = self.which[mine], self.counts[mine] / self.totals[self.which[mine]]
            after = held[kinds] + shares[:, None]
            fuller = np.where(allowed[kinds].all(axis=0), after.max(axis=0) + 1e-3 * held.sum(axis=0), np.inf)
            place = int(fuller.argmin())
            if not np.isfinite(fuller[place]):
                return None
            held[kinds, place] += shares
            where[person] = place
        return where
