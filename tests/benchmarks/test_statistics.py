from __future__ import annotations

import pytest

from benchmarks.statistics import Spread, percentile


@pytest.mark.parametrize(
    ("share", "expected"), [(0, 1), (0.1, 1), (0.5, 5), (0.51, 6), (0.95, 10), (0.99, 10), (1, 10)]
)
def test_a_percentile_is_the_least_value_that_so_many_do_not_exceed(share: float, expected: float) -> None:
    assert percentile([10, 9, 8, 7, 6, 5, 4, 3, 2, 1], share) == expected


def test_a_percentile_of_one_value_is_that_value() -> None:
    assert percentile([3.5], 0.99) == 3.5


@pytest.mark.parametrize(("values", "share"), [([], 0.5), ([1.0], -0.1), ([1.0], 1.1)])
def test_refuses_percentiles_that_there_are_not(values: list[float], share: float) -> None:
    with pytest.raises(ValueError, match="no percentile"):
        percentile(values, share)


def test_a_spread_tells_its_middle_and_its_ends() -> None:
    assert Spread.of([3, 1, 2]).json() == {"median": 2, "min": 1, "max": 3, "values": [3, 1, 2]}
    assert Spread.of([1, 2]).brief() == {"median": 1.5, "min": 1, "max": 2}


def test_refuses_a_spread_of_nothing() -> None:
    with pytest.raises(ValueError, match="nothing"):
        Spread.of([])
