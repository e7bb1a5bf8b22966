"""The centralised peer (paper III-D): the market's operations as stored procedures of one trusted PostgreSQL.

    python -m benchmarks.postgres

The same calls with the same checks, rows and receipts, but nobody signs and nobody else checks. Two variants:
each call a transaction of its own, and, as PostgreSQL likes it best, bundled as the market's agents bundle
theirs. Each is measured at the number of clients that serves it best. Clients talk through a socket of the
same machine, with prepared statements.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from benchmarks.postgres.cluster import Cluster, running_cluster
from benchmarks.postgres.lives import BUNDLED, CALLS, Script, Trial, play
from benchmarks.profile import Json, Profile, Say
from benchmarks.statistics import Spread, percentile

CLIENTS = (1, 8, 16, 32, 64, 96)
"""PostgreSQL's default lets a hundred in."""

SECONDS_PER_SECOND = 4
"""How long a run lasts, in the profile's seconds: a rate needs longer than a burst of one kind of call."""

SHARES = {"p50": 0.5, "p95": 0.95, "p99": 0.99}


def measure(profile: Profile, folder: Path, say: Say) -> Mapping[str, Json]:
    """Lives a second and their latency, of both variants.

    Raises:
        Skipped: PostgreSQL is not installed.
    """
    seconds = SECONDS_PER_SECOND * profile.seconds
    with running_cluster(folder) as running:
        return {
            "version": running.version,
            "durability": dict(running.durability),
            "seconds": seconds,
            **{
                script.name: _variant(running, script, profile.repetitions, seconds, say)
                for script in (CALLS, BUNDLED)
            },
        }


def _variant(running: Cluster, script: Script, repetitions: int, seconds: float, say: Say) -> Json:
    rates: dict[str, Json] = {}
    best, most = CLIENTS[0], 0.0
    for clients in CLIENTS:
        found = play(running, script, clients, seconds / 2).lives_per_second
        rates[str(clients)] = found
        if found > most:
            best, most = clients, found
    trials = [play(running, script, best, seconds) for _ in range(repetitions)]
    rate = Spread.of([trial.lives_per_second for trial in trials])
    say(
        f"PostgreSQL, {script.transactions} transactions a life, {best} clients:"
        f" {rate.median:,.0f} models/s ({rate.median * script.transactions:,.0f} transactions/s)"
    )
    return {
        "transactions_per_life": script.transactions,
        "lives_per_second_by_clients": rates,
        "clients": best,
        "lives_per_second": rate.json(),
        "transactions_per_second": rate.median * script.transactions,
        "life_ms": _latencies(trials),
        "statement_ms": {name: _median_of(trials, name) for name in trials[0].statement_ms},
    }


def _latencies(trials: Iterable[Trial]) -> dict[str, Json]:
    """Percentiles of each run's lives."""
    each = [trial.life_ms for trial in trials]
    return {
        name: Spread.of([percentile(lives, share) for lives in each]).json() for name, share in SHARES.items()
    }


def _median_of(trials: Iterable[Trial], statement: str) -> float:
    return Spread.of([trial.statement_ms[statement] for trial in trials]).median
