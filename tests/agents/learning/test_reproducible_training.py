"""Bit-identical results across processes, numbers of BLAS threads and CPU kernels.

Other CPUs are emulated: OpenBLAS is told to use an older kernel, numpy to leave its wide instructions alone.

Rules: P20.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from numpy._core import _multiarray_umath  # type: ignore[attr-defined]  # no public list

ROOT = Path(__file__).parents[3]

PROGRAM = """
from agents.learning.defaults import default_plan
from agents.learning.prepare import partition
from agents.learning.samples import Task
from agents.learning.simulate import simulate
from agents.learning.tables import load_table

for name, model in [("digits", "logistic"), ("digits", "network"), ("diabetes", "ridge")]:
    train = partition(load_table(name), 0).train
    plan = default_plan(train.task, train.classes, train.features.shape[1], model, rounds=2)
    plan = plan.model_copy(update={"local_steps": 5})
    halves = [train.take(range(0, 200)), train.take(range(200, len(train)))]
    *_, last = simulate(plan, halves, 1, seed=0)
    print(last.weights.digest().hex())
"""

WIDE = " ".join(
    name for name in _multiarray_umath.__cpu_dispatch__ if _multiarray_umath.__cpu_features__.get(name)
)

MACHINES = {
    "two threads": {"OPENBLAS_NUM_THREADS": "2"},
    "Haswell kernels": {"OPENBLAS_CORETYPE": "Haswell"},
    "Prescott kernels": {"OPENBLAS_CORETYPE": "Prescott"},
    "Nehalem kernels, two threads": {"OPENBLAS_CORETYPE": "Nehalem", "OPENBLAS_NUM_THREADS": "2"},
    "no wide instructions": {"NPY_DISABLE_CPU_FEATURES": WIDE},
}


def digests(changes: dict[str, str]) -> list[str]:
    environment = os.environ | {"OPENBLAS_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)} | changes
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], env=environment, cwd=ROOT, capture_output=True, text=True, check=True
    )
    return done.stdout.split()


@pytest.fixture(scope="module")
def reference() -> list[str]:
    return digests({})


@pytest.mark.parametrize("machine", MACHINES)
def test_training_gives_the_same_bits(reference: list[str], machine: str) -> None:
    assert len(set(reference)) == 3
    assert digests(MACHINES[machine]) == reference
