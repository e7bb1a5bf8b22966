"""Puts faults into contracts/, one at a time, and tells which the tests notice; `make mutate`.

    python -m assurance.mutation --jobs 2 --only Pool.sol

Prints a table and writes build/mutate/report.json; the last line has the score: killed / (killed + survived),
in percent. Results are kept, so a run that is broken off goes on. Exit code 1 if the score is below 95, or a
survivor is not explained in assurance/mutation/survivors.yaml, or an explanation is of no survivor; 2 and one
line if a flag cannot be used.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import as_completed
from functools import cache
from pathlib import Path
from random import Random

from rich.console import Console

from agents.core.errors import BadInput
from agents.output.terminal import complain
from assurance.mutation.mutants import Mutant, mutants
from assurance.mutation.report import ExplanationError, Trial, explained, faults_of, report_of, table
from assurance.mutation.results import Results, suite, without_duplicates
from assurance.mutation.solc import Solc
from assurance.mutation.trial import BaselineError, Fate, MutantTester, TrialResult
from testing.command_line import FlagParser, one_line_if_wrong, processes, write_report
from testing.compiler import ROOT

REPORT = ROOT / "build" / "mutate" / "report.json"
SURVIVORS = Path(__file__).with_name("survivors.yaml")
FOLDERS = ("contracts/libraries", "contracts/market")


def main(arguments: Sequence[str] | None = None) -> None:
    """Tries all mutants and tells."""
    console = Console(soft_wrap=True, highlight=False)
    with one_line_if_wrong(ExplanationError):
        flags = _parser().parse_args(arguments)
        files = _files(flags.only)
        if flags.jobs < 1:
            raise BadInput(f"jobs is {flags.jobs}: choose at least 1")
        why = explained(SURVIVORS.read_text())
    sources = {path: (ROOT / path).read_text() for path in _files(None)}
    known = Results(sources, suite(), keep_kills=flags.keep_kills)
    with Solc() as solc:
        trees = solc.trees()
    made = list(mutants({file: sources[file] for file in files}, trees))
    try:
        trials = without_duplicates(_tried(made, known, flags.jobs))
    except BaselineError as problem:
        complain(problem)
        sys.exit(1)
    report = report_of(trials, sources, why)
    write_report(report, REPORT)
    faults = list(faults_of(trials, why))
    console.print(table(report))
    for fault in faults:
        console.print(fault, markup=False)
    console.print(
        f"{report['killed']} killed, {report['survived']} survived ({report['unexplained']} unexplained), "
        f"score {report['score']:.2f} %"
    )
    if faults:
        sys.exit(1)


def _tried(made: Sequence[Mutant], known: Results, jobs: int) -> Iterator[Trial]:
    """Every mutant with its result, in their order."""
    results = {mutant: result for mutant in made if (result := known.of(mutant))}
    ahead = [mutant for mutant in made if mutant not in results]
    Random(0).shuffle(ahead)  # so that the time that is left can be told
    if ahead:
        for mutant, result in _run(ahead, len(made), jobs):
            known.write(mutant, result)
            results[mutant] = result
    for mutant in made:
        yield mutant, results[mutant]


def _run(ahead: Sequence[Mutant], total: int, jobs: int) -> Iterator[Trial]:
    killed = survived = 0
    with processes("trying", jobs, total, total - len(ahead)) as (pool, show):
        show(description="checking the tests")
        pool.submit(_check).result()
        running = {pool.submit(_try, mutant): mutant for mutant in ahead}
        for done in as_completed(running):
            result = done.result()
            killed += result.outcome is Fate.KILLED
            survived += result.outcome is Fate.SURVIVED
            show(advance=1, description=f"{killed} killed, {survived} survived")
            yield running[done], result


_tester = cache(MutantTester)


def _check() -> None:
    _tester().check()


def _try(mutant: Mutant) -> TrialResult:
    return _tester().try_(mutant)


def _files(only: str | None) -> list[str]:
    """The files to put faults into."""
    found = [path.relative_to(ROOT).as_posix() for folder in FOLDERS for path in _sources(ROOT / folder)]
    if only is None:
        return found
    chosen = [path for path in found if path == only or Path(path).name == only]
    if not chosen:
        raise BadInput(f"only is {only}: choose one of {', '.join(Path(path).name for path in found)}")
    return chosen


def _sources(folder: Path) -> Iterable[Path]:
    return sorted(folder.glob("*.sol"))


def _parser() -> argparse.ArgumentParser:
    parser = FlagParser(prog="python -m assurance.mutation", description="puts faults into the contracts")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes")
    parser.add_argument("--only", metavar="FILE", help="put faults into this file alone")
    parser.add_argument(
        "--keep-kills",
        action="store_true",
        help="what earlier tests noticed counts as noticed; to try new tests on survivors",
    )
    return parser


if __name__ == "__main__":
    main()
