"""The report's plots, as SVG to stand inside the page.

The same figures give the same bytes. Ink and series colours are the page's own (CSS variables), so that a
plot follows the page into dark mode and onto paper.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from io import StringIO

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from agents.demo.outcome import Scores
from agents.demo.report.gas import GasUse
from agents.demo.report.words import score

_INK, _SOFT, _RULE, _MARKET, _CENTRAL, _SINGLE = (f"#0a0b{shade:02x}" for shade in range(1, 7))
_VARIABLES = {
    _INK: "--ink",
    _SOFT: "--soft",
    _RULE: "--rule",
    _MARKET: "--blue",
    _CENTRAL: "--ink",
    _SINGLE: "--vermilion",
}
"""Colours to draw with, and the CSS variable that each becomes."""

_WORST_R2 = -1.0
"""An R2 below this is not drawn where it is: it would press everything else flat."""
_MANY_ROUNDS = 30


def accuracy_plot(scores: Scores) -> str:
    """The model by round, the initial weights at round 0, beside what it is held against."""
    with _style():
        figure = Figure(figsize=(8.4, 3.7), layout="constrained")
        axes = figure.add_subplot()
        values = [_drawable(value, scores.metric) for value in (scores.initial, *scores.market)]
        ends = [_End(values[-1], "the market", _MARKET, (scores.initial, *scores.market)[-1])]
        for exact, dashes, colour, name in (
            (scores.centralised, (0, (6, 3)), _CENTRAL, "all data in one place"),
            (scores.best_single_subset, (0, (1.5, 2)), _SINGLE, "best single subset"),
        ):
            ends.append(_End(_drawable(exact, scores.metric), name, colour, exact))
            axes.axhline(ends[-1].place, color=colour, linestyle=dashes, linewidth=1.6)
        marker = "o" if len(values) <= _MANY_ROUNDS else ""
        axes.plot(range(len(values)), values, color=_MARKET, linewidth=2.2, marker=marker, markersize=5.5)
        _label_ends(axes, ends, scores.metric)
        axes.set_xlabel("round")
        axes.set_ylabel(f"{scores.metric} on rows that no party has seen")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: score(value, scores.metric)))
        axes.set_xlim(-0.15, max(len(values) - 1, 1) + 0.15)
        axes.grid(axis="y", color=_RULE, linewidth=0.6)
        axes.set_axisbelow(True)
        return _svg(figure, "The model by round, beside training with all data in one place")


def gas_plot(uses: dict[str, GasUse]) -> str:
    """Each kind of transaction's share of all gas, the costliest on top."""
    with _style():
        figure = Figure(figsize=(8.4, 0.9 + 0.33 * max(len(uses), 1)), layout="constrained")
        axes = figure.add_subplot()
        kinds = [_clipped(kind) for kind in uses]
        totals = [use.total for use in uses.values()]
        axes.barh(range(len(kinds)), totals, color=_MARKET, height=0.62)
        for place, use in enumerate(uses.values()):
            axes.annotate(
                f"{use.count:,} \N{MULTIPLICATION SIGN} {use.mean:,}",
                (use.total, place),
                (5, 0),
                textcoords="offset points",
                va="center",
                color=_SOFT,
                fontsize=9,
            )
        axes.set_yticks(range(len(kinds)), kinds)
        axes.invert_yaxis()
        axes.set_xlabel("gas in all (number of transactions \N{MULTIPLICATION SIGN} mean)")
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
        axes.xaxis.set_major_locator(MaxNLocator(5))
        axes.margins(x=0.14)
        axes.set_xlim(left=0)
        axes.spines["left"].set_visible(False)
        axes.tick_params(axis="y", length=0)
        axes.grid(axis="x", color=_RULE, linewidth=0.6)
        axes.set_axisbelow(True)
        return _svg(figure, "Gas by kind of transaction")


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


def _style() -> AbstractContextManager[None]:
    return rc_context(
        {
            "svg.fonttype": "none",
            "svg.hashsalt": "holdfast",
            "text.parse_math": False,
            "font.family": "sans-serif",
            "font.size": 10,
            "text.color": _INK,
            "axes.edgecolor": _RULE,
            "axes.labelcolor": _SOFT,
            "xtick.color": _SOFT,
            "ytick.color": _SOFT,
            "axes.spines.top": False,
            "axes.spines.right": False,
        }
    )


@dataclass(frozen=True)
class _End:
    """The right end of a line: where it is drawn, and the score that it stands for."""

    place: float
    name: str
    colour: str
    exact: float


def _label_ends(axes: Axes, ends: Sequence[_End], metric: str) -> None:
    """Names each line at its right end, with its score, so that no legend is needed."""
    drawn = [end for end in ends if math.isfinite(end.place)]
    low, high = axes.get_ylim()
    places = spread([end.place for end in drawn], 0.085 * (high - low))
    for end, place in zip(drawn, places, strict=True):
        axes.annotate(
            f"{end.name}  {score(end.exact, metric)}",
            (1, place),
            (8, 0),
            xycoords=("axes fraction", "data"),
            textcoords="offset points",
            va="center",
            color=end.colour,
            annotation_clip=False,
        )


def _drawable(value: float, metric: str) -> float:
    if not math.isfinite(value):
        return math.nan
    return max(value, _WORST_R2) if metric == "R2" else value


def _clipped(kind: str, most: int = 44) -> str:
    return kind if len(kind) <= most else kind[: most - 1] + "\N{HORIZONTAL ELLIPSIS}"


def _svg(figure: Figure, title: str) -> str:
    buffer = StringIO()
    figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None})
    text = buffer.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    text = re.sub(r'<g id="[^"]*"', "<g", text)
    for colour, variable in _VARIABLES.items():
        text = text.replace(colour, f"var({variable})")
    return text.replace("<svg ", f'<svg role="img" aria-label="{title}" ', 1).strip()
