"""What machine a figure is of, and how busy it was with other things."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from importlib.metadata import version
from pathlib import Path

import psutil

from benchmarks.profile import Json

PACKAGES = ("web3", "eth-account", "coincurve", "numpy")


def machine() -> dict[str, Json]:
    """The processor, its cores, memory in GiB, kernel, versions, and the load before the run began."""
    return {
        "processor": _processor(),
        "cores": os.cpu_count() or 1,
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "kernel": f"{platform.system()} {platform.release()}",
        "load_before": [round(load, 2) for load in os.getloadavg()],
        "python": platform.python_version(),
        "node": _told("node", "--version"),
        "go": _told("go", "version"),
        "packages": {name: version(name) for name in PACKAGES},
    }


def described(facts: dict[str, Json]) -> str:
    """One line to stand beside a figure."""
    return f"{facts['processor']}, {facts['cores']} cores, {facts['memory_gib']} GiB, {facts['kernel']}"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, "") or platform.processor() or platform.machine()


def _told(program: str, *arguments: str) -> str | None:
    """What a program says of its version; None if it is not installed."""
    found = shutil.which(program)
    if found is None:
        return None
    return subprocess.run([found, *arguments], capture_output=True, text=True, timeout=30).stdout.strip()
