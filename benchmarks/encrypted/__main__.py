"""Encrypted training measured; `make bench-encrypted`.

    python -m benchmarks.encrypted --repeats 9

One run, on one machine: what a cloud owner's step costs, against the same arithmetic on plain integers and
against encrypted logistic regression as TenSEAL's tutorial writes it; sizes; accuracy over five splits.
Prints tables and writes report.json and steps.svg into build/bench-encrypted; with --publish also the tables
and the figure of docs/benchmarks-encrypted.md. Exit code 2 and one line if a flag cannot be used.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from statistics import mean
from typing import Any

from rich.console import Console
from rich.table import Table as Grid

from agents.core.errors import BadInput
from benchmarks.encrypted import bench
from benchmarks.encrypted.figure import draw
from benchmarks.encrypted.tutorial import PRECISE, TUTORIAL
from benchmarks.machine import described, machine
from benchmarks.publish import filled
from benchmarks.report.layout import ReportTable
from testing.command_line import FlagParser, one_line_if_wrong, write_report

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "build" / "bench-encrypted"
PAGE = ROOT / "docs" / "benchmarks-encrypted.md"
FIGURE = ROOT / "docs" / "figures" / "bench-encrypted.svg"
SEEDS = range(5)
STEPS = (
    ("bfv", "encrypted-logistic", "breast-cancer"),
    ("bfv", "encrypted-logistic", "digits"),
    ("bfv", "encrypted-ridge", "diabetes"),
    ("features", "encrypted-features", "digits"),
    ("ckks", "encrypted-cubic", "breast-cancer"),
    ("ckks", "encrypted-cubic", "digits"),
    ("network", "encrypted-network", "breast-cancer"),
)
"""What is measured: the report's short name, the family, the data."""

SHORT = {"breast-cancer": "breast", "digits": "digits", "diabetes": "diabetes"}
GOALS = {
    ("bfv", "breast"): 10,
    ("bfv", "digits"): 50,
    ("ckks", "breast"): 60,
    ("ckks", "digits"): 120,
}
"""Milliseconds of a step that we aim at."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Measures all and tells."""
    with one_line_if_wrong():
        flags = _flags(arguments)
    said = Console(stderr=True)
    steps = {}
    for name, family, data in STEPS:
        said.print(f"a step of {family} on {data} ...")
        steps[name, SHORT[data]] = bench.measure_step(family, data, flags.repeats)
    said.print("an epoch of the tutorial's logistic regression ...")
    tutorial = bench.measure_tutorial("breast-cancer", TUTORIAL, 3)
    precise = bench.measure_tutorial("breast-cancer", PRECISE, 1)
    accuracy: dict[str, dict[str, list[float]]] = {}
    for _, family, data in STEPS:
        said.print(f"accuracy of {family} on {data}, {len(SEEDS)} splits ...")
        accuracy.setdefault(family, {})[SHORT[data]] = bench.accuracies(family, data, SEEDS)
    outside = {SHORT[data]: bench.outside(data, SEEDS) for data in dict.fromkeys(data for *_, data in STEPS)}
    report = _report(steps, tutorial, precise, accuracy, outside)
    write_report(report, flags.folder / "report.json")
    draw(report, flags.folder / "steps.svg")
    if flags.publish:
        PAGE.write_text(filled(PAGE.read_text(), tables(report), (), described(report["machine"])))
        draw(report, FIGURE)
    console = Console(soft_wrap=True)
    for table in tables(report):
        console.print(_grid(table))
    console.print(
        f"ratio to the tutorial's epoch: 1 / {1 / report['ratio']['tutorial']:,.0f} (cubic), "
        f"1 / {1 / report['ratio']['tutorial_bfv']:,.0f} (linear sigmoid)\n"
        f"{described(report['machine'])}; {flags.folder / 'report.json'}",
        highlight=False,
    )


