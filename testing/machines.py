"""Other CPUs, emulated: older kernels in OpenBLAS, no wide instructions in numpy and the C library."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from numpy._core import _multiarray_umath  # type: ignore[attr-defined]  # no public list

ROOT = Path(__file__).parents[1]

WIDE = " ".join(
    name for name in _multiarray_umath.__cpu_dispatch__ if _multiarray_umath.__cpu_features__.get(name)
)

MACHINES = {
    "two threads": {"OPENBLAS_NUM_THREADS": "2"},
    "Haswell kernels": {"OPENBLAS_CORETYPE": "Haswell"},
    "Prescott kernels": {"OPENBLAS_CORETYPE": "Prescott"},
    "Nehalem kernels, two threads": {"OPENBLAS_CORETYPE": "Nehalem", "OPENBLAS_NUM_THREADS": "2"},
    "no wide instructions": {
        "NPY_DISABLE_CPU_FEATURES": WIDE,
        "GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX2,-AVX,-FMA,-FMA4",
    },
}


def words(program: str, changes: dict[str, str], *arguments: str) -> list[str]:
    """What a program prints in a process of its own, on one thread but for these changes."""
    environment = os.environ | {"OPENBLAS_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)} | changes
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        env=environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.split()
