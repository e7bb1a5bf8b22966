"""The paper's figures 5 to 9, of this market; and models per second."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from agents.report.style import BLUE, GOLD, GREEN, INK, RULE, SOFT, VERMILION, VIOLET, document, style
from benchmarks.growth import figure as growth
from benchmarks.nodes.chains import title
from benchmarks.report.found import Found, measured

COLOURS = {
    "ganache": GOLD,
    "anvil": BLUE,
    "validators1": GREEN,
    "validators4": VERMILION,
    "validators8": VIOLET,
    "postgres": SOFT,
}
STYLE = {"svg.fonttype": "path", "font.size": 10, "ytick.color": INK}
RATE_COLOURS = ("#7fb2d9", "#2f7fbf", "#003a66")
PAPER_MODELS, PAPER_SECONDS = (65.0, 70.0), 15
"""On four peers of 32 cores each: other machines than ours, drawn for orientation (III-B, III-C)."""


def figures(found: Found) -> dict[str, str]:
    """All figures that can be drawn of what was found, as SVG, by name."""
    made: dict[str, Callable[[Found], Figure | None]] = {
        "bench-models": models,
        "bench-rates": by_rate,
        "bench-peers": by_peers,
        "bench-kinds": by_kind,
    }
    drawn: dict[str, str] = {}
    for name, draw in made.items():
        with style(name, STYLE):
            figure = draw(found)
            if figure is not None:
                drawn[name] = _bare(document(figure, bbox_inches="tight", pad_inches=0.12))
    if grown := measured(found, "growth"):
        drawn["bench-growth"] = _bare(growth.svg(grown))  # in a style of its own
    return drawn


def models(found: Found) -> Figure | None:
    """Models per second by chain, and how many blocks a model waits."""
    chains = measured(found, "models")
    if not chains:
        return None
    rates = {title(name): (COLOURS[name], one["best"]["models_per_second"]) for name, one in chains.items()}
    for variant, one in measured(found, "postgres").items():
        if "lives_per_second" in one:
            rates[f"PostgreSQL, {variant}"] = (COLOURS["postgres"], one["lives_per_second"])
    figure = Figure(figsize=(10.5, 1.4 + 0.42 * len(rates)), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=(3, 2))
    for place, (colour, rate) in enumerate(rates.values()):
        _bar(left, place, rate, colour)
        _label(left, rate["max"], place, f"{rate['median']:,.0f}")
    left.axvspan(*PAPER_MODELS, color=RULE, zorder=0)
    left.set_xscale("log")
    left.set_xlim(1, 4 * max(rate["max"] for _, rate in rates.values()))
    left.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    left.xaxis.set_minor_locator(NullLocator())
    left.set_xlabel("models per second")
    _names(left, list(rates))
    _paper(left, PAPER_MODELS[1])
    for place, (name, one) in enumerate(chains.items()):
        delay = one["best"]["delay_blocks"]
        _bar(right, place, delay, COLOURS[name])
        _label(right, delay["max"], place, f"{delay['median']:.0f}")
    right.set_xlim(0, 1.25 * max(15, *(one["best"]["delay_blocks"]["max"] for one in chains.values())))
    right.axvline(PAPER_SECONDS, color=RULE, linewidth=2, zorder=0)
    right.set_xlabel("delay of a model, blocks of about a second")
    _names(right, [title(name) for name in chains])
    _paper(right, PAPER_SECONDS)
    return figure


def by_rate(found: Found) -> Figure | None:
    """Throughput and latency by send rate: the paper's figures 7 and 8."""
    chains = {name: one for name, one in measured(found, "rates").items() if one["rates"]}
    if not chains:
        return None
    figure = Figure(figsize=(10.5, 3.9), layout="constrained")
    left, right = figure.subplots(1, 2)
    for name, one in chains.items():
        rates = [int(rate) for rate in one["rates"]]
        at = list(one["rates"].values())
        line: dict[str, Any] = {"color": COLOURS[name], "marker": "o", "linewidth": 2, "label": title(name)}
        left.plot(rates, [each["throughput"] for each in at], **line)
        right.plot(rates, [each["latency"]["p50"] for each in at], **line)
        high = [each["latency"]["p95"] for each in at]
        right.plot(rates, high, color=COLOURS[name], linestyle=":", marker=".", linewidth=1.2)
    ends = sorted({int(rate) for one in chains.values() for rate in one["rates"]})
    left.plot([0, ends[-1]], [0, ends[-1]], color=SOFT, linestyle=(0, (4, 3)), linewidth=1, zorder=0)
    left.annotate("all that is sent", (0.6 * ends[-1], 0.64 * ends[-1]), color=SOFT, ha="right")
    left.set_ylabel("throughput, transactions a second")
    right.set_ylabel("latency in seconds: p50, dotted p95")
    for axes in (left, right):
        axes.set_xlabel("transactions sent a second")
        _from_zero(axes)
        axes.xaxis.set_major_locator(FixedLocator(ends))
        axes.grid(axis="y", color=RULE, linewidth=0.6)
    handles, names = left.get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower center", ncols=len(names), frameon=False)
    return figure


