"""Lives of models on PostgreSQL, driven by pgbench: how many a second, and how long each takes."""

from __future__ import annotations

import hashlib
import re
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from agents.core.errors import HoldfastError
from benchmarks.postgres.cluster import SQL, Cluster, run

THREADS = 2
"""Of pgbench, which has little to do."""

_SEED = b"\x44" * 32
CONSTANTS = {
    "key": b"\xab" * 64,
    "hash": b"\x11" * 32,
    "nonce": b"\x22" * 32,
    "location": b"\x33" * 48,
    "seed": _SEED,
    "tip": hashlib.sha256(_SEED).digest(),
}
"""What members say: the same in every life, as PostgreSQL does not care. Receipts are made for each."""

_STATEMENTS = ("SELECT", "WITH")
_LATENCY = re.compile(rf"^\s+([0-9.]+)\s+\d+\s+(?:{'|'.join(_STATEMENTS)}) ", re.MULTILINE)
_CALL = re.compile(
    r"\b(create_\w+|join_ci|request_tc|verify_ci|approve_tc|\w+_round|update_tj|complete_tc)\("
)


@dataclass(frozen=True)
class PgbenchScript:
    """A life as pgbench plays it, one file of `sql`.

    Attributes:
        transactions: that it takes.
    """

    name: str
    transactions: int

    @property
    def file(self) -> Path:
        """Where it is written."""
        return SQL / f"{self.name}.sql"

    @property
    def statements(self) -> tuple[str, ...]:
        """Each statement's name: the calls that it makes."""
        lines = (line for line in self.file.read_text().splitlines() if line.startswith(_STATEMENTS))
        return tuple("+".join(_CALL.findall(line)) for line in lines)


CALLS = PgbenchScript("calls", 15)
BUNDLED = PgbenchScript("bundled", 11)


@dataclass(frozen=True)
class Trial:
    """What one run of pgbench came to.

    Attributes:
        lives_per_second: completed lives, by pgbench's own clock.
        life_ms: how long each life took, from its first statement to its last.
        statement_ms: the mean of each statement, named by the calls that it makes.
    """

    lives_per_second: float
    life_ms: tuple[float, ...]
    statement_ms: dict[str, float]


class Unbalanced(HoldfastError):  # noqa: N818 -- named for what was found
    """After a run, coins or couples do not add up: its figures are worth nothing."""


def play(
    cluster: Cluster, script: PgbenchScript, clients: int, seconds: float, *, waits: bool = True
) -> Trial:
    """One run on a fresh market, whose books are checked in the end.

    Args:
        cluster: where.
        script: the life.
        clients: that play lives at once.
        seconds: how long.
        waits: a commit waits until it is on the disk, as is PostgreSQL's default.

    Raises:
        SqlError: pgbench ended early, or an operation was refused.
        Unbalanced: the books are wrong.
    """
    with cluster.market() as market, tempfile.TemporaryDirectory(prefix="pgbench-") as folder:
        if not waits:
            cluster.query("postgres", f"ALTER DATABASE {market} SET synchronous_commit = off")
        variables = {name: f"\\x{value.hex()}" for name, value in CONSTANTS.items()} | {"life": "0"}
        flags = [flag for name, value in variables.items() for flag in ("-D", f"{name}={value}")]
        sizes = ["-c", str(clients), "-j", str(min(THREADS, clients)), "-T", f"{max(1, round(seconds))}"]
        logs = ["-r", "-l", "--log-prefix", f"{folder}/life"]
        modes = ["-n", "-M", "prepared", "-f", str(script.file)]
        done = run(cluster.command("pgbench", *modes, *sizes, *logs, *flags, market), seconds=seconds + 60)
        if done.returncode or "aborted" in done.stderr:
            raise Unbalanced(f"pgbench: {done.stderr.strip().splitlines()[-1]}")
        trial = Trial(
            rate_in(done.stdout),
            tuple(ms for log in sorted(Path(folder).glob("life*")) for ms in latencies_in(log.read_text())),
            dict(zip(script.statements, latencies_of_statements_in(done.stdout), strict=True)),
        )
        audit(cluster, market, len(trial.life_ms))
    return trial


def audit(cluster: Cluster, market: str, lives: int) -> None:
    """Checks that so many lives came to their end, each paid, and that every coin is where it should be.

    Raises:
        Unbalanced: they did not, or it is not.
    """
    completed = int(cluster.query(market, "SELECT count(*) FROM couple WHERE phase = 'Completed'"))
    accepted = int(cluster.query(market, "SELECT count(*) FROM job WHERE status = 'Accepted'"))
    missing = int(
        cluster.query(
            market,
            "SELECT (SELECT sum(amount) FROM movement) - (SELECT sum(balance) FROM member)"
            " - (SELECT sum(bond) FROM instance) - (SELECT sum(escrow) FROM couple)"
            " - (SELECT coalesce(sum(couple_bond), 0) FROM couple JOIN dataset ON dataset.id = couple.ds"
            " WHERE phase IN ('Approved', 'Drawing', 'Training'))",
        )
    )
    if missing or not lives <= accepted or completed != lives:
        raise Unbalanced(
            f"{lives} lives: {completed} completed, {accepted} jobs paid, {missing} gwei missing"
        )


def rate_in(told: str) -> float:
    """Scripts a second, of what pgbench says at its end."""
    found = re.search(r"^tps = ([0-9.]+)", told, re.MULTILINE)
    if found is None:
        raise Unbalanced("pgbench tells no rate")
    return float(found[1])


def latencies_in(log: str) -> Iterable[float]:
    """Milliseconds of each life, of a log of pgbench: client, number, microseconds and more a line."""
    return (int(line.split()[2]) / 1_000 for line in log.splitlines())


def latencies_of_statements_in(told: str) -> list[float]:
    """The mean milliseconds of each statement, in order, of what pgbench says at its end with ``-r``."""
    return [float(ms) for ms in _LATENCY.findall(told)]
