"""Plays every attack on privacy that docs/privacy.md and docs/threat-model.md speak of; `make attack`.

    python -m assurance.attack
    python -m assurance.attack --only membership --seed 7

Prints a line an attack and a table, and writes report.json into build/attack. An attack that succeeds where
its claim says that it does is no breach. Exit code 1 if a claim is broken, 2 and one line if a flag cannot be
used.
"""

from __future__ import annotations

import argparse
import logging
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path

from rich.console import Console
from rich.table import Table

from agents.core.errors import BadInput
from assurance.attack.attack import Attack, Figure, Played, Stage
from assurance.attack.registry import chosen
from testing.command_line import FlagParser, one_line_if_wrong, write_report
from testing.compiler import ROOT

FOLDER = ROOT / "build" / "attack"
LONGEST = 60
"""Letters of a figure in a line; the report has all."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Plays what is asked for, and tells it."""
    with one_line_if_wrong():
        flags = _parser().parse_args(arguments)
        if flags.seed < 0:
            raise BadInput(f"seed is {flags.seed}: choose 0 or more")
        attacks = chosen(flags.only)
    logging.getLogger("agents").setLevel(logging.CRITICAL)
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 170)
    begun, done = time.monotonic(), []
    for played in _play(attacks, flags.seed, quick=flags.quick):
        done.append(played)
        colour = "green" if played.found.holds else "red"
        console.print(_line(played), markup=False, soft_wrap=True, style=colour)
    report = told(done, flags.seed, time.monotonic() - begun)
    write_report(report, flags.folder / "report.json")
    console.print(table(done))
    console.print(
        f"{report['attacks']} attacks, {report['broken']} claims broken, {report['seconds']} seconds;"
        f" {flags.folder / 'report.json'}",
        soft_wrap=True,
    )
    sys.exit(1 if report["broken"] else 0)


def told(done: Sequence[Played], seed: int, seconds: float) -> dict[str, object]:
    """The report."""
    return {
        "attacks": len(done),
        "broken": sum(not played.found.holds for played in done),
        "seed": seed,
        "seconds": round(seconds, 1),
        "by_attack": [played.told() for played in done],
    }


def table(done: Sequence[Played]) -> Table:
    """A row a kind of attack: how many of them, what they came to at most, how many claims hold."""
    made = Table(title="what attacks came to")
    for column in ("attack", "played", "hold", "came to"):
        made.add_column(column)
    for kind, group in groupby(done, key=lambda played: played.attack.name.split("/")[0]):
        some = list(group)
        worst = next((one for one in some if not one.found.holds), some[0])
        holding = sum(one.found.holds for one in some)
        colour = "green" if holding == len(some) else "red"
        made.add_row(
            kind,
            str(len(some)),
            f"[{colour}]{holding}[/]",
            "; ".join(f"{name} {_short(value)}" for name, value in worst.found.recovered.items()),
        )
    return made


def _play(attacks: Sequence[Attack], seed: int, *, quick: bool) -> Iterator[Played]:
    with tempfile.TemporaryDirectory() as folder:
        stage = Stage(Path(folder), seed, "wine" if quick else "breast-cancer", quick)
        for attack in attacks:
            begun = time.perf_counter()
            found = attack.play(stage)
            yield Played(attack, found, time.perf_counter() - begun)


def _line(played: Played) -> str:
    figures = ", ".join(f"{name} {_short(value)}" for name, value in played.found.recovered.items())
    verdict = "holds" if played.found.holds else "BROKEN"
    return f"{verdict:6} {played.attack.name}: {figures} ({played.seconds:.1f} s)"


def _short(value: Figure) -> str:
    text = f"{value:.4g}" if isinstance(value, float) else str(value)
    return text if len(text) <= LONGEST else text[: LONGEST - 3] + "..."


def _parser() -> argparse.ArgumentParser:
    parser = FlagParser(prog="python -m assurance.attack", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", default="", help="a part of the attacks' names, as membership or /private")
    parser.add_argument("--seed", type=int, default=0, help="of divisions, secrets and guesses")
    parser.add_argument("--quick", action="store_true", help="a small table and few tries")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="for the report")
    return parser


if __name__ == "__main__":
    main()
