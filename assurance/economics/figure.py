"""What a job pays a cloud owner by what training costs, by the miss penalty and by the bond."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from agents.core.amounts import ETHER
from agents.report.style import BLUE, INK, RULE, SOFT, VERMILION, VIOLET, document, style
from assurance.economics import theory
from assurance.economics.setting import Setting

MILLI = ETHER // 1000
COLOURS = {"honest": BLUE, "lies": VERMILION, "silent": VIOLET, "flags": SOFT}
DASHES = {"honest": "-", "lies": "--", "silent": ":", "flags": "-."}
SHARE = 0.3
"""Of liars, in the panel of the bond."""


@dataclass(frozen=True)
class Sweep:
    """One panel: a setting for each value of what is swept, in wei, and where what is best changes."""

    title: str
    label: str
    values: Sequence[int]
    settings: Sequence[Setting]
    edge: float | None


def draw(setting: Setting, file: Path) -> None:
    """Writes the figure as SVG; the same setting gives the same bytes."""
    with style("economics"):
        figure = Figure(figsize=(10.5, 3.5), layout="constrained")
        panels = figure.subplots(1, 3)
        for axes, sweep in zip(panels, sweeps(setting), strict=True):
            _panel(axes, sweep)
        panels[0].set_ylabel("a job pays, thousandths of a coin")
        handles, names = panels[0].get_legend_handles_labels()
        figure.legend(handles, names, loc="outside lower center", ncols=len(names), frameon=False)
        file.write_text(document(figure))


def sweeps(setting: Setting) -> tuple[Sweep, ...]:
    """The three panels."""
    price, bond, penalty = (
        setting.terms.job_price,
        setting.terms.instance_bond,
        setting.terms.miss_penalty,
    )
    costs = _steps(0, max(2 * price, 1))
    penalties = _steps(0, max(min(4 * theory.least_penalty(setting), bond), 1))
    bonds = _steps(max(price, penalty), max(bond, price, penalty) * 2)
    shared = setting.but(dishonest=SHARE)
    return (
        Sweep(
            "all others honest",
            "training costs",
            costs,
            [setting.but(training_cost=cost) for cost in costs],
            theory.highest_cost(setting) / MILLI,
        ),
        Sweep(
            "what silence must cost",
            "miss penalty",
            penalties,
            [setting.but(miss_penalty=value) for value in penalties],
            theory.least_penalty(setting) / MILLI,
        ),
        Sweep(
            f"each other lies with chance {SHARE}, in league",
            "instance bond",
            bonds,
            [shared.but(instance_bond=value) for value in bonds],
            None,
        ),
    )


def _steps(low: int, high: int) -> list[int]:
    return [int(value) for value in np.linspace(low, high, 41)]


def _panel(axes: Axes, sweep: Sweep) -> None:
    places = [value / MILLI for value in sweep.values]
    for name, strategy in theory.STRATEGIES.items():
        payoffs = [theory.expected(strategy, setting) / MILLI for setting in sweep.settings]
        axes.plot(places, payoffs, DASHES[name], color=COLOURS[name], linewidth=1.8, label=name)
    if sweep.edge is not None:
        axes.axvline(sweep.edge, color=INK, linewidth=0.8)
        axes.annotate(
            f"{sweep.edge:.3g}",
            (sweep.edge, 1),
            (3, -3),
            xycoords=("data", "axes fraction"),
            textcoords="offset points",
            va="top",
        )
    if sweep.label != "instance bond":
        # a liar loses the whole bond: off the scale on which the others differ
        rest = [
            theory.expected(theory.STRATEGIES[n], x) / MILLI
            for n in ("honest", "flags", "silent")
            for x in sweep.settings
        ]
        room = 0.15 * (max(rest) - min(rest))
        axes.set_ylim(min(rest) - room, max(rest) + room)
    axes.set_title(sweep.title, fontsize=9, color=INK)
    axes.set_xlabel(f"{sweep.label}, thousandths of a coin")
    axes.grid(axis="y", color=RULE, linewidth=0.6)
    axes.set_axisbelow(True)
