"""What noise that protects people costs, on the built-in tables; `make bench-privacy`.

    python -m benchmarks.privacy --seeds 10 --first-seed 100

Prints a table and writes report.json into build/bench-privacy; with --publish also the table in
docs/privacy.md. Exit code 1 if a goal is missed, 2 and one line if a flag cannot be used.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from statistics import mean
from typing import Any

from rich.console import Console
from rich.table import Table as Grid

from agents.core.errors import BadInput
from agents.learning.plans.noise import Mode
from benchmarks.machine import described, machine
from benchmarks.privacy.bench import measure, microseconds_of_a_draw
from benchmarks.privacy.tables import OTHERS
from benchmarks.publish import filled
from benchmarks.report.layout import ReportTable
from testing.command_line import FlagParser, one_line_if_wrong, write_report

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "build" / "bench-privacy"
PAGE = ROOT / "docs" / "privacy.md"
TABLES = ("breast-cancer", "wine", "digits", "diabetes", *OTHERS)
SETTINGS: tuple[tuple[Mode, int], ...] = (
    ("dealt", 1),
    ("dealt", 2),
    ("dealt", 4),
    ("shared", 4),
    ("own", 4),
)
GOALS = {"breast-cancer": (4, 0.03), "fair": (1, 0.01), "HI": (1, 0.01), "diamonds": (1, 0.02)}
"""By table: at which epsilon, with dealt noise, how little of the score may be lost. Of the others none is
promised."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Measures all and tells."""
    with one_line_if_wrong():
        flags = _flags(arguments)
    said = Console(stderr=True)
    seeds = range(flags.first_seed, flags.first_seed + flags.seeds)
    costs = []
    with one_line_if_wrong():
        for name in flags.tables:
            said.print(f"{name}, seeds {seeds[0]} to {seeds[-1]} ...")
            costs.append(asdict(measure(name, SETTINGS, seeds)))
    report: dict[str, Any] = {
        "machine": machine(),
        "seeds": list(seeds),
        "microseconds_of_a_draw": microseconds_of_a_draw(),
        "tables": costs,
        "goals": goals_of(costs),
    }
    write_report(report, flags.folder / "report.json")
    if flags.publish:
        PAGE.write_text(filled(PAGE.read_text(), (table_of(report),), (), described(report["machine"])))
    console = Console(soft_wrap=True, width=None if sys.stdout.isatty() else 120)
    console.print(_grid(table_of(report)))
    for goal in report["goals"]:
        verdict = "met" if goal["met"] else "MISSED"
        console.print(
            f"{goal['table']}, epsilon {goal['epsilon']}: {goal['lost']:.3f} lost, at most {goal['most']}:"
            f" {verdict}"
        )
    console.print(
        f"{report['microseconds_of_a_draw']:.0f} microseconds for a number of the noise\n"
        f"{described(report['machine'])}; {flags.folder / 'report.json'}",
        highlight=False,
    )
    if not all(goal["met"] for goal in report["goals"]):
        sys.exit(1)


def goals_of(costs: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """What is lost at each goal, of the tables that were measured."""
    found = []
    for cost in costs:
        if cost["table"] in GOALS:
            epsilon, most = GOALS[cost["table"]]
            lost = mean(cost["central"]) - mean(cost["noisy"][f"dealt {epsilon}"])
            told = {"table": cost["table"], "epsilon": epsilon, "lost": lost, "most": most}
            found.append(told | {"met": lost <= most})
    return found


def table_of(report: dict[str, Any]) -> ReportTable:
    """Mean scores, a row a table."""
    settings = [f"{mode} {epsilon}" for mode, epsilon in SETTINGS]
    rows = tuple(
        (
            cost["table"],
            f"{cost['rows']} x {cost['columns']}",
            f"{cost['ratio']:.2f}",
            *(
                f"{mean(scores):.3f}"
                for scores in (cost["central"], *(cost["noisy"][name] for name in settings))
            ),
        )
        for cost in report["tables"]
    )
    names = ("table", "rows x columns", "q at 4", "scikit-learn", *settings)
    return ReportTable("privacy", "What noise costs: accuracy or R2", names, rows, wide=len(names))


def _grid(table: ReportTable) -> Grid:
    grid = Grid(title=table.heading)
    for place, column in enumerate(table.columns):
        grid.add_column(column, no_wrap=place == 0)
    for row in table.rows:
        grid.add_row(*row)
    return grid


def _flags(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = FlagParser(prog="python -m benchmarks.privacy", description="measures what noise costs")
    parser.add_argument(
        "--seeds", type=int, default=10, help="divisions of each table, each with its own draw"
    )
    parser.add_argument("--first-seed", type=int, default=0, help="of these seeds")
    parser.add_argument("--tables", nargs="+", choices=TABLES, default=TABLES, help="by default all")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="for the report")
    parser.add_argument("--publish", action="store_true", help="write the table in docs/privacy.md")
    flags = parser.parse_args(arguments)
    if not 1 <= flags.seeds <= 1000:
        raise BadInput(f"seeds is {flags.seeds}: choose 1 to 1000")
    if flags.first_seed < 0:
        raise BadInput(f"first-seed is {flags.first_seed}: choose 0 or more")
    return flags


if __name__ == "__main__":
    main()
