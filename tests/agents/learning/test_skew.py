"""The independent check, on splits made by hand.

Rules: P16.
"""

from __future__ import annotations

from agents.learning.data.skew import check_skew


def test_accepts_a_split_that_holds_both_readings() -> None:
    strata = [0, 0, 1, 1, 2, 2]
    report = check_skew(strata, [[0, 2], [1, 4], [3, 5]])
    assert report.both_readings
    assert report.violations == ()


def test_reports_rows_left_out_given_twice_and_unknown() -> None:
    report = check_skew([0, 0, 1, 1], [[0, 0], [1, 9], []])
    assert report.violations == (
        "subset 2 is empty",
        "2 rows are in no subset",
        "1 rows are in several places",
        "1 row numbers do not exist",
    )
    assert not report.skewed


def test_reports_a_subset_with_all_classes() -> None:
    report = check_skew([0, 0, 1, 1, 1, 1], [[0, 2], [1], [3, 4], [5]])
    assert report.all_classes == ("subset 0 holds all 2 classes",)
    assert not report.skewed


def test_reports_a_subset_with_more_than_half_of_a_class() -> None:
    report = check_skew([0, 0, 0, 1, 1], [[0, 1], [2], [3], [4]])
    assert report.half_of_class == ("subset 0 holds 2 of the 3 rows of class 0",)
    assert not report.skewed


def test_reports_a_class_that_is_more_than_half_of_a_subset() -> None:
    report = check_skew([0, 0, 1, 1, 2, 2], [[0, 2], [1, 3], [4], [5]])
    assert report.half_of_subset == (
        "class 2 is 1 of the 1 rows of subset 2",
        "class 2 is 1 of the 1 rows of subset 3",
    )
    assert report.skewed
    assert not report.both_readings


def test_exactly_half_is_no_majority() -> None:
    assert check_skew([0, 0, 1, 1, 2, 2], [[0, 2], [1, 4], [3, 5]]).both_readings
