"""The plot of how often it comes true what the model is so sure of."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from agents.learning.judgement import Bin
from agents.report.svg import CENTRAL, MARKET, RULE, page_style, svg


def calibration_plot(bins: Sequence[Bin]) -> str:
    """Observed shares over expected ones; a model whose chances can be believed lies on the diagonal.

    Empty where there are no classes.
    """
    if not bins:
        return ""
    with page_style("calibration"):
        figure = Figure(figsize=(4.6, 3.7), layout="constrained")
        axes = figure.add_subplot()
        axes.plot((0, 1), (0, 1), color=CENTRAL, linestyle=(0, (6, 3)), linewidth=1.2)
        expected, observed = [one.expected for one in bins], [one.observed for one in bins]
        axes.plot(expected, observed, color=MARKET, linewidth=2.2, marker="o", markersize=5.5)
        axes.set_xlabel("what the model expects")
        axes.set_ylabel("what came true")
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_formatter(PercentFormatter(1.0, decimals=0))
        axes.set_xlim(-0.03, 1.03)
        axes.set_ylim(-0.03, 1.03)
        axes.grid(color=RULE, linewidth=0.6)
        axes.set_axisbelow(True)
        return svg(figure, "How often it comes true what the model is so sure of")
