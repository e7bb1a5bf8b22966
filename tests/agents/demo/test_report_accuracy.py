"""The plot of the score by round: what it names, what it leaves off, and that it follows the page.

Rules: E17.
"""

from __future__ import annotations

import math
import re
from dataclasses import replace
from itertools import pairwise

from agents.demo.outcome import Scores
from agents.demo.report.accuracy import accuracy_plot
from agents.report.scales import limits


def scores(*market: float, metric: str = "accuracy", initial: float = 0.4, single: float = 0.9) -> Scores:
    return Scores(metric, initial, market, 0.97, single, ("another", 0.97))


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


def test_a_plot_takes_the_colours_of_the_page() -> None:
    drawn = accuracy_plot(scores(0.9))
    assert drawn.startswith('<svg role="img" aria-label="')
    assert "var(--ink)" in drawn or "var(--soft)" in drawn
    assert set(re.findall(r"#[0-9a-f]{6}\b", drawn)) <= {"#000000"}
    assert "<metadata" not in drawn


def test_the_same_scores_give_the_same_bytes() -> None:
    assert accuracy_plot(scores(0.8, 0.9)) == accuracy_plot(scores(0.8, 0.9))
