"""The pool: jobs in processes that are kept, limited in time and memory, and killed without the agent.

Rules: A70, A71, A73.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from multiprocessing import Pipe
from multiprocessing.connection import wait
from pathlib import Path

import pytest

from agents.chain.database import ChainDatabase
from agents.core.errors import (
    BadInput,
    BadObject,
    BadPlan,
    HoldfastError,
    JobFailed,
    ObjectDamaged,
    ObjectMissing,
    Retry,
    SkipJob,
    StopAgent,
    StoreLost,
    StoreRefused,
    StoreUnavailable,
)
from agents.core.ids import CoupleId
from agents.roles.results import PlanReview, TaskResult
from agents.runtime.executor import ExecutorLimits, Failed, Finished
from agents.runtime.process_pool import ProcessPool
from testing.jobs import ScriptedWorker, ends_of, hang, job, result
from testing.workers import TC

pytestmark = pytest.mark.forks

ELSEWHERE = CoupleId(TC + 1)
LATER = 1_000.0


@dataclass
class Shop:
    """A pool, what its workers do, and the time."""

    workers: int = 1
    memory_mb: int = 4096
    now: float = 0.0
    worker: ScriptedWorker = field(default_factory=ScriptedWorker)
    pools: list[ProcessPool] = field(default_factory=list)

    def pool(self, let_go: Callable[[], None] = lambda: None) -> ProcessPool:
        limits = ExecutorLimits(self.workers, job_memory_mb=self.memory_mb)
        self.pools.append(ProcessPool(self.worker, limits, lambda: self.now, let_go))
        return self.pools[-1]

    def does(self, number: int, act: Callable[[], TaskResult]) -> None:
        self.worker.acts[job(number).key] = act


@pytest.fixture
def shop() -> Iterator[Shop]:
    shop = Shop()
    yield shop
    for pool in shop.pools:
        pool.close()


def done_in(pool: ProcessPool, number: int = 1, couple: CoupleId = TC) -> int:
    """The process in which a task is performed whose result is that process's number."""
    pool.start(job(number, couple), LATER)
    (end,) = ends_of(pool)
    assert isinstance(end, Finished)
    found = end.result.model_dump()["agreeing"]
    assert isinstance(found, int)
    return found


def failure(pool: ProcessPool, number: int = 1) -> HoldfastError:
    """How a task fails."""
    pool.start(job(number), LATER)
    (end,) = ends_of(pool)
    assert isinstance(end, Failed)
    assert end.task == job(number)
    return end.error


def own_number() -> TaskResult:
    return result(os.getpid())


# --- what comes back ---


def test_a_job_is_done_in_another_process(shop: Shop) -> None:
    shop.does(1, own_number)
    assert done_in(shop.pool()) != os.getpid()


def test_nothing_is_started_before_there_is_a_job(shop: Shop) -> None:
    pool = shop.pool()
    assert (list(pool.running), pool.connections, list(pool.ended()), pool.has_room) == ([], [], [], True)


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (ObjectMissing("no object"), Retry),
        (StoreUnavailable("a full disk"), StoreUnavailable),
        (StoreLost("no canary"), StoreLost),
        (StoreRefused("no leave"), StoreUnavailable),
        (ObjectDamaged("another hash"), StoreUnavailable),
        (BadObject("garbage"), SkipJob),
        (StopAgent("the subset is gone"), StopAgent),
        (BadPlan("no such model"), BadInput),
    ],
)
def test_errors_are_told_apart(shop: Shop, error: HoldfastError, kind: type[HoldfastError]) -> None:
    def fail() -> TaskResult:
        raise error

    shop.does(1, fail)
    found = failure(shop.pool())
    assert (type(found), str(found)) == (kind, str(error))


def test_an_error_that_nobody_foresaw_is_one_line_that_says_where(shop: Shop) -> None:
    def fail() -> TaskResult:
        raise KeyError("two\nlines")

    shop.does(1, fail)
    found = failure(shop.pool())
    assert isinstance(found, JobFailed)
    assert str(found).startswith("KeyError: 'two\\nlines' (")
    assert Path(__file__).name in str(found)
    assert "\n" not in str(found)


def test_a_result_that_is_not_the_tasks_is_a_failure(shop: Shop) -> None:
    shop.does(1, lambda: PlanReview(problem=""))
    found = failure(shop.pool())
    assert isinstance(found, JobFailed)
    assert str(found).startswith(f"{job(1).key} is damaged or of another program (")


# --- limits ---


def test_a_job_over_its_time_is_stopped_and_the_next_one_is_done(shop: Shop) -> None:
    shop.does(1, hang)
    pool = shop.pool()
    pool.start(job(1), until=60)
    shop.now = 60
    assert list(pool.ended()) == []
    shop.now = 61
    (end,) = pool.ended()
    assert isinstance(end, Failed)
    assert isinstance(end.error, JobFailed)
    assert str(end.error) == "it was stopped after 61 s: too long"
    shop.does(2, own_number)
    assert done_in(pool, 2)


def test_a_job_over_its_memory_fails_and_the_next_one_is_done(shop: Shop) -> None:
    shop.memory_mb = 1024
    shop.does(1, lambda: result(len(bytearray(1 << 30))))
    pool = shop.pool()
    found = failure(pool)
    assert isinstance(found, JobFailed)
    assert "memory" in str(found)
    shop.does(2, lambda: result(len(bytearray(1 << 20))))
    assert done_in(pool, 2) == 1 << 20


