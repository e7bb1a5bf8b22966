"""The tables of what the market is compared with, and of how its costs grow."""

from __future__ import annotations

from benchmarks.report.found import Found, measured
from benchmarks.report.table import Table, span

JOBS = {
    "flower": "Flower",
    "replicas_1": "the market, one replica of each subset",
    "replicas_3": "the market, three replicas of each subset",
    "replicas_3_blocks_of_1_s": "the market, three replicas, a block each second",
}


def postgres(found: Found) -> Table:
    """Lives a second on one trusted database."""
    rows = [
        (
            variant,
            f"{one['transactions_per_life']}",
            f"{one['clients']}",
            span(one["lives_per_second"], 0),
            f"{one['transactions_per_second']:,.0f}",
            *(f"{one['life_ms'][share]['median']:,.1f}" for share in ("p50", "p95", "p99")),
        )
        for variant, one in measured(found, "postgres").items()
        if "lives_per_second" in one
    ]
    columns = (
        "PostgreSQL",
        "transactions a life",
        "clients",
        "models/s",
        "transactions/s",
        "p50 of a life, ms",
        "p95, ms",
        "p99, ms",
    )
    return Table("postgres", "The same calls as procedures of one trusted database", columns, tuple(rows))


def flower(found: Found) -> Table:
    """The same training job through Flower and on the market."""
    rows = [
        (
            JOBS.get(name, name),
            span(one["command_seconds"], 1),
            span(one["job_seconds"], 1),
            span(one["over_flower"]["command_seconds"], 2) if "over_flower" in one else "1",
        )
        for name, one in measured(found, "flower").items()
        if "command_seconds" in one
    ]
    columns = ("the same training job", "wall time, s", "without the programs' start, s", "over Flower")
    return Table("flower", "A training job beside Flower", columns, tuple(rows))


def growth(found: Found) -> Table:
    """The exponents of what grows."""
    rows = [
        (
            f"{name.partition('_')[0]} by {one['unit']}" if "_" in name else f"{name} by {one['unit']}",
            f"{min(map(int, one['cost'])):,} to {max(map(int, one['cost'])):,}",
            f"{one['exponent']:.2f}",
            f"{one['exponent_at_the_end']:.2f}",
        )
        for name, one in measured(found, "growth").items()
    ]
    columns = ("what grows", "sizes", "exponent", "between the two largest")
    return Table("growth", "How costs grow: the power of the size that comes closest", columns, tuple(rows))
