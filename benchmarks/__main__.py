"""Measures, tells the ratios, and writes build/bench/report.json and report.html.

    python -m benchmarks --help

Exit code 2 and one line if a flag cannot be used; 1 if a part failed.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from rich.console import Console

from agents.core.errors import BadInput
from benchmarks.machine import described, machine
from benchmarks.parts import PARTS
from benchmarks.profile import FULL, SHORT, Json, Skipped

FOLDER = Path(__file__).resolve().parent.parent / "build" / "bench"


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise BadInput(message.replace("\n", " "))


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs it; a wrong flag is one line on stderr."""
    try:
        flags = _parser().parse_args(arguments)
        chosen = choose(flags.only)
    except BadInput as problem:
        print(problem, file=sys.stderr)  # noqa: T201
        raise SystemExit(2) from None
    console = Console(highlight=False, soft_wrap=True)
    profile = FULL if flags.full else SHORT
    report: dict[str, Json] = {"profile": profile.name, "machine": machine()}
    console.print(f"{profile.name} profile on {described(machine())}")
    begun = time.monotonic()
    for name in chosen:
        folder = flags.folder / name
        folder.mkdir(parents=True, exist_ok=True)
        try:
            report[name] = dict(PARTS[name](profile, folder, console.print))
        except Skipped as reason:
            report[name] = {"skipped": str(reason)}
            console.print(f"{name} skipped: {reason}")
    report["seconds"] = round(time.monotonic() - begun, 1)
    (flags.folder / "report.json").write_text(json.dumps(report, indent=2) + "\n")


def choose(only: str | None) -> list[str]:
    """The parts named, separated by commas; all if none is.

    Raises:
        BadInput: there is no such part.
    """
    names = list(PARTS) if only is None else only.split(",")
    for name in names:
        if name not in PARTS:
            raise BadInput(f"only is {only}: choose of {', '.join(PARTS)}")
    return names


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="python -m benchmarks", description="the paper's section III, measured on this market"
    )
    parser.add_argument("--full", action="store_true", help="everything, for the committed results")
    parser.add_argument("--only", metavar="PARTS", help=f"of {', '.join(PARTS)}; separated by commas")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="for the report")
    return parser


if __name__ == "__main__":
    main()
