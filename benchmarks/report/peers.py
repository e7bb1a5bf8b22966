"""The tables of what the market is compared with, and of how it grows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from benchmarks.growth.figure import rounded
from benchmarks.report.found import Found, measured
from benchmarks.report.layout import ReportTable, span


def peers(found: Found) -> Iterator[ReportTable]:
    """Tables of PostgreSQL, Flower and growth."""
    yield postgres(found)
    yield flower(found)
    yield growth(found)


def postgres(found: Found) -> ReportTable:
    """Whole lives of models on a central database."""
    rows = []
    for title, one in _variants(found):
        rows.append(
            (
                title,
                span(one["lives_per_second"], 0),
                f"{one['transactions_per_life']}",
                f"{one['transactions_per_second']:,.0f}",
                f"{one['clients']}",
                *(f"{one['life_ms'][share]['median']:,.0f}" for share in ("p50", "p95", "p99")),
            )
        )
    columns = (
        "variant",
        "models/s",
        "transactions a model",
        "transactions/s",
        "clients",
        "a life: p50, ms",
        "p95, ms",
        "p99, ms",
    )
    return ReportTable("postgres", "The same lives on PostgreSQL", columns, tuple(rows))


def _variants(found: Found) -> Iterator[tuple[str, Mapping[str, Any]]]:
    told = measured(found, "postgres")
    for name, title in (("calls", "each call a transaction"), ("bundled", "in the market's bundles")):
        if name in told:
            yield title, told[name]
        unwaiting = told.get(name, {}).get("without_waiting_for_the_disk")
        if unwaiting:
            yield f"{title}, not waiting for the disk", unwaiting


def flower(found: Found) -> ReportTable:
    """One training job on the market and through Flower."""
    rows = []
    for name, one in measured(found, "flower").items():
        if "command_seconds" not in one:
            continue
        over = one.get("over_flower")
        rows.append(
            (
                "Flower" if over is None else f"the market, {name.replace('_', ' ')}",
                span(one["command_seconds"], 1),
                span(one["job_seconds"], 1),
                *(span(over[kind], 2) if over else "" for kind in ("command_seconds", "job_seconds")),
                f"{found['flower']['scores'][name][-1]:.3f}",
            )
        )
    columns = ("", "program, s", "job, s", "program over Flower's", "job over Flower's", "accuracy")
    return ReportTable(
        "flower", "The same training job through Flower and on the market", columns, tuple(rows)
    )


def growth(found: Found) -> ReportTable:
    """Exponents."""
    rows = [
        (
            name if name in ("rebuilding", "auditing") else f"{one['what']} of a life",
            one["unit"],
            f"{next(iter(one['cost']))} to {int(list(one['cost'])[-1]):,}",
            rounded(one["exponent"]),
            rounded(one["exponent_at_the_end"]),
        )
        for name, one in measured(found, "growth").items()
    ]
    columns = ("cost", "by", "sizes", "exponent", "at the end")
    return ReportTable("growth", "How costs grow: the fitted power of the size", columns, tuple(rows))
