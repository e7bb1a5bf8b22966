"""How costs grow, as a figure: a panel for each, both axes logarithmic, with the fitted power."""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil, floor, log10
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, NullFormatter, NullLocator

from agents.report.style import BLUE, DARK_AXES, FAINT, GREEN, INK, RULE, document, style
from benchmarks.growth.fit import Growth

COLOURS = {"gas": BLUE, "seconds": GREEN}
STYLE = {"font.size": 8.5, "text.parse_math": True, "axes.edgecolor": FAINT, **DARK_AXES}
COLUMNS = 5
FEW = 20
"""A range up to this factor has a tick for each size, a wider one for each power of ten."""
_TITLES = {"rebuilding": "rebuilding the market", "auditing": "auditing the market"}


def svg(found: Mapping[str, Any]) -> str:
    """What `benchmarks.growth.measure` found, as SVG; the same figures give the same bytes."""
    with style("growth", STYLE):
        return document(_drawn(found))


def _drawn(found: Mapping[str, Any]) -> Figure:
    """Gas above, time below, then the log."""
    names = [
        *(name for name in found if name.startswith("gas_")),
        "rebuilding",
        *(name for name in found if name.startswith("time_")),
        "auditing",
    ]
    rows = -(-len(names) // COLUMNS)
    figure = Figure(figsize=(2.5 * COLUMNS, 2.5 * rows), layout="constrained")
    for place, name in enumerate(names, start=1):
        _panel(figure.add_subplot(rows, COLUMNS, place), name, found[name])
    return figure


def _panel(axes: Axes, name: str, one: Mapping[str, Any]) -> None:
    growth = Growth({int(size): cost for size, cost in one["cost"].items()})
    sizes, costs = list(growth.cost), list(growth.cost.values())
    ends = [sizes[0], sizes[-1]]
    axes.plot(ends, [growth.at(size) for size in ends], color=FAINT, linewidth=1)
    axes.plot(sizes, costs, "o", color=COLOURS[one["what"]], markersize=3.5)
    axes.set_xscale("log")
    axes.set_yscale("log")
    low, high = min(costs), max(costs)
    axes.set_ylim(10 ** floor(log10(low / 1.5)), 10 ** ceil(log10(high * 1.5)))
    axes.set_xlim(sizes[0] / 1.4, sizes[-1] * 1.4)
    wide = sizes[-1] > FEW * sizes[0]
    axes.xaxis.set_major_locator(LogLocator(10, numticks=6) if wide else FixedLocator(sizes))
    axes.yaxis.set_major_locator(LogLocator(10, numticks=6))
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_minor_locator(NullLocator())
        axis.set_minor_formatter(NullFormatter())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: _short(value, one["what"])))
    subject = _TITLES.get(name, "gas of a life" if one["what"] == "gas" else "time of a life")
    power = f"~ {one['unit']}$^{{{rounded(growth.exponent)}}}$ ({rounded(growth.end)} at the end)"
    axes.set_title(f"{subject}\n{power}", loc="left", color=INK, fontsize=9)
    axes.set_xlabel(one["unit"])
    axes.grid(color=RULE, linewidth=0.5)
    axes.set_axisbelow(True)


def _short(value: float, what: str) -> str:
    if what == "seconds":
        return f"{value:g} s" if value >= 1 else f"{value * 1_000:g} ms"
    return f"{value / 1e6:,g} M"


def rounded(exponent: float) -> str:
    """Two places, without a sign before zero."""
    return f"{round(exponent, 2) + 0.0:.2f}"
