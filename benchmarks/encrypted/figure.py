"""A cloud owner's step: encrypted, on plain integers, and the tutorial's epoch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from matplotlib.figure import Figure
from matplotlib.patches import Patch

from agents.report.style import BLUE, DARK_AXES, INK, RULE, SOFT, VERMILION, document, style

ENCRYPTED, PLAIN, PEER = BLUE, SOFT, VERMILION
STYLE = {"svg.fonttype": "path", "text.parse_math": True, **DARK_AXES}


def draw(report: dict[str, Any], file: Path) -> None:
    """Writes the figure as SVG: milliseconds on a logarithmic axis, the least to the most as a line."""
    with style("holdfast", STYLE):
        figure = Figure(figsize=(9, 4.4), layout="constrained")
        axes = figure.subplots()
        names, bars = [], []
        for step in report["steps"]:
            label = f"{step['family'].removeprefix('encrypted-')}, {step['data']}"
            bars += [(label, step["step"], ENCRYPTED), ("", step["plain"], PLAIN)]
        bars.append(("tutorial's epoch, breast-cancer", report["tutorial_epoch_ms"], PEER))
        for place, (name, spread, colour) in enumerate(bars):
            names.append(name)
            axes.barh(place, spread["middle"], color=colour, height=0.8)
            axes.plot([spread["least"], spread["most"]], [place, place], color=INK, linewidth=1)
            axes.text(spread["most"] * 1.15, place, _told(spread["middle"]), va="center", fontsize=8)
        axes.set_yticks(range(len(bars)), names)
        axes.invert_yaxis()
        axes.set_xscale("log")
        axes.set_xlim(right=max(spread["most"] for _, spread, _ in bars) * 4)
        axes.set_xlabel("milliseconds (median; line: least to most)")
        axes.grid(axis="x", color=RULE, linewidth=0.6)
        axes.set_axisbelow(True)
        kinds = (("encrypted", ENCRYPTED), ("plain integers", PLAIN), ("TenSEAL tutorial", PEER))
        axes.legend(handles=[Patch(color=colour, label=name) for name, colour in kinds], frameon=False)
        file.write_text(document(figure))


def _told(milliseconds: float) -> str:
    return f"{milliseconds / 1000:.1f} s" if milliseconds >= 1000 else f"{milliseconds:.3g} ms"
