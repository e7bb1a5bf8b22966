"""How many rows of each class each subset gets: the designs behind `split.py`, in whole numbers only.

All functions take `counts`, the (classes,) rows of each class, and return (classes, m) shares, or None
where this design cannot do it.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

IntArray = npt.NDArray[np.int64]

ATTEMPTS = 60
"""Designs tried before giving up on four classes or more; each is one maximum flow."""


def reach(count: int) -> int:
    """How many subsets a class of `count` >= 2 rows must reach if none may hold more than half of it."""
    return 2 if count % 2 == 0 else 3


def single_class_counts(counts: IntArray, m: int, least: int, rng: np.random.Generator) -> IntArray | None:
    """Two classes: each subset holds one class, in nearly equal parts; `least` rows a subset."""
    low = np.array([reach(int(count)) for count in counts])
    pieces = _apportion(counts, low, counts // least, m)
    if pieces is None:
        return None
    shares = np.zeros((counts.size, m), dtype=np.int64)
    start = 0
    for code, number in enumerate(pieces):
        shares[code, start : start + number] = _even(int(counts[code]), int(number))
        start += int(number)
    return shares[:, rng.permutation(m)]


def paired_counts(counts: IntArray, m: int, rng: np.random.Generator) -> IntArray | None:
    """Three classes, both readings: two classes in equal parts in each subset. None means impossible."""
    pairs = [(0, 1), (0, 2), (1, 2)]
    doubled = np.array([counts[a] + counts[b] - counts[3 - a - b] for a, b in pairs], dtype=np.int64)
    if (doubled < 0).any() or (doubled % 2).any():
        return None
    rows = doubled // 2
    cap = np.array([min(counts[a], counts[b]) // 2 for a, b in pairs], dtype=np.int64)
    pieces = _apportion(rows, -(-rows // np.maximum(cap, 1)), rows, m)
    if pieces is None:
        return None
    shares = np.zeros((3, m), dtype=np.int64)
    start = 0
    for (a, b), total, number in zip(pairs, rows, pieces, strict=True):
        if number:
            shares[[a, b], start : start + number] = _even(int(total), int(number))
        start += int(number)
    return shares[:, rng.permutation(m)]


def spread_counts(
    counts: IntArray, m: int, rng: np.random.Generator, *, half_of_subset: bool
) -> IntArray | None:
    """Choose absences and sizes, then fill by maximum flow; seeded tries, the most skewed designs first.

    With `half_of_subset` no class may be more than half of a subset either.
    """
    if half_of_subset and 2 * counts.max() > counts.sum():
        return None
    for attempt in range(ATTEMPTS):
        sizes = _sizes(int(counts.sum()), m, rng)
        limit = counts // 2
        needed = np.array([reach(int(count)) for count in counts])
        if half_of_subset:
            needed = np.maximum(needed, -(-counts // max(1, int(sizes.max()) // 2)))
        allowed = _absences(m - needed, m, 1.0 - attempt / ATTEMPTS, rng)
        if allowed is None:
            continue
        caps = np.where(allowed, limit[:, None], 0)
        if half_of_subset:
            caps = np.minimum(caps, sizes[None, :] // 2)
        shares = _fill(counts, sizes, caps, allowed)
        if shares is not None:
            return shares
    return None


def loose_counts(counts: IntArray, m: int, least: int, rng: np.random.Generator) -> IntArray | None:
    """No majority rule of the subset, any size from `least` rows: each class evenly where it may go.

    The rarest classes are the first to be absent, so that large ones reach every subset.
    """
    spare = np.maximum(0, m - np.array([reach(int(count)) for count in counts]))
    rarest_first = np.argsort(counts, kind="stable")
    absent = np.repeat(rarest_first, spare[rarest_first])[:m]
    if absent.size < m:
        return None
    absent = rng.permutation(absent)
    shares = np.zeros((counts.size, m), dtype=np.int64)
    for code in rarest_first[::-1]:
        places = np.flatnonzero(absent != code)
        emptiest = places[np.argsort(shares[:, places].sum(axis=0), kind="stable")]
        shares[code, emptiest] = _even(int(counts[code]), places.size)
    return shares if shares.sum(axis=0).min() >= least else None


def _even(total: int, number: int) -> IntArray:
    """`number` parts of `total` that differ by at most one."""
    return np.full(number, total // number, dtype=np.int64) + (np.arange(number) < total % number)


def _apportion(weights: IntArray, low: IntArray, high: IntArray, total: int) -> IntArray | None:
    """Whole numbers between low and high that add up to total, nearly in proportion to weights."""
    if low.sum() > total or high.sum() < total or (low > high).any():
        return None
    pieces = low.copy()
    while pieces.sum() < total:
        room = np.where(pieces < high, weights / np.maximum(pieces, 1), -1.0)
        pieces[int(room.argmax())] += 1
    return pieces


def _sizes(rows: int, m: int, rng: np.random.Generator) -> IntArray:
    """Nearly equal sizes, even ones as far as possible: the majority rule wastes a row of an odd size."""
    sizes = 2 * _even(rows // 2, m)
    sizes[-1] += rows % 2
    return rng.permutation(sizes)


def _absences(
    spare: IntArray, m: int, boldness: float, rng: np.random.Generator
) -> npt.NDArray[np.bool_] | None:
    """(classes, m) where a class may go: each subset lacks a class, each class at most `spare` subsets."""
    left = np.maximum(spare, 0).astype(np.int64)
    if left.sum() < m:
        return None
    allowed = np.ones((spare.size, m), dtype=np.bool_)
    extra = int(boldness * (spare.size - 2) / 2)
    for subset in _passes(m, 1 + extra, rng):
        order = rng.permutation(spare.size)
        open_classes = order[(left[order] > 0) & allowed[order, subset]]
        if open_classes.size and allowed[:, subset].sum() > 2:
            code = open_classes[left[open_classes].argmax()]
            allowed[code, subset] = False
            left[code] -= 1
    return allowed if not allowed.all(axis=0).any() else None


def _passes(m: int, times: int, rng: np.random.Generator) -> Iterator[int]:
    for _ in range(times):
        yield from (int(subset) for subset in rng.permutation(m))


def _fill(
    counts: IntArray, sizes: IntArray, caps: IntArray, allowed: npt.NDArray[np.bool_]
) -> IntArray | None:
    """Fill the subsets; caps start near an even spread and widen until it fits, so no share is extreme."""
    even = -(-counts // np.maximum(allowed.sum(axis=1), 1))
    for percent in (120, 160, 240, 400):
        tight = np.minimum(caps, (even * percent // 100 + 1)[:, None])
        shares = _flow(counts, sizes, tight)
        if shares is not None:
            return shares
    return _flow(counts, sizes, caps)


def _flow(counts: IntArray, sizes: IntArray, caps: IntArray) -> IntArray | None:
    """Whole (classes, m) shares with these row and column sums under these caps, or None."""
    from scipy.sparse import coo_array  # not before rows are dealt: it takes time and room
    from scipy.sparse.csgraph import maximum_flow

    classes, m = caps.shape
    source, sink = 0, classes + m + 1
    code, subset = np.nonzero(caps)
    tail = np.concatenate([np.full(classes, source), 1 + code, 1 + classes + np.arange(m)])
    head = np.concatenate([1 + np.arange(classes), 1 + classes + subset, np.full(m, sink)])
    capacity = np.concatenate([counts, caps[code, subset], sizes]).astype(np.int32)
    graph = coo_array((capacity, (tail, head)), shape=(sink + 1, sink + 1)).tocsr()
    result = maximum_flow(graph, source, sink)
    if result.flow_value != counts.sum():
        return None
    return np.asarray(result.flow[1 : 1 + classes, 1 + classes : sink].toarray(), dtype=np.int64)
