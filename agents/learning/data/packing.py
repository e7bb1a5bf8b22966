"""Persons with many or few rows packed into subsets of nearly equal size."""

from __future__ import annotations

import heapq

import numpy as np
import numpy.typing as npt

from agents.learning.data.samples import Int64Array

_TRIED = 20


def packed(sizes: Int64Array, bins: int) -> Int64Array | None:
    """(n,) the bin of each person, so that none has more than half of all rows; None if that was not found.

    The largest go first, each into the emptiest bin; two bins are then made equal by one move or exchange.
    """
    if bins == 2:
        side = halves(sizes)
        return None if side is None else side.astype(np.int64)
    where = np.zeros(sizes.size, dtype=np.int64)
    filled = [(0, place) for place in range(bins)]
    for person in np.argsort(-sizes, kind="stable").tolist():
        rows, place = filled[0]
        where[person] = place
        heapq.heapreplace(filled, (rows + int(sizes[person]), place))
    largest, least = max(filled)[0], min(filled)[0]
    return where if least and 2 * largest <= int(sizes.sum()) else None


def halves(sizes: Int64Array) -> npt.NDArray[np.bool_] | None:
    """(n,) which persons are of the second of two equal halves; None if that was not found."""
    if int(sizes.sum()) % 2 or sizes.size < 2:
        return None
    side = np.zeros(sizes.size, dtype=np.bool_)
    ahead = 0  # rows of the first half beyond those of the second
    for person in np.argsort(-sizes, kind="stable").tolist():
        side[person] = ahead > 0
        ahead += -int(sizes[person]) if side[person] else int(sizes[person])
    if ahead:
        _even_out(sizes, side, ahead)
    return side if 2 * int(sizes[side].sum()) == int(sizes.sum()) else None


def _even_out(sizes: Int64Array, side: npt.NDArray[np.bool_], ahead: int) -> None:
    """Moves a person, or exchanges two, so that both sides are equal, if one such step does."""
    fuller = ahead < 0
    over = abs(ahead) // 2
    first = {int(size): place for place, size in enumerate(sizes) if side[place] == fuller}
    second = {int(size): place for place, size in enumerate(sizes) if side[place] != fuller}
    if over in first:
        side[first[over]] = not fuller
        return
    for size, place in first.items():
        if size - over in second:
            side[place], side[second[size - over]] = not fuller, fuller
            return


def spare_of_halves(sizes: Int64Array) -> Int64Array:
    """Whom to leave out so that the others can be halved: nobody or one, the smallest that does.

    Nobody, too, if none was found among the first sizes.
    """
    if sizes.size < 3 or halves(sizes) is not None:
        return np.array([], dtype=np.int64)
    for size in np.unique(sizes)[:_TRIED]:
        one = int(np.flatnonzero(sizes == size)[0])
        if halves(np.delete(sizes, one)) is not None:
            return np.array([one], dtype=np.int64)
    return np.array([], dtype=np.int64)
