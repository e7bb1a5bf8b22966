"""Puts a run's tables and figures into docs/benchmarks.md and docs/figures.

    python -m benchmarks.publish [REPORT]

The page's text is written by hand; each table and figure stands between two comments that name it, and only
what is between them is written anew. Exit code 2 and one line if the report or the page cannot be used.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Sequence
from pathlib import Path

from agents.core.errors import BadInput
from agents.output.terminal import complain
from benchmarks.machine import described
from benchmarks.report.figures import figures
from benchmarks.report.found import Found
from benchmarks.report.layout import ReportTable, in_markdown
from benchmarks.report.page import CAPTIONS
from benchmarks.report.tables import tables

ROOT = Path(__file__).resolve().parent.parent
REPORT = ROOT / "build" / "bench" / "report.json"
PAGE = ROOT / "docs" / "benchmarks.md"
FIGURES = ROOT / "docs" / "figures"
_PLACE = re.compile(r"(<!-- (?:table|figure): ([a-z0-9-]+) -->\n).*?(<!-- end -->)", re.DOTALL)


def main(arguments: Sequence[str] | None = None) -> None:
    """Publishes one report."""
    given = sys.argv[1:] if arguments is None else list(arguments)
    try:
        if len(given) > 1:
            raise BadInput("usage: python -m benchmarks.publish [REPORT]")
        publish(Path(given[0]) if given else REPORT, PAGE, FIGURES)
    except BadInput as problem:
        complain(problem)
        raise SystemExit(2) from None


def publish(report: Path, page: Path, folder: Path) -> None:
    """Writes the page's tables and the figures.

    Raises:
        BadInput: the report cannot be read.
    """
    try:
        found: Found = json.loads(report.read_text())
        made = tables(found)
    except (OSError, ValueError, KeyError) as error:
        raise BadInput(
            f"{report} is no report: run `make bench-full` first ({type(error).__name__})"
        ) from None
    drawn = figures(found)
    page.write_text(filled(page.read_text(), made, list(drawn), described(found["machine"])))
    for name, svg in drawn.items():
        (folder / f"{name}.svg").write_text(svg)


def filled(text: str, made: Sequence[ReportTable], drawn: Sequence[str], machine: str) -> str:
    """The page with its tables and figures written anew; a place for what was not measured says so."""
    bodies = {table.name: f"{table.markdown()}\n\n*{in_markdown(machine)}.*" for table in made}
    bodies |= {name: f"![{CAPTIONS[name]}](figures/{name}.svg)" for name in drawn}

    def fill(place: re.Match[str]) -> str:
        return f"{place[1]}{bodies.get(place[2], 'Not measured in this run.')}\n{place[3]}"

    return _PLACE.sub(fill, text)


if __name__ == "__main__":
    main()
