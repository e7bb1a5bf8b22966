"""The report as one page that needs nothing but itself."""

from __future__ import annotations

import base64
from pathlib import Path

from markupsafe import Markup

from agents.report.html import environment
from benchmarks.report.claims import claims
from benchmarks.report.found import Found
from benchmarks.report.layout import ReportTable

_TEMPLATES = Path(__file__).parent / "templates"
CAPTIONS = {
    "bench-models": "Models per second, and how many blocks a model waits for the chain. Bars: median; "
    "whiskers: least and most.",
    "bench-rates": "Throughput and latency by send rate, mean of all kinds (the paper's figures 7 and 8).",
    "bench-peers": "Throughput and latency by number of validators (the paper's figures 5 and 6).",
    "bench-kinds": "Throughput and latency of each kind of transaction (the paper's figure 9).",
    "bench-growth": "How gas and time of whole lives grow, and of rebuilding and auditing a market.",
}


def page(
    found: Found, tables: list[ReportTable], figures: dict[str, str], skipped: list[str], machine: str
) -> str:
    """The whole page as HTML.

    Args:
        found: the report.
        tables: of it.
        figures: as SVG, by name.
        skipped: what was not measured, and why.
        machine: in one line.
    """
    pictures = {name: Markup(base64.b64encode(svg.encode()).decode()) for name, svg in figures.items()}
    template = environment(_TEMPLATES).get_template("bench.html.j2")
    return template.render(
        found=found,
        claims=claims(found),
        tables=tables,
        pictures=pictures,
        captions=CAPTIONS,
        skipped=skipped,
        machine=machine,
    )
