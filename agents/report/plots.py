"""Plots that any report may show."""

from __future__ import annotations

from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from agents.core.escaping import printable
from agents.readmodel.gas import GasUse
from agents.report.svg import MARKET, RULE, SOFT, page_style, svg


def gas_plot(uses: dict[str, GasUse]) -> str:
    """Each kind of transaction's share of all gas, the costliest on top."""
    with page_style("gas"):
        figure = Figure(figsize=(8.4, 0.9 + 0.33 * max(len(uses), 1)), layout="constrained")
        axes = figure.add_subplot()
        kinds = [_clipped(printable(kind)) for kind in uses]
        totals = [use.total for use in uses.values()]
        axes.barh(range(len(kinds)), totals, color=MARKET, height=0.62)
        for place, use in enumerate(uses.values()):
            axes.annotate(
                f"{use.count:,} \N{MULTIPLICATION SIGN} {use.mean:,}",
                (use.total, place),
                (5, 0),
                textcoords="offset points",
                va="center",
                color=SOFT,
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
        axes.grid(axis="x", color=RULE, linewidth=0.6)
        axes.set_axisbelow(True)
        return svg(figure, "Gas by kind of transaction")


def _clipped(kind: str, most: int = 44) -> str:
    return kind if len(kind) <= most else kind[: most - 1] + "\N{HORIZONTAL ELLIPSIS}"
