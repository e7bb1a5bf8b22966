"""The delay of transactions beside work: every one is sent, whichever way the work is done."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from agents.runtime.executor import Executor, ExecutorLimits, InlineExecutor
from agents.runtime.process_pool import ProcessPool
from agents.workers.base import Worker
from benchmarks.delay import Troubled, delays, measure
from benchmarks.profile import SHORT

pytestmark = pytest.mark.forks


@pytest.mark.parametrize(
    "perform", [InlineExecutor, lambda worker: ProcessPool(worker, ExecutorLimits(), lambda: 0.0)]
)
def test_every_transaction_is_sent_once_and_none_early(perform: Callable[[Worker], Executor]) -> None:
    found = delays(perform, Troubled(hangs=0.0, computes=0.0), every=0.001, count=20)
    assert len(found) == 20
    assert min(found) >= 0


def test_it_tells_of_both_ways(tmp_path: Path) -> None:
    told: list[str] = []
    found = measure(replace(SHORT, seconds=0.01), tmp_path, told.append)
    assert found["transactions"] == 3
    assert len(told) == 2
    for way in ("beside the loop", "in the loop"):
        spread = found[way]
        assert isinstance(spread, dict)
        assert set(spread) == {"median", "min", "max"}