def by_peers(found: Found) -> Figure | None:
    """Throughput and latency by number of validators: the paper's figures 5 and 6."""
    chains = {
        int(name.removeprefix("validators")): one["rates"]
        for name, one in measured(found, "rates").items()
        if name.startswith("validators") and one["rates"]
    }
    if len(chains) < 2:
        return None
    figure = Figure(figsize=(10.5, 3.9), layout="constrained")
    left, right = figure.subplots(1, 2)
    for colour, rate in zip(RATE_COLOURS, next(iter(chains.values())), strict=False):
        counts = [count for count, rates in chains.items() if rate in rates]
        at = [chains[count][rate] for count in counts]
        line: dict[str, Any] = {
            "color": colour,
            "marker": "o",
            "linewidth": 2,
            "label": f"{int(rate):,} sent/s",
        }
        left.plot(counts, [each["throughput"] for each in at], **line)
        right.plot(counts, [each["latency"]["p50"] for each in at], **line)
    left.set_ylabel("throughput, transactions a second")
    right.set_ylabel("latency in seconds, p50")
    for axes in (left, right):
        axes.set_xlabel("validators, all on this machine")
        _from_zero(axes)
        axes.xaxis.set_major_locator(FixedLocator(list(chains)))
        axes.grid(axis="y", color=RULE, linewidth=0.6)
    handles, names = left.get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower center", ncols=len(names), frameon=False)
    return figure


def by_kind(found: Found) -> Figure | None:
    """Throughput and latency of each kind of transaction: the paper's figure 9."""
    chosen = [
        (name, at["kinds"])
        for name, one in measured(found, "rates").items()
        for rate, at in one["rates"].items()
        if rate == _shared_rate(found)
    ]
    if not chosen:
        return None
    names = list(chosen[0][1])
    figure = Figure(figsize=(10.5, 5.4), layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True)
    for turn, (name, kinds) in enumerate(chosen):
        shift = (turn - (len(chosen) - 1) / 2) * 0.7 / len(chosen)
        places = [place + shift for place in range(len(names))]
        dots: dict[str, Any] = {"color": COLOURS[name], "s": 24, "label": title(name), "zorder": 3}
        left.scatter([kinds[kind]["throughput"] for kind in names], places, **dots)
        right.scatter([kinds[kind]["latency"]["p50"] for kind in names], places, **dots)
        for place, kind in zip(places, names, strict=True):
            latency = kinds[kind]["latency"]
            right.plot(
                [latency["p50"], latency["p95"]],
                [place, place],
                color=COLOURS[name],
                linewidth=1.4,
                alpha=0.6,
            )
    _names(left, names)
    left.set_xlabel("throughput, transactions a second")
    right.set_xlabel("latency in seconds: p50, line to p95")
    right.tick_params(axis="y", length=0)
    for axes in (left, right):
        axes.set_xlim(0, 1.06 * axes.get_xlim()[1])
        axes.grid(axis="x", color=RULE, linewidth=0.6)
        axes.set_axisbelow(True)
    left.set_title(
        f"each kind alone, {int(_shared_rate(found)):,} sent a second", fontsize=10, color=SOFT, loc="left"
    )
    handles, labels = left.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(labels), frameon=False)
    return figure


def _shared_rate(found: Found) -> str:
    """The lowest rate: the one that most chains were measured at."""
    rates = (rate for one in measured(found, "rates").values() for rate in one["rates"])
    return min(rates, key=int, default="0")


def _bar(axes: Axes, place: int, spread: Mapping[str, Any], colour: str) -> None:
    middle = spread["median"]
    axes.barh(place, middle, color=colour, height=0.62, zorder=2)
    around = [[middle - spread["min"]], [spread["max"] - middle]]
    axes.errorbar(middle, place, xerr=around, color=INK, capsize=3, linewidth=1.2, zorder=3)


def _label(axes: Axes, value: float, place: int, text: str) -> None:
    axes.annotate(text, (value, place), (7, 0), textcoords="offset points", va="center", color=INK)


def _paper(axes: Axes, value: float) -> None:
    """Says above the plot which mark is the paper's."""
    axes.annotate(
        "the paper", (value, 1), (0, 3), xycoords=("data", "axes fraction"), textcoords="offset points",
        ha="center", color=SOFT, fontsize=9,
    )  # fmt: skip


def _from_zero(axes: Axes) -> None:
    """Both axes from zero, with room for the last marker, and thousands set apart."""
    axes.set_xlim(0, 1.04 * axes.get_xlim()[1])
    axes.set_ylim(0, 1.04 * axes.get_ylim()[1])
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.10g}"))


def _names(axes: Axes, names: list[str]) -> None:
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)


def _bare(text: str) -> str:
    """Without what stands before the picture."""
    return text[text.index("<svg") :]
