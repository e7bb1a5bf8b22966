"""Where a plot begins and ends, and where its labels go."""

from __future__ import annotations

import math
from collections.abc import Sequence

_WORST_R2 = -1.0
_LEAST_ROOM = 0.04


def limits(ends: Sequence[float], values: Sequence[float], metric: str) -> tuple[float, float]:
    """The lowest and the highest score to draw.

    Where the lines end must be told apart: a poor start is left off, and so is an R2 below -1.
    """
    known = [value for value in ends if math.isfinite(value)] or [0.0]
    everything = known + [value for value in values if math.isfinite(value)]
    top, floor = max(everything), min(known)
    if metric == "R2":
        floor = max(floor, _WORST_R2)
    room = max(top - floor, _LEAST_ROOM)
    bottom = max(min(everything), floor - 2 * room)
    if metric == "R2":
        bottom = max(bottom, _WORST_R2)
    margin = 0.06 * max(top - bottom, _LEAST_ROOM)
    return bottom - margin, top + margin


def spread(wanted: Sequence[float], least: float) -> list[float]:
    """Places as near as can be to `wanted`, in the same order, no two nearer than `least`."""
    order = sorted(range(len(wanted)), key=lambda i: wanted[i])
    groups: list[list[int]] = []
    for index in order:
        groups.append([index])
        while len(groups) > 1 and _low(groups[-1], wanted, least) < _high(groups[-2], wanted, least) + least:
            groups[-2:] = [groups[-2] + groups[-1]]
    placed = list(wanted)
    for group in groups:
        for step, index in enumerate(group):
            placed[index] = _low(group, wanted, least) + step * least
    return placed


def _low(group: list[int], wanted: Sequence[float], least: float) -> float:
    return sum(wanted[i] for i in group) / len(group) - (len(group) - 1) * least / 2


def _high(group: list[int], wanted: Sequence[float], least: float) -> float:
    return _low(group, wanted, least) + (len(group) - 1) * least
