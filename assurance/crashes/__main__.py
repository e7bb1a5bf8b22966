"""Kills an agent wherever it writes, sends or stores, one life for each place; `make crashes`.

    python -m assurance.crashes
    python -m assurance.crashes --write

Each point is died at when it is passed for the first, the second and the last time; then some deaths are
drawn among all system calls that write. Each life has to end as the undisturbed one. Prints those that do
not, and writes build/crashes/report.json. With ``--write`` the list of points is written anew, and nothing
else done. Exit code 1 if any life did not come through.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import sys
import time
from collections.abc import Sequence
from typing import Any

from rich.console import Console

from agents.core.escaping import printable
from agents.output.logs import escape_what_is_left
from assurance.crashes import killer
from assurance.crashes.deaths import places, points_of
from assurance.crashes.killer import Drawn
from assurance.crashes.trunk import Survived, live, undisturbed
from testing.compiler import ROOT

REPORT = ROOT / "build" / "crashes" / "report.json"
POINTS = ROOT / "snapshots" / "crash-points.txt"
DRAWN = 12


def main() -> None:
    """Plays all lives."""
    console = Console(soft_wrap=True)
    arguments = _parser().parse_args()
    escape_what_is_left()
    logging.getLogger("agents").setLevel(logging.CRITICAL)
    begun = time.monotonic()
    expected, passed = undisturbed()
    points = points_of(passed)
    if arguments.write:
        POINTS.write_text("".join(f"{point}\n" for point in points))
        console.print(f"{len(points)} crash points")
        return
    lives = list(live(places(passed, ("first", "second", "last")), expected, arguments.jobs))
    traced = killer.is_there()
    if not traced:
        console.print("strace is not there or may not trace: no deaths at system calls")
    deaths = list(killer.drawn(DRAWN, arguments.seed, expected)) if traced else []
    report = told(points, lives, deaths, arguments.seed)
    report["seconds"] = round(time.monotonic() - begun, 1)
    REPORT.parent.mkdir(parents=True, exist_ok=True)
    REPORT.write_text(json.dumps(report, indent=2) + "\n")
    for line in report["problems"]:
        console.print(printable(line), markup=False, style="red")
    console.print(
        f"{report['crash_points']} crash points; {report['survived']} of {report['lives']} lives came through"
        f" ({len(deaths)} deaths at system calls)"
    )
    sys.exit(0 if report["survived"] == report["lives"] else 1)


def told(
    points: Sequence[str], lives: Sequence[Survived], deaths: Sequence[Drawn], seed: int
) -> dict[str, Any]:
    """The report."""
    ended = [(f"{one.place.name}, pass {one.place.stands_for[0][1]}", one.problems) for one in lives]
    ended += [(f"{one.role}, {one.call[0]} {one.call[1]}", one.problems) for one in deaths]
    return {
        "crash_points": len(points),
        "lives": len(ended),
        "survived": sum(not problems for _, problems in ended),
        "at_system_calls": len(deaths),
        "seed": seed,
        "problems": [f"{where}: {'; '.join(problems)}" for where, problems in ended if problems],
    }


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m assurance.crashes", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="lives at once")
    parser.add_argument("--seed", type=int, default=1, help="of the deaths at system calls")
    parser.add_argument("--write", action="store_true", help="write snapshots/crash-points.txt anew")
    return parser


if __name__ == "__main__":
    main()
