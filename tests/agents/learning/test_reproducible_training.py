"""Bit-identical results across processes, numbers of BLAS threads and CPU kernels.

Rules: P20.
"""

from __future__ import annotations

import pytest

from testing.machines import MACHINES, words

PROGRAM = """
from agents.learning.families.registry import default_plan
from agents.learning.data.prepare import partition
from agents.learning.data.samples import PredictionTask
from agents.learning.simulate import simulate
from agents.learning.data.tables import load_table

for name, model in [("digits", "logistic"), ("digits", "network"), ("diabetes", "ridge")]:
    train = partition(load_table(name), 0).train
    plan = default_plan(train.task, train.classes, train.features.shape[1], model, rounds=2)
    plan = plan.model_copy(update={"local_steps": 5})
    halves = [train.take(range(0, 200)), train.take(range(200, len(train)))]
    *_, last = simulate(plan, halves, 1, seed=0)
    print(last.weights.digest().hex())
"""


@pytest.fixture(scope="module")
def reference() -> list[str]:
    return words(PROGRAM, {})


@pytest.mark.parametrize("machine", MACHINES)
def test_training_gives_the_same_bits(reference: list[str], machine: str) -> None:
    assert len(set(reference)) == 3
    assert words(PROGRAM, MACHINES[machine]) == reference
