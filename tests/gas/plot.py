"""docs/figures/gas-growth.svg: the series of `testing.gas_growth`, each with its line."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from agents.report.style import BLUE, DARK_AXES, FAINT, INK, RULE, document, style
from testing.gas_growth import Series

FIGURE = Path(__file__).parents[2] / "docs" / "figures" / "gas-growth.svg"
_STYLE = {"axes.edgecolor": INK, **DARK_AXES}


def draw(panels: Sequence[Series], path: Path = FIGURE) -> None:
    """Writes the figure; the same series give the same bytes."""
    columns = 3
    rows = -(-len(panels) // columns)
    with style("gas growth", _STYLE):
        figure = Figure(figsize=(9, 2.3 * rows), layout="constrained")
        for place, series in enumerate(panels, start=1):
            _panel(figure.add_subplot(rows, columns, place), series)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(document(figure))


def _panel(axes: Axes, series: Series) -> None:
    sizes, gas = list(series.gas), list(series.gas.values())
    ends = [sizes[0], sizes[-1]]
    axes.plot(ends, [series.at(size) / 1_000 for size in ends], color=FAINT, linewidth=1)
    axes.plot(sizes, [used / 1_000 for used in gas], "o", color=BLUE, markersize=3.5)
    axes.set_ylim(0, max(gas) / 1_000 * 1.08)
    axes.set_title(
        f"{series.call}: {round(series.slope):,} for each {series.words}", fontsize=9, color=INK, loc="left"
    )
    axes.set_xlabel(f"{series.words}s")
    axes.set_ylabel("thousand gas")
    axes.grid(axis="y", color=RULE, linewidth=0.5)
    axes.set_axisbelow(True)
