"""The report's plots: where they begin and end, where labels go, and that they follow the page.

Rules: E17.
"""

from __future__ import annotations

import math
import re
from dataclasses import replace
from itertools import pairwise

import pytest

from agents.demo.outcome import Scores
from agents.readmodel.gas import GasUse
from agents.report.plots import accuracy_plot, gas_plot
from agents.report.scales import limits, spread

USE = GasUse(3, 10, 20, 30, 60)


def scores(*market: float, metric: str = "accuracy", initial: float = 0.4, single: float = 0.9) -> Scores:
    return Scores(metric, initial, market, 0.97, single, ("another", 0.97))


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


def test_scores_that_are_no_numbers_are_left_off() -> None:
    low, high = limits([math.nan, math.nan, math.nan], [math.nan], "R2")
    assert low < 0.0 < high
    drawn = accuracy_plot(Scores("R2", 0.0, (0.1,), math.nan, 0.1, ("another", 0.0)))
    assert ">all data in one place" not in drawn
    assert ">best single subset" in drawn


def test_names_each_line_with_its_score() -> None:
    drawn = accuracy_plot(scores(0.8, 0.96))
    for words in ("the market  96.0", "all data in one place  97.0", "best single subset  90.0"):
        assert words in drawn


def test_says_which_rounds_are_below_the_plot() -> None:
    assert "below the plot: round 0, 10.0" in accuracy_plot(scores(0.95, 0.96, initial=0.1, single=0.93))
    assert "below the plot: early rounds" in accuracy_plot(scores(0.2, 0.96, initial=0.1, single=0.93))
    assert "below the plot" not in accuracy_plot(scores(0.95, 0.96, single=0.6))


def test_marks_a_line_that_is_below_the_plot() -> None:
    drawn = accuracy_plot(scores(0.3, 0.4, metric="R2", single=-7.0))
    assert "\N{DOWNWARDS ARROW} best single subset  \N{MINUS SIGN}7.000" in drawn


def test_draws_the_start_alone() -> None:
    assert "the market  40.0" in accuracy_plot(scores())


def test_between_two_sums_the_model_stands_still() -> None:
    """It is drawn in steps, marked where it moved; a slope would tell of scores that there never were."""
    every = scores(0.85, 0.9, 0.9, 0.95, initial=0.85)
    moved = replace(every, updates=(2, 4))
    steps, slopes = (list(pairwise(_path(accuracy_plot(each)))) for each in (moved, every))
    assert all(x == before_x or y == before_y for (before_x, before_y), (x, y) in steps)
    assert any(x != before_x and y != before_y for (before_x, before_y), (x, y) in slopes)
    assert accuracy_plot(every).count("<use") - accuracy_plot(moved).count("<use") == 2


def _path(drawn: str) -> list[tuple[float, float]]:
    """The points of the market's line, the one with the widest stroke."""
    paths = re.findall(r'<path d="([^"]*)"[^>]*stroke-width: 2.2', drawn)
    (line,) = (path for path in paths if "L" in path)
    numbers = [float(number) for number in re.findall(r"-?[0-9.]+", line)]
    return list(zip(numbers[::2], numbers[1::2], strict=True))


def test_many_rounds_are_drawn_without_marks() -> None:
    few, many = accuracy_plot(scores(*[0.9] * 20)), accuracy_plot(scores(*[0.9] * 60))
    assert few.count("<use") > many.count("<use")


def test_draws_gas_by_transaction() -> None:
    drawn = gas_plot({"updateTJ": USE, "multicall(" + "joinCI, " * 20 + "joinCI)": USE})
    assert "updateTJ" in drawn
    assert "3 \N{MULTIPLICATION SIGN} 20" in drawn
    assert "\N{HORIZONTAL ELLIPSIS}" in drawn
    assert "joinCI, " * 20 not in drawn


def test_draws_no_gas_at_all() -> None:
    assert gas_plot({}).startswith("<svg ")


def test_a_plot_takes_the_colours_of_the_page() -> None:
    for drawn in (accuracy_plot(scores(0.9)), gas_plot({"updateTJ": USE})):
        assert drawn.startswith('<svg role="img" aria-label="')
        assert "var(--ink)" in drawn or "var(--soft)" in drawn
        assert set(re.findall(r"#[0-9a-f]{6}\b", drawn)) <= {"#000000"}
        assert "<metadata" not in drawn


def test_the_same_scores_give_the_same_bytes() -> None:
    assert accuracy_plot(scores(0.8, 0.9)) == accuracy_plot(scores(0.8, 0.9))
