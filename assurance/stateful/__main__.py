"""Plays the market at random for a long time; `make fuzz`.

    python -m assurance.stateful --steps 1000000 --jobs 2 --seed 1

Prints what the plays came to, by function and outcome, and writes build/fuzz/report.json. Exit code 1 if
anything did not hold: the steps that led there are in build/fuzz/ then; ``--replay SEED`` plays them again.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Iterator
from concurrent.futures import as_completed
from pathlib import Path
from random import Random

from rich.console import Console
from rich.table import Table

from agents.core.errors import BadInput
from assurance.stateful.play import Tally, ViolationError, play
from testing.command_line import FlagParser, one_line_if_wrong, processes, write_report
from testing.compiler import ROOT
from testing.evm import Evm, bytecode

REPORT = ROOT / "build" / "fuzz" / "report.json"
LENGTHS = 100, 700
"""A play has any number of steps between these before everybody leaves."""


def main() -> None:
    """Plays until there are enough steps."""
    console = Console(soft_wrap=True)
    with one_line_if_wrong():
        arguments = _parser().parse_args()
        if arguments.steps < 1 or arguments.jobs < 1:
            raise BadInput("--steps and --jobs are at least 1")
        code = _code(arguments.code)
    if arguments.replay is not None:
        tally = play(Evm(code), arguments.replay, length_of(arguments.replay))
        console.print(f"all {tally.steps} steps hold")
        return
    begun = time.monotonic()
    tally, plays, violations = _play_all(code, arguments.seed, arguments.steps, arguments.jobs)
    seconds = time.monotonic() - begun
    _tell(tally)
    report = {
        "steps": tally.steps,
        "violations": len(violations),
        "plays": plays,
        "seed": arguments.seed,
        "seconds": round(seconds, 1),
        "outcomes": _by_function(tally),
        "verdicts": dict(sorted(tally.verdicts.items())),
        "violated": violations,
    }
    write_report(report, REPORT)
    for violation in violations:
        console.print(violation, markup=False)
    speed = tally.steps / seconds
    console.print(
        f"{tally.steps:,} steps in {plays:,} plays, {len(violations)} violations, {speed:,.0f} steps a second"
    )
    if violations:
        sys.exit(1)


def length_of(seed: int) -> int:
    """How many steps the play of a seed has."""
    return Random(seed).randint(*LENGTHS)


def _play_all(code: bytes, seed: int, steps: int, jobs: int) -> tuple[Tally, int, list[str]]:
    """All plays, several at a time; no new ones after the first violation."""
    tally, plays, violations = Tally(), 0, []
    seeds = _seeds(seed, steps)
    with processes("playing", jobs, steps) as (pool, show):
        running = {pool.submit(_one, code, next_) for next_ in _some(seeds, 2 * jobs)}
        while running:
            done = next(as_completed(running))
            running.remove(done)
            one, violation = done.result()
            tally.add(one)
            plays += 1
            show(completed=min(tally.steps, steps))
            if violation:
                violations.append(violation)
            elif not violations:
                running |= {pool.submit(_one, code, next_) for next_ in _some(seeds, 1)}
    return tally, plays, violations


def _seeds(seed: int, steps: int) -> Iterator[int]:
    """The seeds of enough plays."""
    chosen = Random(seed)
    planned = 0
    while planned < steps:
        one = chosen.getrandbits(32)
        planned += length_of(one)
        yield one


def _some(seeds: Iterator[int], count: int) -> list[int]:
    return [seed for _, seed in zip(range(count), seeds, strict=False)]


def _one(code: bytes, seed: int) -> tuple[Tally, str | None]:
    try:
        return play(Evm(code), seed, length_of(seed)), None
    except ViolationError as violation:
        trace = REPORT.with_name(f"violation-{seed}.txt")
        trace.parent.mkdir(parents=True, exist_ok=True)
        trace.write_text("".join(f"{step}\n" for step in violation.trace) + f"{violation}\n")
        return Tally(
            len(violation.trace)
        ), f"seed {seed}, {violation}\n  all steps: {trace.relative_to(ROOT)}"


def _by_function(tally: Tally) -> dict[str, dict[str, int]]:
    outcomes: dict[str, dict[str, int]] = {}
    for (function, outcome), count in sorted(tally.outcomes.items()):
        outcomes.setdefault(function, {})[outcome] = count
    return outcomes


def _tell(tally: Tally) -> None:
    table = Table("function", "done", "refused")
    for function, outcomes in _by_function(tally).items():
        refusals = [
            f"{name or 'without a reason'} {count:,}" for name, count in outcomes.items() if name != "done"
        ]
        table.add_row(function, f"{outcomes.get('done', 0):,}", ", ".join(refusals))
    verdicts = ", ".join(f"{name} {count:,}" for name, count in sorted(tally.verdicts.items()))
    table.add_row("verdicts", "", verdicts)
    Console().print(table)


def _code(path: Path | None) -> bytes:
    if path is None:
        return bytecode()
    try:
        return bytes.fromhex(path.read_text().strip().removeprefix("0x"))
    except (OSError, ValueError) as error:
        raise BadInput(f"--code {path}: no file of hex digits: {error}") from None


def _parser() -> argparse.ArgumentParser:
    parser = FlagParser(prog="python -m assurance.stateful", description="plays the market at random")
    parser.add_argument("--steps", type=int, default=1_000_000, help="how many, at least")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--replay", type=int, metavar="SEED", help="play the one play of this seed")
    parser.add_argument("--code", type=Path, help="a file with the bytecode to play with, in hex")
    return parser


if __name__ == "__main__":
    main()
