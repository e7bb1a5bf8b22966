"""Where a plot begins and ends, and where its labels go."""

from __future__ import annotations

import pytest

from agents.report.scales import limits, spread


def test_labels_that_have_room_stay_where_they_are() -> None:
    assert spread([0.9, 0.5, 0.7], 0.1) == [0.9, 0.5, 0.7]


def test_labels_that_would_overlap_move_apart_and_keep_their_order() -> None:
    placed = spread([0.97, 0.98, 0.5], 0.1)
    assert placed[2] == 0.5
    assert placed[1] - placed[0] == pytest.approx(0.1)
    assert (placed[0] + placed[1]) / 2 == pytest.approx(0.975)


def test_labels_that_move_do_not_run_into_the_next() -> None:
    placed = sorted(spread([0.5, 0.51, 0.56], 0.1))
    assert placed[1] - placed[0] == pytest.approx(0.1)
    assert placed[2] - placed[1] == pytest.approx(0.1)


def test_no_labels_need_no_room() -> None:
    assert spread([], 0.1) == []


def test_everything_is_drawn_where_it_fits() -> None:
    low, high = limits([0.97, 0.96, 0.62], [0.4, 0.9, 0.96], "accuracy")
    assert low < 0.4
    assert high > 0.97


def test_a_poor_start_does_not_press_the_rest_flat() -> None:
    low, _ = limits([0.97, 0.96, 0.93], [0.1, 0.94, 0.96], "accuracy")
    assert 0.8 < low < 0.93


def test_equal_scores_still_have_room() -> None:
    low, high = limits([0.9, 0.9, 0.9], [0.9], "accuracy")
    assert low < 0.9 < high


def test_an_r2_far_below_zero_is_left_off() -> None:
    low, high = limits([0.4, 0.3, -50.0], [-900.0, 0.3], "R2")
    assert -1.3 < low < -0.9
    assert 0.4 < high < 0.6
