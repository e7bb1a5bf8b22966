"""The centralised peer (paper III-D): the market's operations as stored procedures of one trusted PostgreSQL.

    python -m benchmarks.postgres

The same calls with the same checks, rows and receipts, but nobody signs and nobody else checks. Two variants:
each call a transaction of its own, and, as PostgreSQL likes it best, bundled as the market's agents bundle
theirs. Each is measured at the number of clients that serves it best. Clients talk through a socket of the
same machine, with prepared statements. As the market's development chains do not wait for the disk, the
bundles are also measured with commits that do not.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from benchmarks.postgres.cluster import Cluster, running_cluster
from benchmarks.postgres.lives import BUNDLED, CALLS, PgbenchScript, Trial, play
from benchmarks.profile import Json, Profile, Say
from benchmarks.statistics import Spread, percentile

CLIENTS = (1, 4, 16, 32, 64)
"""All are tried in every repetition; the best by its median is reported. PostgreSQL lets a hundred in."""

SECONDS_PER_SECOND = 2
"""How long a run lasts, in the profile's seconds."""

SHARES = {"p50": 0.5, "p95": 0.95, "p99": 0.99}


def measure(profile: Profile, folder: Path, say: Say) -> Mapping[str, Json]:
    """Lives a second and their latency, of both variants.

    Raises:
        Skipped: PostgreSQL is not installed.
    """
    seconds = SECONDS_PER_SECOND * profile.seconds
    with running_cluster(folder) as running:
        calls, bundled, unwaiting = (
            _variant(running, script, waits, profile.repetitions, seconds, say)
            for script, waits in ((CALLS, True), (BUNDLED, True), (BUNDLED, False))
        )
        return {
            "version": running.version,
            "durability": dict(running.durability),
            "seconds": seconds,
            CALLS.name: calls,
            BUNDLED.name: {**bundled, "without_waiting_for_the_disk": unwaiting},
        }


def _variant(
    running: Cluster, script: PgbenchScript, waits: bool, repetitions: int, seconds: float, say: Say
) -> dict[str, Json]:
    trials: dict[int, list[Trial]] = {clients: [] for clients in CLIENTS}
    for _ in range(repetitions):
        for clients in CLIENTS:
            trials[clients].append(play(running, script, clients, seconds, waits=waits))
    rates = {clients: Spread.of([one.lives_per_second for one in tried]) for clients, tried in trials.items()}
    best = max(rates, key=lambda clients: rates[clients].median)
    rate = rates[best]
    say(
        f"PostgreSQL, {script.transactions} transactions a life, {best} clients,"
        f" {'' if waits else 'not '}waiting for the disk: {rate.median:,.0f} models/s"
        f" ({rate.median * script.transactions:,.0f} transactions/s)"
    )
    return {
        "transactions_per_life": script.transactions,
        "lives_per_second_by_clients": {str(clients): tried.json() for clients, tried in rates.items()},
        "clients": best,
        "lives_per_second": rate.json(),
        "transactions_per_second": rate.median * script.transactions,
        "life_ms": _latencies(trials[best]),
        "statement_ms": {name: _median_of(trials[best], name) for name in trials[best][0].statement_ms},
    }


def _latencies(trials: Iterable[Trial]) -> dict[str, Json]:
    """Percentiles of each run's lives."""
    each = [trial.life_ms for trial in trials]
    return {
        name: Spread.of([percentile(lives, share) for lives in each]).json() for name, share in SHARES.items()
    }


def _median_of(trials: Iterable[Trial], statement: str) -> float:
    return Spread.of([trial.statement_ms[statement] for trial in trials]).median
