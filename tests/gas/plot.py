"""docs/figures/gas-growth.svg: the series of `tests.gas.growth`, each with its line."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tests.gas.growth import Series

FIGURE = Path(__file__).parents[2] / "docs" / "figures" / "gas-growth.svg"
_INK, _SOFT, _BLUE = "#1f2328", "#8c959f", "#0072b2"


def draw(panels: Sequence[Series], path: Path = FIGURE) -> None:
    """Writes the figure; the same series give the same bytes."""
    columns = 3
    rows = -(-len(panels) // columns)
    with _style():
        figure = Figure(figsize=(9, 2.3 * rows), layout="constrained")
        for place, series in enumerate(panels, start=1):
            _panel(figure.add_subplot(rows, columns, place), series)
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, format="svg", facecolor="white", metadata={"Date": None})
    path.write_text("\n".join(line.rstrip() for line in path.read_text().splitlines()) + "\n")


def _style() -> AbstractContextManager[None]:
    return rc_context(
        {
            "svg.fonttype": "none",
            "svg.hashsalt": "gas growth",
            "font.family": "sans-serif",
            "font.size": 9,
            "axes.spines.top": False,
            "axes.spines.right": False,
        }
    )


def _panel(axes: Axes, series: Series) -> None:
    sizes, gas = list(series.gas), list(series.gas.values())
    ends = [sizes[0], sizes[-1]]
    axes.plot(ends, [series.at(size) / 1_000 for size in ends], color=_SOFT, linewidth=1)
    axes.plot(sizes, [used / 1_000 for used in gas], "o", color=_BLUE, markersize=3.5)
    axes.set_ylim(0, max(gas) / 1_000 * 1.08)
    axes.set_title(
        f"{series.call}: {round(series.slope):,} for each {series.words}", fontsize=9, color=_INK, loc="left"
    )
    axes.set_xlabel(f"{series.words}s")
    axes.set_ylabel("thousand gas")
    axes.grid(axis="y", color="#d0d7de", linewidth=0.5)
    axes.set_axisbelow(True)
