"""Skewed splitting by construction (II-B, "Data Splitting"). `skew.py` checks its work and shares no code.

A class of c rows gives at most floor(c/2) of them to one subset, so it must reach 2 subsets, 3 if c is odd.

- Two classes: a subset holds one class only, so m is at least the sum of those two numbers.
- Three classes, both readings: a subset holds two classes in equal parts, so the rows of each kind of pair
  are determined: (a + b - c) / 2. A split exists exactly if these are whole, not negative and fit m.
- Four classes or more, both readings: choose which classes each subset lacks and how large it is; what
  remains is a transport problem in whole numbers, which a maximum flow solves exactly. Many seeded designs
  are tried, the most skewed first; where none fits and the problem is small, an integer program decides.
- Where both readings cannot hold (one class is most of the data, say) the first is given up. What is left
  needs m >= 3 and the sum over classes of (m - reach) >= m: each subset lacks a class that can spare it.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from agents.core.errors import CannotSplit
from agents.learning.data.allocations import (
    IntArray,
    loose_counts,
    paired_counts,
    reach,
    single_class_counts,
    spread_counts,
)

MAX_SUBSETS = 256
"""As in the market: one 256-bit word holds a draw."""

MIN_ROWS = 2
"""A result computed on one row would show that row."""


def split(strata: npt.ArrayLike, m: int, seed: int) -> list[npt.NDArray[np.int64]]:
    """Divide all rows into m skewed subsets, the same ones for the same seed.

    Both readings of the majority rule hold if there are three classes or more and a split was found for
    which they do; otherwise no subset has more than half of a class. `check_skew` tells which.

    Args:
        strata: (n,) integer label of each row: its class, or its quantile bin (`strata_of`).
        m: number of subsets, 1..256.
        seed: of the random choices.

    Returns:
        m sorted int64 arrays of row numbers, together every row once.

    Raises:
        CannotSplit: one line with the reason and, where another m would do, the smallest one.
    """
    labels, codes, counts = np.unique(np.asarray(strata), return_inverse=True, return_counts=True)
    _refuse_the_impossible(labels, counts, m)
    rng = np.random.default_rng(seed)
    shares = _shares(counts.astype(np.int64), m, rng)
    if shares is None:
        raise CannotSplit(
            f"no skewed split of {codes.size} rows in {labels.size} classes into {m} subsets found: use fewer"
        )
    return _deal(codes, shares, rng)


def smallest_m(strata: npt.ArrayLike) -> int:
    """The fewest subsets into which these labels can be split with the skew; see the module's text.

    Raises:
        CannotSplit: fewer than two classes, or a class of one row.
    """
    labels, counts = np.unique(np.asarray(strata), return_counts=True)
    _refuse_bad_classes(labels, counts)
    needed = [reach(int(count)) for count in counts]
    if len(needed) == 2:
        return sum(needed)
    return next(m for m in range(3, 6) if sum(m - need for need in needed) >= m)


def _refuse_bad_classes(labels: npt.NDArray[np.generic], counts: npt.NDArray[np.int64]) -> None:
    if labels.size < 2:
        raise CannotSplit(
            "the data hold a single class: every subset would hold all classes; choose another target"
        )
    if counts.min() < 2:
        label = labels[counts.argmin()]
        raise CannotSplit(
            f"class {label} has one row, and one subset would hold all of it: drop or merge the class"
        )


def _refuse_the_impossible(labels: npt.NDArray[np.generic], counts: npt.NDArray[np.int64], m: int) -> None:
    if not 1 <= m <= MAX_SUBSETS:
        raise CannotSplit(f"{m} subsets: a dataset has 1 to {MAX_SUBSETS}")
    least = smallest_m(np.repeat(labels, counts))
    most = int(counts.sum() // MIN_ROWS)
    if labels.size == 2:
        for label, count in zip(labels, counts, strict=True):
            if count // MIN_ROWS < reach(int(count)):
                raise CannotSplit(
                    f"class {label} has {count} rows, too few for subsets of its own: 6 are enough"
                )
        most = int((counts // MIN_ROWS).sum())
    if m < least:
        raise CannotSplit(
            f"{m} subsets are too few for {labels.size} classes split with skew: use {least} or more"
        )
    if m > most:
        raise CannotSplit(f"{m} subsets are too many for {counts.sum()} rows: use {most} or fewer")


def _shares(counts: IntArray, m: int, rng: np.random.Generator) -> IntArray | None:
    """(classes, m) rows of each class in each subset."""
    if counts.size == 2:
        return single_class_counts(counts, m, MIN_ROWS, rng)
    if counts.size == 3:
        strict = paired_counts(counts, m, rng)
    else:
        strict = spread_counts(counts, m, rng, half_of_subset=True)
    if strict is None and counts.size > 3:
        from agents.learning.data.exact_allocations import exact_counts  # a solver, which takes room

        strict = exact_counts(counts, m, rng)
    if strict is not None:
        return strict
    loose = spread_counts(counts, m, rng, half_of_subset=False)
    return loose if loose is not None else loose_counts(counts, m, MIN_ROWS, rng)


def _deal(
    codes: npt.NDArray[np.intp], shares: IntArray, rng: np.random.Generator
) -> list[npt.NDArray[np.int64]]:
    """Deal each class's rows, shuffled, to the subsets in the given numbers."""
    hands: list[list[npt.NDArray[np.int64]]] = [[] for _ in range(shares.shape[1])]
    for code, row_of_shares in enumerate(shares):
        rows = rng.permutation(np.flatnonzero(codes == code)).astype(np.int64)
        for hand, piece in zip(hands, np.split(rows, np.cumsum(row_of_shares)[:-1]), strict=True):
            hand.append(piece)
    return [np.sort(np.concatenate(hand)) for hand in hands]
