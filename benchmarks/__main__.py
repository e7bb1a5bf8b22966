"""Measures, tells the ratios, and writes build/bench/report.json, report.html and the figures.

    python -m benchmarks --help

Exit code 2 and one line if a flag cannot be used; 1 if a part failed. However it ends, its chains end, too.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table as Grid

from agents.core.errors import BadInput, HoldfastError
from agents.core.escaping import printable
from benchmarks.machine import described, machine
from benchmarks.parts import PARTS
from benchmarks.profile import FULL, SHORT, Json, Profile, Skipped
from benchmarks.report.figures import figures
from benchmarks.report.found import Found
from benchmarks.report.layout import ReportTable
from benchmarks.report.page import page
from benchmarks.report.summary import summary
from benchmarks.report.tables import skipped, tables
from testing.command_line import FlagParser, one_line_if_wrong

FOLDER = Path(__file__).resolve().parent.parent / "build" / "bench"
JSON_NAME, PAGE_NAME = "report.json", "report.html"
_INTERRUPTED, _TERMINATED = 128 + signal.SIGINT, 128 + signal.SIGTERM


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs it; a wrong flag is one line on stderr."""
    with one_line_if_wrong():
        flags = _parser().parse_args(arguments)
        chosen = choose(flags.only)
        _prepare(flags.folder)
    # chains are ended by `with` blocks: let a SIGTERM leave them
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(_TERMINATED))
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 140)
    try:
        found = measure(FULL if flags.full else SHORT, chosen, flags.folder, console)
    except KeyboardInterrupt:
        sys.exit(_INTERRUPTED)
    write(found, flags.folder)
    _tell(found, flags.folder, console)
    if _failed(found):
        sys.exit(1)


def choose(only: str | None) -> list[str]:
    """The parts named, separated by commas, in the order in which they are measured; all if none is.

    Raises:
        BadInput: there is no such part.
    """
    names = list(PARTS) if only is None else only.split(",")
    if not set(names) <= set(PARTS):
        raise BadInput(f"only is {only}: choose of {', '.join(PARTS)}")
    return [name for name in PARTS if name in names]


def measure(profile: Profile, names: Sequence[str], folder: Path, console: Console) -> dict[str, Json]:
    """What the parts find, by name; one that cannot be measured, or fails, says why."""
    facts = machine()
    console.print(f"{profile.name} profile on {escape(printable(described(facts)))}")
    begun = time.monotonic()
    found: dict[str, Json] = {"profile": profile.name, "machine": facts}

    def say(line: str) -> None:
        console.print(f"[dim]{time.monotonic() - begun:5.0f} s[/]  {escape(printable(line))}")

    for name in names:
        place = folder / name
        place.mkdir(parents=True, exist_ok=True)
        try:
            found[name] = dict(PARTS[name](profile, place, say))
        except Skipped as reason:
            found[name] = {"skipped": str(reason)}
            say(f"{name} skipped: {reason}")
        except HoldfastError as problem:
            found[name] = {"failed": str(problem)}
            say(f"{name} failed: {problem}")
    found["seconds"] = round(time.monotonic() - begun, 1)
    return found


def write(found: dict[str, Json], folder: Path) -> None:
    """Writes the report, its page and its figures."""
    facts: Found = found
    report = summary(facts) | found
    (folder / JSON_NAME).write_text(json.dumps(report, indent=2) + "\n")
    drawn = figures(report)
    for name, svg in drawn.items():
        (folder / f"{name}.svg").write_text(svg)
    told = page(report, tables(report), drawn, skipped(report, list(PARTS)), described(facts["machine"]))
    (folder / PAGE_NAME).write_text(told)


def _tell(found: Found, folder: Path, console: Console) -> None:
    """The tables that fit a screen; the ratios last."""
    for line in skipped(found, list(PARTS)):
        console.print(f"not measured: {escape(printable(line))}")
    for table in tables(found):
        if table.name in {"models", "rates", "knees", "ratios"}:
            console.print(_grid(table, described(found["machine"])))
    console.print(f"report: {escape(printable(folder / PAGE_NAME))}, {found['seconds']:.0f} s")


def _failed(found: Found) -> bool:
    """Whether a part failed, or a chain of one."""
    parts = [part for part in found.values() if isinstance(part, dict)]
    chains = [chain for part in parts for chain in part.values() if isinstance(chain, dict)]
    return any("failed" in one for one in (*parts, *chains))


def _grid(table: ReportTable, machine_: str) -> Grid:
    grid = Grid(title=table.heading, title_justify="left", caption=machine_, caption_justify="left")
    for place, column in enumerate(table.columns[: table.wide]):
        grid.add_column(column, justify="right" if place else "left", overflow="fold")
    for row in table.rows:
        grid.add_row(*map(escape, row[: table.wide]))
    return grid


def _prepare(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadInput(f"folder is {folder}: name one that can be made ({error.strerror})") from None


def _parser() -> argparse.ArgumentParser:
    parser = FlagParser(
        prog="python -m benchmarks", description="the paper's section III, measured on this market"
    )
    parser.add_argument("--full", action="store_true", help="everything, for the committed results")
    parser.add_argument("--only", metavar="PARTS", help=f"of {', '.join(PARTS)}; separated by commas")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="for the report")
    return parser


if __name__ == "__main__":
    main()
