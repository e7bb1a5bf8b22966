"""The tables of what the market is compared with, and of how it grows."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.growth.figure import rounded
from benchmarks.report.found import Found, measured
from benchmarks.report.layout import Table, span


def peers(found: Found) -> Iterator[Table]:
    """Tables of PostgreSQL, Flower and growth."""
    yield postgres(found)
    yield flower(found)
    yield growth(found)


def postgres(found: Found) -> Table:
    """Whole lives of models on a central database."""
    rows = [
        (
            "each call a transaction" if name == "calls" else "in the market's bundles",
            span(one["lives_per_second"], 0),
            f"{one['transactions_per_life']}",
            f"{one['transactions_per_second']:,.0f}",
            f"{one['clients']}",
            *(f"{one['life_ms'][share]['median']:,.0f}" for share in ("p50", "p95", "p99")),
        )
        for name, one in measured(found, "postgres").items()
        if "lives_per_second" in one
    ]
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
    return Table("postgres", "The same lives on PostgreSQL", columns, tuple(rows))


def flower(found: Found) -> Table:
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
    return Table("flower", "The same training job through Flower and on the market", columns, tuple(rows))


def growth(found: Found) -> Table:
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
    return Table("growth", "How costs grow: the fitted power of the size", columns, tuple(rows))
