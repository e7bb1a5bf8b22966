"""The same bytes with noise, in each mode, across processes, numbers of BLAS threads and CPU kernels.

Rules: N2, N8, P20.
"""

from __future__ import annotations

import pytest

from testing.machines import MACHINES, words

PROGRAM = """
import hashlib
from testing.privacy import offered, results_of, subsets_of

for table, mode in [("digits", "dealt"), ("wine", "shared"), ("diabetes", "own")]:
    made, plan = offered(table, noise=mode, epsilon=4)
    print(hashlib.sha256(b"".join(results_of(plan, subsets_of(made)))).hexdigest())
"""


@pytest.fixture(scope="module")
def reference() -> list[str]:
    return words(PROGRAM, {})


@pytest.mark.parametrize("machine", MACHINES)
def test_replicas_make_the_same_bytes(reference: list[str], machine: str) -> None:
    assert len(set(reference)) == 3
    assert words(PROGRAM, MACHINES[machine]) == reference
