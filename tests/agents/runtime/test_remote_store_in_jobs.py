"""A remote store in the processes of an agent's jobs: each connects for itself, the agent's own never does.

Rules: V16, A71.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from agents.core.ids import Address
from agents.roles.results import TaskResult
from agents.runtime.executor import ExecutorLimits, Failed, Finished
from agents.runtime.process_pool import ProcessPool
from agents.vault.bucket import PART_BYTES, Access
from agents.vault.grants import bucket_policy
from agents.vault.places import StorePlace
from agents.vault.store import ObjectId
from testing.jobs import ScriptedWorker, ends_of, job, result
from testing.s3_server import S3Server, arn_of, s3_server, secret_of

pytestmark = pytest.mark.forks

ALICE = "a1" * 20
LARGE = b"twice as long" * (PART_BYTES // 6)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[S3Server]:
    (tmp_path / "s3").mkdir()
    with s3_server(tmp_path / "s3", ["alice"]) as running:
        running.let(bucket_policy(running.url, {Address(f"0x{ALICE}"): arn_of("alice")}))
        yield running


def test_jobs_put_and_get_in_processes_of_their_own(
    server: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "alice")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", secret_of("alice"))
    place = StorePlace(server.url, Access(server.endpoint, ca=server.ca))
    store = place.of_member(bytes.fromhex(ALICE), tmp_path / "partial")

    def puts() -> TaskResult:
        store.put(LARGE)
        return result(1)

    def gets() -> TaskResult:
        return result(int(store.get(ObjectId.of(LARGE)) == LARGE))

    worker = ScriptedWorker({job(1).key: puts, job(2).key: gets, job(3).key: gets})
    pool = ProcessPool(worker, ExecutorLimits(workers=2), time.monotonic)
    try:
        assert ended(pool, 1) == [result(1)]
        assert ended(pool, 2, 3) == [result(1)] * 2, "both fetch the same at once, each for itself"
    finally:
        pool.close()


def ended(pool: ProcessPool, *numbers: int) -> list[TaskResult]:
    """What tasks come to that are done at once."""
    for number in numbers:
        pool.start(job(number), time.monotonic() + 60)
    found: list[Finished | Failed] = []
    while len(found) < len(numbers):
        found += ends_of(pool)
    return [end.result for end in found if isinstance(end, Finished)]
