"""The skewed splitter: every split passes the independent check, every refusal is a true one.

Rules: P12, P13, P14, P15.
"""

from __future__ import annotations

from functools import cache
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.core.errors import CannotSplit
from agents.learning.data.prepare import partition, strata_of
from agents.learning.data.skew import SkewReport, check_skew
from agents.learning.data.split import MIN_ROWS, smallest_m, split
from agents.learning.data.tables import BUILT_IN, load_table


def rows_of(counts: list[int]) -> list[int]:
    return np.repeat(np.arange(len(counts)), counts).tolist()


def outcome(counts: list[int], m: int, seed: int = 0) -> SkewReport | None:
    try:
        return check_skew(rows_of(counts), split(rows_of(counts), m, seed))
    except CannotSplit:
        return None


def exists(counts: list[int], m: int, both: bool) -> bool:
    """Whether any split does it, by trying every content of every subset (small cases only)."""
    contents = [
        held
        for held in product(*(range(count // 2 + 1) for count in counts))
        if sum(held) >= MIN_ROWS and 0 in held and (not both or 2 * max(held) <= sum(held))
    ]

    @cache
    def fill(left: tuple[int, ...], subsets: int) -> bool:
        if subsets == 0:
            return not any(left)
        fitting = (held for held in contents if all(a <= b for a, b in zip(held, left, strict=True)))
        return any(
            fill(tuple(b - a for a, b in zip(held, left, strict=True)), subsets - 1) for held in fitting
        )

    return fill(tuple(counts), m)


def exists_for_two_classes(counts: list[int], m: int) -> bool:
    """Each class makes subsets of its own: 2 or 3 at least, of 2 rows at least."""
    least = [2 + count % 2 for count in counts]
    most = [count // MIN_ROWS for count in counts]
    return all(low <= high for low, high in zip(least, most, strict=True)) and sum(least) <= m <= sum(most)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.integers(2, 200), min_size=2, max_size=12), st.integers(1, 40), st.integers(0, 2**32))
def test_every_split_is_skewed(counts: list[int], m: int, seed: int) -> None:
    report = outcome(counts, m, seed)
    if report is not None:
        assert report.skewed, report.violations
    elif len(counts) == 2:
        assert not exists_for_two_classes(counts, m)
    else:
        assert m < smallest_m(rows_of(counts)) or 4 * m > sum(counts)


@settings(max_examples=80, deadline=None)
@given(st.lists(st.integers(2, 6), min_size=2, max_size=4), st.integers(1, 6), st.integers(0, 9))
def test_splits_exactly_what_can_be_split(counts: list[int], m: int, seed: int) -> None:
    report = outcome(counts, m, seed)
    assert (report is not None) == exists(counts, m, both=False)
    if report is not None and len(counts) > 2:
        assert report.both_readings == exists(counts, m, both=True)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("m", [4, 5, 8, 16, 40])
@pytest.mark.parametrize("name", BUILT_IN)
def test_real_data_split_with_skew(name: str, m: int, seed: int) -> None:
    table = load_table(name)
    strata = strata_of(partition(table, seed).train.target, table.task)
    report = check_skew(strata, split(strata, m, seed))
    assert report.skewed
    if name in ("digits", "diabetes"):
        assert report.both_readings


def test_256_subsets_hold_both_readings() -> None:
    report = outcome([140] * 10, 256)
    assert report is not None
    assert report.both_readings


def test_a_dominant_class_gives_up_the_majority_of_the_subset_only() -> None:
    report = outcome([1000, 40, 30, 20], 8)
    assert report is not None
    assert report.skewed
    assert report.half_of_subset


def test_an_uneven_case_that_only_the_integer_program_finds() -> None:
    report = outcome([51, 8, 19, 38, 12], 3)
    assert report is not None
    assert report.both_readings


def test_the_same_seed_gives_the_same_split_and_another_seed_another() -> None:
    strata = rows_of([30, 40, 50, 60])
    first, again, other = split(strata, 6, 1), split(strata, 6, 1), split(strata, 6, 2)
    assert all((a == b).all() for a, b in zip(first, again, strict=True))
    assert any(not np.array_equal(a, b) for a, b in zip(first, other, strict=True))


def test_parts_are_sorted_row_numbers() -> None:
    for part in split(rows_of([30, 40, 50, 60]), 6, 0):
        assert part.dtype == np.int64
        assert (np.diff(part) > 0).all()


@pytest.mark.parametrize(
    ("counts", "m", "message"),
    [
        ([10], 4, "the data hold a single class: every subset would hold all classes; choose another target"),
        ([10, 1], 4, "class 1 has one row, and one subset would hold all of it: drop or merge the class"),
        ([10, 10], 0, "0 subsets: a dataset has 1 to 256"),
        ([10, 10], 257, "257 subsets: a dataset has 1 to 256"),
        ([10, 10], 1, "1 subsets are too few for 2 classes split with skew: use 4 or more"),
        ([10, 10], 3, "3 subsets are too few for 2 classes split with skew: use 4 or more"),
        ([11, 10], 4, "4 subsets are too few for 2 classes split with skew: use 5 or more"),
        ([10, 10, 11], 3, "3 subsets are too few for 3 classes split with skew: use 4 or more"),
        ([11, 11, 11], 4, "4 subsets are too few for 3 classes split with skew: use 5 or more"),
        ([10, 5], 5, "class 1 has 5 rows, too few for subsets of its own: 6 are enough"),
        ([10, 11], 11, "11 subsets are too many for 21 rows: use 10 or fewer"),
        ([10, 10, 10], 16, "16 subsets are too many for 30 rows: use 15 or fewer"),
    ],
)
def test_refuses_in_one_line(counts: list[int], m: int, message: str) -> None:
    with pytest.raises(CannotSplit) as caught:
        split(rows_of(counts), m, 0)
    assert str(caught.value) == message


def test_labels_may_be_any_whole_numbers() -> None:
    strata = np.where(np.arange(40) % 2 == 0, -7, 90)
    assert check_skew(strata, split(strata, 4, 0)).skewed