@pytest.mark.parametrize(
    ("die", "cause"),
    [(lambda: os._exit(3), "exit code 3"), (lambda: os.kill(os.getpid(), signal.SIGKILL), "signal 9")],
)
def test_a_process_that_dies_costs_its_job_and_no_more(
    shop: Shop, die: Callable[[], TaskResult], cause: str
) -> None:
    shop.does(1, die)
    pool = shop.pool()
    found = failure(pool)
    assert isinstance(found, JobFailed)
    assert str(found) == f"its process died of {cause}"
    shop.does(2, own_number)
    assert done_in(pool, 2)


def test_a_process_that_dies_idle_costs_one_attempt(shop: Shop) -> None:
    shop.does(1, own_number)
    pool = shop.pool()
    os.kill(done_in(pool), signal.SIGKILL)
    assert str(failure(pool)) == "its process died of signal 9"
    assert done_in(pool)


def test_so_many_run_at_once_and_no_more(shop: Shop) -> None:
    shop.workers = 2
    pool = shop.pool()
    for number in (1, 2):
        shop.does(number, hang)
        assert pool.has_room
        pool.start(job(number), until=60 * number)
    assert not pool.has_room
    assert pool.running == {job(1).key, job(2).key}
    assert len(pool.connections) == 2
    shop.now = 61
    assert [end.task for end in pool.ended()] == [job(1)]
    assert pool.has_room
    assert pool.running == {job(2).key}


def test_a_system_that_starts_no_process_fails_the_job(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> int:
        raise BlockingIOError(11, "Resource temporarily unavailable")

    pool = shop.pool()
    with monkeypatch.context() as patched:
        patched.setattr(os, "fork", refuse)
        pool.start(job(), LATER)
    assert pool.running == {job().key}
    (end,) = pool.ended()
    assert isinstance(end, Failed)
    assert str(end.error) == "no process can be started: Resource temporarily unavailable"
    assert done_in(pool) == 0


# --- warm processes ---


def test_a_process_is_kept_for_the_next_job(shop: Shop) -> None:
    for number in (1, 2, 3):
        shop.does(number, own_number)
    pool = shop.pool()
    assert len({done_in(pool, number) for number in (1, 2, 3)}) == 1


def test_a_couples_jobs_go_to_the_process_that_has_its_keys(shop: Shop) -> None:
    shop.workers = 2
    for couple in (TC, ELSEWHERE):
        shop.worker.acts[job(1, couple).key] = own_number
    pool = shop.pool()
    first, second = done_in(pool), done_in(pool, couple=ELSEWHERE)
    assert first != second
    for _ in range(2):
        assert (done_in(pool), done_in(pool, couple=ELSEWHERE)) == (first, second)


def test_a_third_couple_takes_the_process_that_was_idle_longest(shop: Shop) -> None:
    shop.workers = 2
    couples = [CoupleId(TC + number) for number in range(3)]
    for couple in couples:
        shop.worker.acts[job(1, couple).key] = own_number
    pool = shop.pool()
    first, second, third = (done_in(pool, couple=couple) for couple in couples)
    assert third == first != second


def test_a_process_in_which_something_went_wrong_is_not_used_again(shop: Shop) -> None:
    def fail() -> TaskResult:
        raise ZeroDivisionError

    shop.does(1, own_number)
    shop.does(2, fail)
    pool = shop.pool()
    first = done_in(pool)
    failure(pool, 2)
    assert done_in(pool) != first


# --- the end ---


def lifeline(shop: Shop, act: Callable[[], TaskResult] = hang) -> Callable[[], bool]:
    """A job that hangs; whether every process that ever had it is dead is asked of the answer."""
    ours, theirs = Pipe(duplex=False)

    def hold() -> TaskResult:
        assert not theirs.closed
        return act()

    shop.does(1, hold)

    def dead() -> bool:
        theirs.close()
        wait([ours])  # the other end is closed, for nothing is ever sent
        return True

    return dead


def test_a_job_that_nobody_wants_is_stopped(shop: Shop) -> None:
    dead, pool = lifeline(shop), shop.pool()
    pool.start(job(), LATER)
    pool.cancel(job().key)
    assert dead()
    assert (pool.running, pool.connections, list(pool.ended())) == (set(), [], [])


def test_closing_stops_a_job_that_hangs(shop: Shop) -> None:
    dead, pool = lifeline(shop), shop.pool()
    pool.start(job(), LATER)
    pool.close()
    assert dead()


def test_ctrl_c_leaves_the_end_to_the_agent(shop: Shop) -> None:
    """A terminal sends it to the agent and to its processes alike."""

    def interrupted() -> TaskResult:
        os.kill(os.getpid(), signal.SIGINT)
        return result(7)

    shop.does(1, interrupted)
    assert done_in(shop.pool()) == 7


@pytest.mark.parametrize("workers", [1, 2])
def test_no_process_outlives_an_agent_that_is_killed(shop: Shop, workers: int) -> None:
    shop.workers = workers
    dead = lifeline(shop)
    shop.does(2, shop.worker.acts[job(1).key])
    ready, tell = Pipe(duplex=False)
    agent = os.fork()
    if agent == 0:
        try:
            pool = shop.pool()
            for number in range(1, workers + 1):
                pool.start(job(number), LATER)
            tell.send("they hang")
            hang()
        finally:
            os._exit(1)
    assert ready.recv() == "they hang"
    os.kill(agent, signal.SIGKILL)
    os.waitpid(agent, 0)
    assert dead()


def test_a_home_is_free_when_its_agent_is_gone_whatever_a_job_does(shop: Shop, tmp_path: Path) -> None:
    path = tmp_path / "chain.sqlite"
    database = ChainDatabase(path)
    shop.does(1, hang)
    pool = shop.pool(database.leave)
    pool.start(job(), LATER)
    shop.worker.acts.clear()
    started = shop.pool(database.leave)
    assert done_in(started) == 0
    with pytest.raises(BadInput, match="another agent uses"):
        ChainDatabase(path)
    database.close()
    ChainDatabase(path).close()
