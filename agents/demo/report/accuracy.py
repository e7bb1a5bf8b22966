"""The plot of the model's score by round."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from agents.demo.outcome import Scores
from agents.report.scales import limits, spread
from agents.report.svg import CENTRAL, MARKET, RULE, SINGLE, SOFT, page_style, svg
from agents.report.words import MINUS, score

_MANY_ROUNDS = 30


def accuracy_plot(scores: Scores) -> str:
    """The model by round, the initial weights at round 0, beside what it is held against."""
    with page_style("accuracy"):
        figure = Figure(figsize=(8.4, 3.7), layout="constrained")
        axes = figure.add_subplot()
        values = (scores.initial, *scores.market)
        references = (
            _End(scores.centralised, "all data in one place", CENTRAL, (0, (6, 3))),
            _End(scores.best_single_subset, "best single subset", SINGLE, (0, (1.5, 2))),
        )
        for end in references:
            axes.axhline(end.value, color=end.colour, linestyle=end.dashes, linewidth=1.6)
        places = (0, *scores.moved)
        marker = "o" if len(values) <= _MANY_ROUNDS else ""
        # between two sums the model stands still: a slope there would be a lie
        steps = "default" if len(places) == len(values) else "steps-post"
        axes.plot(
            range(len(values)),
            values,
            color=MARKET,
            linewidth=2.2,
            drawstyle=steps,
            marker=marker,
            markersize=5.5,
            markevery=list(places),
        )
        ends = (_End(values[-1], "the market", MARKET), *references)
        axes.set_ylim(*limits([end.value for end in ends], values, scores.metric))
        _label_ends(axes, ends, scores.metric)
        _tell_what_is_below(axes, values, scores.metric)
        axes.set_xlabel("round")
        axes.set_ylabel(f"{scores.metric} on rows that no party has seen")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: _tick(value, scores.metric)))
        axes.set_xlim(-0.15, max(len(values) - 1, 1) + 0.15)
        axes.grid(axis="y", color=RULE, linewidth=0.6)
        axes.set_axisbelow(True)
        return svg(figure, "The model by round, beside training with all data in one place")


@dataclass(frozen=True)
class _End:
    """The right end of a line."""

    value: float
    name: str
    colour: str
    dashes: tuple[int, tuple[float, float]] = (0, (1, 0))


def _label_ends(axes: Axes, ends: Sequence[_End], metric: str) -> None:
    """Names each line at its right end, with its score, so that no legend is needed."""
    drawn = [end for end in ends if math.isfinite(end.value)]
    low, high = axes.get_ylim()
    places = spread([min(max(end.value, low), high) for end in drawn], 0.085 * (high - low))
    for end, place in zip(drawn, places, strict=True):
        below = "\N{DOWNWARDS ARROW} " if end.value < low else ""
        axes.annotate(
            f"{below}{end.name}  {score(end.value, metric)}",
            (1, place),
            (8, 0),
            xycoords=("axes fraction", "data"),
            textcoords="offset points",
            va="center",
            color=end.colour,
            annotation_clip=False,
        )


def _tell_what_is_below(axes: Axes, values: Sequence[float], metric: str) -> None:
    below = [number for number, value in enumerate(values) if value < axes.get_ylim()[0]]
    if below:
        told = f"round {below[0]}, {score(values[below[0]], metric)}" if len(below) == 1 else "early rounds"
        axes.annotate(
            f"\N{DOWNWARDS ARROW} below the plot: {told}",
            (0.97, 0.04),
            xycoords="axes fraction",
            ha="right",
            color=SOFT,
        )


def _tick(value: float, metric: str) -> str:
    text = f"{100 * value:.10g}\N{NO-BREAK SPACE}%" if metric == "accuracy" else f"{value:.10g}"
    return text.replace("-", MINUS)
