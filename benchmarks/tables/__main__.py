"""Real tables by default settings; `make bench-tables`.

    python -m benchmarks.tables --seeds 3 --only MASS

Prints a line for each table and writes report.json into build/bench-tables; with --publish also the table in
docs/tables.md. Exit code 2 and one line if a flag cannot be used.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, as_completed
from dataclasses import asdict
from pathlib import Path
from statistics import mean
from typing import Any

from rich.console import Console

from agents.core.errors import BadInput
from benchmarks.machine import described, machine
from benchmarks.publish import filled
from benchmarks.report.layout import ReportTable
from benchmarks.tables.bench import WITHIN, Measured, measure
from benchmarks.tables.catalogue import CATALOGUE, Entry
from benchmarks.tables.sources import ROOT, written
from testing.command_line import FlagParser, one_line_if_wrong, processes, write_report

FOLDER = ROOT / "build" / "bench-tables"
PAGE = ROOT / "docs" / "tables.md"
_COLUMNS = (
    "table",
    "learns",
    "rows x columns",
    "market",
    "in one place",
    "scikit-learn",
    "boosting",
    "guess",
    "rounds",
    "",
)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measures all and tells."""
    with one_line_if_wrong():
        flags = _flags(arguments)
        entries = [entry for entry in CATALOGUE if not flags.only or flags.only in entry.name]
        if not entries:
            raise BadInput(f"only is {flags.only!r}: no table is called so")
        files = [written(entry, flags.folder / "tables") for entry in entries]
    began, console = time.monotonic(), Console(soft_wrap=True, highlight=False)
    measured: list[Measured] = []
    with processes("tables", flags.jobs, len(entries), anew=True) as (pool, show):
        waiting: dict[Future[Measured], Entry] = {
            pool.submit(measure, entry, file, range(flags.seeds), flags.model): entry
            for entry, file in zip(entries, files, strict=True)
        }
        for done in as_completed(waiting):
            measured.append(done.result())
            console.print(told(measured[-1]))
            show(advance=1)
    order = [(entry.name, entry.target) for entry in entries]
    measured.sort(key=lambda one: order.index((one.name, one.target)))
    report = report_of(measured, time.monotonic() - began)
    write_report(report, flags.folder / "report.json")
    if flags.publish:
        PAGE.write_text(filled(PAGE.read_text(), (table_of(measured),), (), described(report["machine"])))
    console.print(
        f"{report['tables']} tables, {report['medical']} of them medical: {report['within']} within {WITHIN} "
        f"of scikit-learn's model of the same family, {report['unsettled']} not settled, "
        f"{report['one_class_to_everybody']} say one class to everybody; {report['seconds']:.0f} s\n"
        f"{flags.folder / 'report.json'}"
    )


def report_of(measured: Sequence[Measured], seconds: float) -> dict[str, Any]:
    """What is written."""
    return {
        "machine": machine(),
        "seconds": seconds,
        "tables": len(measured),
        "medical": sum(one.medical for one in measured),
        "within": sum(one.within for one in measured),
        "share_within": mean(one.within for one in measured),
        "unsettled": sum(not one.settled for one in measured),
        "one_class_to_everybody": sum(one.says_only for one in measured),
        "missed": [f"{one.name} {one.target}" for one in measured if not one.within],
        "by_table": [
            asdict(one) | {"within": one.within, "settled": one.settled, "says_only": one.says_only}
            for one in measured
        ],
    }


def told(one: Measured) -> str:
    """A line for a table."""
    return (
        f"{one.name} {one.target}: market {one.mean('market'):.3f}, in one place {one.mean('single'):.3f}, "
        f"{one.peer} {one.mean('peer'):.3f}, gradient boosting {one.mean('trees'):.3f}, "
        f"{one.mean('rounds'):.0f} rounds{''.join(f', {word}' for word in remarks(one))}"
    )


def remarks(one: Measured) -> Iterator[str]:
    """What is worth a word."""
    if not one.within:
        yield f"{one.mean('peer') - one.mean('market'):.3f} below"
    if not one.settled:
        yield "not settled"
    if one.says_only:
        yield "one class to everybody"


def table_of(measured: Sequence[Measured]) -> ReportTable:
    """A row a table, medical ones first."""
    rows = tuple(
        (
            f"{one.name}{' (medical)' if one.medical else ''}",
            f"{one.target}, {f'{one.classes} classes' if one.classes else 'a number'}",
            f"{one.rows} x {one.columns}",
            *(f"{one.mean(what):.3f}" for what in ("market", "single", "peer", "trees", "commonest")),
            f"{one.mean('rounds'):.0f}",
            ", ".join(remarks(one)),
        )
        for one in measured
    )
    return ReportTable("tables", "Real tables: accuracy or R2", _COLUMNS, rows, wide=len(_COLUMNS))


def _flags(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = FlagParser(prog="python -m benchmarks.tables", description="measures what defaults learn")
    parser.add_argument("--seeds", type=int, default=5, help="divisions of each table, averaged")
    parser.add_argument("--only", default="", help="tables with this in their name")
    parser.add_argument("--model", default=None, help="another family than the default one")
    parser.add_argument("--jobs", type=int, default=2, help="processes")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="for the report")
    parser.add_argument("--publish", action="store_true", help="write the table in docs/tables.md")
    flags = parser.parse_args(arguments)
    for name, value in (("seeds", flags.seeds), ("jobs", flags.jobs)):
        if not 1 <= value <= 100:
            raise BadInput(f"{name} is {value}: choose 1 to 100")
    return flags


if __name__ == "__main__":
    main()
