"""The federated peer: the same training job through Flower and on the market, wall time beside wall time.

    python -m benchmarks.flower

The same table, split into the same subsets, the same plan (rounds, local steps, step sizes, momentum),
the same trainer in numpy, as many subsets drawn a round. Flower has a client for each subset, run by its
simulation in as many processes as there are cores; nobody signs, checks, pays or repeats. The market has
a cloud owner for each replica of each subset, each a process of its own with keys, sealed packages,
receipts and transactions.

Both are timed from outside, from the start of the program to its end. For Flower: imports, Ray, training.
For the market: imports, the chain's start, deploying, coins for gas, registration, splitting and sealing,
verification, the request, all rounds with their verdicts and payments, completion and withdrawal.
Installing and compiling come before. Without the programs' start: Flower's `run_simulation`, and the
market's whole job on a chain that is up.

The chain is one Anvil node whose blocks come as fast as the job says. With blocks of a second the market
mostly waits for blocks: that is measured too, once.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from agents.core.errors import HoldfastError
from benchmarks.flower.spec import FlowerJob, prepare, scores_of
from benchmarks.profile import Json, Profile, Say, Skipped
from benchmarks.statistics import Spread
from testing.compiler import compiled_contract
from testing.evm import SOURCE

ROOT = Path(__file__).resolve().parents[2]
PYTHON = ROOT / ".venv-flower" / "bin" / "python"
SCRIPT = Path(__file__).parent / "job.py"
LIMIT_SECONDS = 600.0

_QUIET = {"FLWR_TELEMETRY_ENABLED": "0", "RAY_USAGE_STATS_ENABLED": "0"}
"""Flower and Ray tell nobody that they run."""


JOBS = (FlowerJob(replicas=1), FlowerJob(replicas=3))
SLOW_CHAIN = FlowerJob(replicas=3, block_time=1.0, poll_seconds=0.3)
"""The pace of the demo."""


def measure(profile: Profile, folder: Path, say: Say) -> Mapping[str, Json]:
    """Both, in turn, as often as the profile says.

    Raises:
        Skipped: Flower is not installed.
        HoldfastError: a run failed.
    """
    if not PYTHON.exists():
        raise Skipped("Flower is not installed: make .venv-flower/.complete")
    compiled_contract(SOURCE)  # once, and kept
    flower: list[dict[str, float]] = []
    holdfast: dict[str, list[dict[str, float]]] = {job.name: [] for job in (*JOBS, SLOW_CHAIN)}
    scores: dict[str, Json] = {}
    for turn in range(profile.repetitions):
        flower.append(_flower(JOBS[0], folder, scores))
        for job in JOBS if turn else (*JOBS, SLOW_CHAIN):
            holdfast[job.name].append(_holdfast(job, folder, scores))
    report: dict[str, Json] = {
        "job": {"subsets": JOBS[0].subsets, "drawn": JOBS[0].drawn, **asdict(JOBS[0])},
        "flower": _spreads(flower),
        "scores": scores,
    }
    for name, runs in holdfast.items():
        ratios = {kind: ratio(runs, flower, kind) for kind in ("command_seconds", "job_seconds")}
        report[name] = {**_spreads(runs), "over_flower": {kind: r.json() for kind, r in ratios.items()}}
        say(
            f"Flower and the market, {name.replace('_', ' ')}:"
            f" {_median(flower, 'command_seconds'):.1f} s and {_median(runs, 'command_seconds'):.1f} s,"
            f" a ratio of {ratios['command_seconds'].median:.2f}"
            f" ({ratios['job_seconds'].median:.2f} without the programs' start)"
        )
    return report


def ratio(ours: Sequence[Mapping[str, float]], theirs: Sequence[Mapping[str, float]], kind: str) -> Spread:
    """Ours over theirs, each of the same turn, so that both had the same neighbours on the machine."""
    return Spread.of([mine[kind] / other[kind] for mine, other in zip(ours, theirs, strict=False)])


def _spreads(runs: Sequence[Mapping[str, float]]) -> dict[str, Json]:
    return {kind: Spread.of([run[kind] for run in runs]).json() for kind in runs[0]}


def _median(runs: Sequence[Mapping[str, float]], kind: str) -> float:
    return Spread.of([run[kind] for run in runs]).median


# --- one run of each ---


def _flower(job: FlowerJob, folder: Path, scores: dict[str, Json]) -> dict[str, float]:
    short = tempfile.TemporaryDirectory(prefix="ray-", dir="/tmp")  # Ray's sockets lie there
    with tempfile.TemporaryDirectory(dir=folder) as name, short as ray:
        here = Path(name)
        prepare(job, here)
        seconds = _timed([str(PYTHON), str(SCRIPT), name], {**_QUIET, "RAY_TMPDIR": ray})
        told = json.loads((here / "flower.json").read_text())
    scores["flower"] = told["scores"]
    return {
        "command_seconds": seconds,
        "job_seconds": told["run_seconds"],
        "import_seconds": told["import_seconds"],
    }


def _holdfast(job: FlowerJob, folder: Path, scores: dict[str, Json]) -> dict[str, float]:
    with tempfile.TemporaryDirectory(dir=folder) as name:
        here = Path(name)
        plan = prepare(job, here)
        seconds = _timed([sys.executable, "-m", "benchmarks.flower.market", name], {})
        told = json.loads((here / "holdfast.json").read_text())
        scores[job.name] = list(scores_of(job, plan, here))
    return {
        "command_seconds": seconds,
        "job_seconds": told["job"],
        "training_seconds": told["training"],
        "chain_seconds": told["chain"],
    }


def _timed(command: Sequence[str], environment: Mapping[str, str]) -> float:
    """Seconds from a program's start to its end.

    Raises:
        HoldfastError: it failed.
    """
    begun = time.monotonic()
    done = subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=LIMIT_SECONDS,
    )
    seconds = time.monotonic() - begun
    if done.returncode:
        raise HoldfastError(f"{command[1]}: {(done.stderr.strip() or 'no reason given').splitlines()[-1]}")
    return seconds
