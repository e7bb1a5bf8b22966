"""Measures which statements and branches of contracts/ the scenarios run, and tells what they leave out.

    python -m assurance.coverage

Prints a table by file and writes build/coverage/report.json. Exit code 1 if anything is left out that
`EXPLAINED` does not explain, or explained that is run.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass

from rich.console import Console
from rich.table import Table

from assurance.coverage.instrument import Point
from assurance.coverage.meter import CoverageMeter
from assurance.coverage.scenarios import SCENARIOS
from testing.command_line import write_report
from testing.compiler import ROOT

REPORT = ROOT / "build" / "coverage" / "report.json"
EXPLAINED = {
    (
        "contracts/libraries/Receipt.sol",
        "return keccak256(abi.encode(domain_, ds, subset, cloudOwner, digest, nonce));",
    ): "the market never opens a data receipt: agents do, and tests/contracts/test_libraries.py calls it",
}
"""What cannot be reached from the market, by file and text, and why it is there."""


@dataclass(frozen=True)
class Line:
    """A file's figures; of an explained point neither counts."""

    file: str
    statements: int
    statements_run: int
    branches: int
    branches_run: int


def main() -> None:
    """Runs all scenarios and tells."""
    meter = CoverageMeter()
    for scenario in SCENARIOS:
        scenario(meter.market())
    points, reached = meter.instrumented.points, meter.reached
    counted = [point for point in points if (point.file, point.text) not in EXPLAINED]
    lines = list(lines_of(counted, reached))
    faults = list(faults_of(points, reached))
    report = {"files": [asdict(line) for line in lines], "left_out": faults}
    write_report(report, REPORT)
    Console().print(table(lines))
    if faults:
        sys.exit("\n".join(faults))


def lines_of(points: Sequence[Point], reached: set[Point]) -> Iterator[Line]:
    """The figures of each file that has any, then of all together."""
    files = sorted({point.file for point in points})
    for file, mine in (*((file, [p for p in points if p.file == file]) for file in files), ("all", points)):
        statements = [point for point in mine if point.outcome is None]
        branches = [point for point in mine if point.outcome is not None]
        run = [len(reached.intersection(some)) for some in (statements, branches)]
        yield Line(file, len(statements), run[0], len(branches), run[1])


def faults_of(points: Sequence[Point], reached: set[Point]) -> Iterator[str]:
    """What is not run and not explained, and explanations of what is run or is not there."""
    left_out = [point for point in points if point not in reached]
    for point in left_out:
        if (point.file, point.text) not in EXPLAINED:
            yield str(point)
    for file, text in sorted(EXPLAINED.keys() - {(point.file, point.text) for point in left_out}):
        yield f"{file}: {text} is explained, but it is run or not there"


def table(lines: Sequence[Line]) -> Table:
    """The figures, a file a row."""
    shown = Table("file", "statements", "branches")
    for line in lines:
        statements, branches = (
            f"{run}/{total}"
            for run, total in (
                (line.statements_run, line.statements),
                (line.branches_run, line.branches),
            )
        )
        shown.add_row(line.file, statements, branches)
    return shown


if __name__ == "__main__":
    main()