def _report(
    steps: dict[tuple[str, str], bench.StepCosts],
    tutorial: bench.Timing,
    precise: bench.Timing,
    accuracy: dict[str, dict[str, list[float]]],
    outside: dict[str, list[float]],
) -> dict[str, Any]:
    ms: dict[str, dict[str, float]] = {}
    for (name, data), step in steps.items():
        ms.setdefault(name, {})[data] = step.step.middle
    beside: dict[str, dict[str, float]] = {}
    for (name, data), step in steps.items():
        beside.setdefault(name, {})[data] = step.step.middle / step.plain.middle
    means = {family: {data: mean(scores) for data, scores in of.items()} for family, of in accuracy.items()}
    return {
        "machine": machine(),
        "ms": ms,
        "ratio": {
            "tutorial": steps["ckks", "breast"].step.middle / tutorial.middle,
            "tutorial_bfv": steps["bfv", "breast"].step.middle / tutorial.middle,
            "plain": beside,
        },
        "accuracy": means,
        "accuracy_by_seed": accuracy,
        "accuracy_outside": {data: mean(scores) for data, scores in outside.items()},
        "rounds": bench.ROUNDS,
        "steps": [asdict(step) | {"name": name} for (name, _), step in steps.items()],
        "tutorial_epoch_ms": asdict(tutorial),
        "precise_tutorial_epoch_ms": asdict(precise),
        "goals_ms": {f"{name}.{data}": goal for (name, data), goal in GOALS.items()},
    }


TIMES = (
    "family",
    "data",
    "rows x features",
    "local steps",
    "step, ms",
    "goal",
    "first job, ms",
    "plain integers, ms",
    "ratio",
)
SIZES = ("family", "data", "keys", "weights in", "result out", "accuracy or R2", "scikit-learn, all data")


def tables(report: dict[str, Any]) -> tuple[ReportTable, ReportTable]:
    """Times and sizes, a row a family and data set."""
    times: list[tuple[str, ...]] = []
    sizes: list[tuple[str, ...]] = []
    for step in report["steps"]:
        data = SHORT[step["data"]]
        goal = report["goals_ms"].get(f"{step['name']}.{data}")
        spread, plain = step["step"], step["plain"]["middle"]
        times.append(
            (
                step["family"],
                data,
                f"{step['rows']} x {step['features']}",
                str(step["local_steps"]),
                f"{spread['middle']:.1f} ({spread['least']:.1f} to {spread['most']:.1f})",
                f"{goal}" if goal else "",
                f"{step['first']:,.0f}",
                f"{plain:.2f}",
                f"{spread['middle'] / plain:,.1f}",
            )
        )
        sizes.append(
            (
                step["family"],
                data,
                _size(step["keys"]),
                _size(step["weights"]),
                _size(step["result"]),
                f"{report['accuracy'][step['family']][data]:.3f}",
                f"{report['accuracy_outside'][data]:.3f}",
            )
        )
    return (
        ReportTable("times", "A cloud owner's step", TIMES, tuple(times), wide=len(TIMES)),
        ReportTable("sizes", "Sizes, and what is learnt", SIZES, tuple(sizes), wide=len(SIZES)),
    )


def _size(count: int) -> str:
    return f"{count / 1e6:,.1f} MB" if count >= 1e6 else f"{count / 1e3:,.0f} kB"


def _grid(table: ReportTable) -> Grid:
    grid = Grid(title=table.heading)
    for place, column in enumerate(table.columns):
        grid.add_column(column, no_wrap=place == 0)
    for row in table.rows:
        grid.add_row(*row)
    return grid


def _flags(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = FlagParser(prog="python -m benchmarks.encrypted", description="measures encrypted training")
    parser.add_argument("--repeats", type=int, default=15, help="measured jobs of each family")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="for the report")
    parser.add_argument("--publish", action="store_true", help="write the tables and the figure in docs/")
    flags = parser.parse_args(arguments)
    if not 1 <= flags.repeats <= 1000:
        raise BadInput(f"repeats is {flags.repeats}: choose 1 to 1000")
    return flags


if __name__ == "__main__":
    main()
