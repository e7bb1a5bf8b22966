"""Bit-identical results of encrypted training across processes, numbers of BLAS threads and CPU kernels.

Keys and encrypted weights are made once; each process then does all subsets' jobs.

Rules: E20.
"""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from agents.learning.data.samples import PredictionTask
from agents.learning.families.encrypted_features import EncryptedFeaturesPlan
from agents.learning.families.registry import default_plan, family_of
from agents.learning.plans.encrypted import EncryptedPlan
from testing.approximate import SMALL, small_family
from testing.machines import MACHINES, words
from testing.market_of_ciphertexts import couple_of, some_weights
from tests.agents.learning.conftest import random_samples

EXACT = ("encrypted-linear", "encrypted-ridge", "encrypted-logistic", "encrypted-features")
APPROXIMATE = ("encrypted-cubic", "encrypted-network")

PROGRAM = """
import hashlib, pickle, sys
from testing.market_of_ciphertexts import couple_of

for kind, plan, samples, keys, encrypted in pickle.load(open(sys.argv[1], "rb")):
    for result in couple_of(plan, samples, keys, kind).results(encrypted):
        print(hashlib.sha256(result).hexdigest())
"""


@pytest.fixture(scope="module")
def jobs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of a small job of each family; of approximate ones in a small ring."""
    prepared: list[tuple[object, ...]] = []
    samples = [random_samples(rows, features=8, classes=3, seed=rows) for rows in (70, 90)]
    for name in EXACT:
        plan = default_plan(PredictionTask.CLASSIFICATION, 3, 8, name)
        assert isinstance(plan, EncryptedPlan)
        if isinstance(plan, EncryptedFeaturesPlan):
            plan = plan.model_copy(update={"hidden": 30})
        keys = family_of(plan).keys()
        encrypted = couple_of(plan, samples, keys).family.encrypt(keys, some_weights(plan))
        prepared.append((family_of, plan, samples, keys, encrypted))
    for name in APPROXIMATE:
        small = small_family(name, features=8, rows=90)
        keys = small.keys()
        encrypted = small.encrypt(keys, some_weights(small.plan, largest=0.1))
        two = [random_samples(rows, features=8, seed=rows) for rows in (70, 90)]
        prepared.append((SMALL[name], small.plan, two, keys, encrypted))
    path = tmp_path_factory.mktemp("jobs") / "jobs.pickle"
    path.write_bytes(pickle.dumps(prepared))
    return path


@pytest.fixture(scope="module")
def reference(jobs: Path) -> list[str]:
    return words(PROGRAM, {}, str(jobs))


@pytest.mark.parametrize("machine", ["Nehalem kernels, two threads", "no wide instructions"])
def test_results_are_the_same_bytes(jobs: Path, reference: list[str], machine: str) -> None:
    assert len(set(reference)) == 2 * len(EXACT + APPROXIMATE)
    assert words(PROGRAM, MACHINES[machine], str(jobs)) == reference
