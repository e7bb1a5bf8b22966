"""No row in the place of another changes what is released by more than is accounted for, in whole numbers.

Searched: rows at random, rows on the axes and at the angles where the bounds are reached, and hills climbed
from there.

Rules: N6, N7.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from math import isqrt

import numpy as np
import pytest

from agents.learning.data.samples import FEATURE_LIMIT, TARGET_BITS, TARGET_LIMIT, Int64Array, Samples
from agents.learning.privacy.moments import MomentsForm
from agents.learning.privacy.sensitivity import UNIT_BITS, moments_squared, summary_squared
from agents.learning.privacy.summary import column_sums
from agents.learning.privacy.unit_rows import unit_numbers, unit_rows

Row = tuple[Int64Array, int]

CASES = [(1, 2), (2, 2), (3, 3), (5, 2), (13, 4), (1, 0), (2, 0), (4, 0), (13, 0)]


def weighted_change(form: MomentsForm, one: Row, other: Row) -> int:
    """The squared change by a row in the place of another, where half the variance counts twice."""

    def moments(row: Row) -> Int64Array:
        features, target = np.array([row[0]], np.int32), np.array([row[1]], np.int32)
        return form.of(Samples(features, target, form.classes))

    weights = [2 // variance for variance in form.variances(2)]
    changes = (moments(one) - moments(other)).tolist()
    return sum(weight * change**2 for weight, change in zip(weights, changes, strict=True))


def rows_of(form: MomentsForm, rng: np.random.Generator) -> Iterator[Row]:
    """Rows that lie far out, in many directions."""
    d = form.columns
    targets = (
        range(form.classes) if form.classes else (-TARGET_LIMIT, -(1 << TARGET_BITS), 0, 1 << TARGET_BITS)
    )
    for target in targets:
        for axis in range(min(d, 3)):
            for sign in (-1, 1):
                yield sign * np.eye(d, dtype=np.int64)[axis] * FEATURE_LIMIT, target
        for angle in np.linspace(0, np.pi, 13) if d > 1 else ():
            turned = np.zeros(d)
            turned[:2] = np.cos(angle), np.sin(angle)
            yield np.rint(turned * FEATURE_LIMIT).astype(np.int64), target
        for _ in range(4):
            yield rng.integers(-FEATURE_LIMIT, FEATURE_LIMIT + 1, d), target


def climbed(form: MomentsForm, pair: tuple[Row, Row], rng: np.random.Generator) -> int:
    """The largest change found by small steps from a pair of rows."""
    best = weighted_change(form, *pair)
    for _ in range(150):
        moved = tuple(
            (
                np.clip(features + rng.integers(-200, 201, features.size), -FEATURE_LIMIT, FEATURE_LIMIT),
                target,
            )
            for features, target in pair
        )
        found = weighted_change(form, moved[0], moved[1])
        if found > best:
            best, pair = found, (moved[0], moved[1])
    return best


@pytest.mark.parametrize(("columns", "classes"), CASES)
def test_no_row_moves_the_moments_further_than_is_accounted_for(columns: int, classes: int) -> None:
    form, rng = MomentsForm(columns, classes), np.random.default_rng(7)
    bound = moments_squared(classes)
    rows = list(rows_of(form, rng))
    found = [
        (weighted_change(form, one, other), at, to)
        for at, one in enumerate(rows)
        for to, other in enumerate(rows[:at])
    ]
    largest, at, to = max(found)
    largest = max(largest, climbed(form, (rows[at], rows[to]), rng))
    assert largest <= bound
    if columns > 1:
        assert largest > 0.98 * bound


def test_people_with_several_rows_count_for_each() -> None:
    assert moments_squared(2, rows_of_a_person=3) == 9 * moments_squared(2)
    assert summary_squared(5, rows_of_a_person=2) == 4 * summary_squared(5)


@pytest.mark.parametrize("columns", [1, 3])
def test_no_row_moves_the_summary_further_than_is_accounted_for(columns: int) -> None:
    one = 1 << UNIT_BITS
    steps = np.unique(np.append(np.arange(-one, one + 1, 64), [-one, 0, one]))
    pairs = [(v, w) for v in steps for w in steps[steps < v]]

    def change(v: int, w: int) -> int:
        sums = [column_sums(np.full((1, columns), value, np.int64)) for value in (v, w)]
        return sum(int(difference) ** 2 for difference in sums[0] - sums[1])

    largest = max(change(int(v), int(w)) for v, w in pairs)
    assert largest == summary_squared(columns)


@pytest.mark.parametrize("columns", [1, 2, 13, 64, 400])
def test_unit_rows_are_never_longer_than_one(columns: int) -> None:
    rng = np.random.default_rng(3)
    features = np.concatenate(
        [
            rng.integers(-FEATURE_LIMIT, FEATURE_LIMIT + 1, (200, columns)),
            rng.integers(-300, 301, (200, columns)),
            np.full((1, columns), FEATURE_LIMIT),
            np.zeros((1, columns), np.int64),
        ]
    ).astype(np.int32)
    units = unit_rows(features)
    squares = (units.astype(object) ** 2).sum(axis=1)
    assert max(squares) <= 4**UNIT_BITS
    assert float(squares[400]) ** 0.5 > 2**UNIT_BITS - columns**0.5
    assert squares[401] == 0


def test_unit_rows_are_the_exact_quotients_towards_zero() -> None:
    rng = np.random.default_rng(4)
    features = rng.integers(-FEATURE_LIMIT, FEATURE_LIMIT + 1, (300, 7)).astype(np.int32)
    features[:100] //= 8  # shorter than tau
    units = unit_rows(features)
    for row, found in zip(features.tolist(), units.tolist(), strict=True):
        longest = max(Fraction(sum(x * x for x in row)), Fraction(7, 4) * 4**8)
        for x, u in zip(row, found, strict=True):
            quotient = Fraction(x * x * 4**UNIT_BITS) / longest
            size = isqrt(int(quotient))
            assert size**2 <= quotient < (size + 1) ** 2
            assert u == (size if x > 0 else -size)


def test_numbers_are_cut_to_one() -> None:
    target = np.array([0, 15, 16, -17, 1 << 16, -(1 << 17)], np.int32)
    assert unit_numbers(target).tolist() == [0, 0, 1, -1, 1 << UNIT_BITS, -(1 << UNIT_BITS)]
