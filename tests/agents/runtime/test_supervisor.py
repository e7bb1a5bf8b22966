"""The supervisor: what is due first is first, and what fails costs its own asset and no other.

Rules: A6, A70, A71, A72, A106.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection

import pytest

from agents.core.enums import FlagReason
from agents.core.errors import (
    BadInput,
    BadObject,
    HoldfastError,
    JobFailed,
    ObjectDamaged,
    ObjectMissing,
    StopAgent,
    StoreUnavailable,
)
from agents.roles.acts import Task
from agents.roles.results import AgreedResult, Flagged, PlanReview, RefusedPackage, TaskResult
from agents.roles.tasks.cloud_owner import OpenPackage, TrainModel
from agents.roles.tasks.data_owner import ReviewPlan, SplitData
from agents.roles.tasks.model_owner import CollectResults, DraftPlan, PublishWeights
from agents.runtime.backoff import Backoff
from agents.runtime.executor import Failed, Finished
from agents.runtime.supervisor import Supervisor
from agents.storage.journal import Journal
from testing.jobs import job, result
from testing.workers import CI, DS, TC

PATIENCE, DEADLINE = 750, 1_000
REVIEW = ReviewPlan(TC, b"", b"", patience_until=PATIENCE, deadline=DEADLINE)
OPEN = OpenPackage(CI, b"", PATIENCE, b"", b"", deadline=DEADLINE)
TRAIN = TrainModel(TC, CI, 1, 3, 4, b"", b"", b"", b"", b"", PATIENCE, deadline=DEADLINE)
COLLECT = CollectResults(TC, 1, 3, (), 2, PATIENCE, deadline=DEADLINE)
TOO_LONG = JobFailed("it was stopped after 600 s: too long")


@dataclass
class Desk:
    """An executor whose jobs end as the test says, and the time."""

    room: int = 2
    now: float = 0.0
    started: list[tuple[str, float]] = field(default_factory=list)
    cancelled: list[str] = field(default_factory=list)
    tasks: dict[str, Task[TaskResult]] = field(default_factory=dict)
    ends: list[Finished | Failed] = field(default_factory=list)
    journal: Journal = field(default_factory=lambda: Journal(":memory:"))
    supervisors: list[Supervisor] = field(default_factory=list)

    def supervisor(self, job_seconds: float = 600.0) -> Supervisor:
        """Its clock and the chain's are one, unless a test says otherwise."""
        made = Supervisor(self, self.journal, lambda: self.now, job_seconds, now=int(self.now))
        self.supervisors.append(made)
        return made

    def at(self, now: float) -> None:
        """It is so late now."""
        self.now = now
        for supervisor in self.supervisors:
            supervisor.now = int(now)

    @property
    def running(self) -> Collection[str]:
        return self.tasks.keys()

    @property
    def has_room(self) -> bool:
        return len(self.tasks) < self.room

    @property
    def connections(self) -> Sequence[Connection]:
        return ()

    def start(self, task: Task[TaskResult], until: float) -> None:
        assert self.has_room
        assert task.key not in self.tasks
        self.started.append((task.key, until))
        self.tasks[task.key] = task

    def cancel(self, key: str) -> None:
        self.cancelled.append(key)
        del self.tasks[key]

    def ended(self) -> Iterator[Finished | Failed]:
        while self.ends:
            end = self.ends.pop(0)
            self.tasks.pop(end.task.key, None)
            yield end

    def close(self) -> None:
        raise AssertionError("who made it closes it")


def keys(desk: Desk) -> list[str]:
    return [key for key, _ in desk.started]


# --- what is started ---


def test_what_is_due_first_is_started_first() -> None:
    desk = Desk(room=4)
    jobs = {deadline: job(deadline, deadline=deadline) for deadline in (900, 300, 700)}
    desk.supervisor().ask([job(1), *jobs.values()])
    assert keys(desk) == [jobs[300].key, jobs[700].key, jobs[900].key, job(1).key]


def test_what_has_no_deadline_is_done_in_the_roles_order() -> None:
    desk = Desk(room=4)
    desk.supervisor().ask([job(3), job(1), job(2)])
    assert keys(desk) == [job(3).key, job(1).key, job(2).key]


def test_what_there_is_no_room_for_waits_for_its_turn() -> None:
    desk = Desk(room=1)
    supervisor = desk.supervisor()
    first, second = job(1, deadline=500), job(2, deadline=600)
    supervisor.ask([second, first])
    supervisor.ask([second, first])
    assert keys(desk) == [first.key]
    desk.ends = [Finished(first, result(1))]
    assert supervisor.record()
    supervisor.ask([second])
    assert keys(desk) == [first.key, second.key]
    assert desk.journal[first.key] == result(1)


def test_of_each_key_one_run_at_a_time() -> None:
    desk = Desk()
    supervisor = desk.supervisor()
    for _ in range(3):
        supervisor.ask([job(1), job(1)])
    assert keys(desk) == [job(1).key]


def test_what_nobody_asks_for_any_more_is_stopped() -> None:
    desk = Desk()
    supervisor = desk.supervisor()
    supervisor.ask([job(1), job(2)])
    supervisor.ask([job(2)])
    assert desk.cancelled == [job(1).key]
    assert list(desk.running) == [job(2).key]


@pytest.mark.parametrize(("now", "until"), [(0, 600), (400, 925), (800, 975), (1_000, 1_600), (1_500, 2_100)])
def test_a_job_leaves_time_before_its_deadline(now: float, until: float) -> None:
    """What is over its deadline already is waited for by nobody's flag."""
    desk = Desk(now=now)
    desk.supervisor(job_seconds=600).ask([TRAIN])
    assert desk.started == [(TRAIN.key, until)]


def test_deadlines_are_the_chains_and_jobs_are_timed_by_our_own_clock() -> None:
    desk = Desk(now=5)
    supervisor = desk.supervisor(job_seconds=600)
    supervisor.now = 400
    supervisor.ask([TRAIN])
    assert desk.started == [(TRAIN.key, 5 + 525)]
    assert not fail(desk, supervisor, TRAIN, TOO_LONG)
    supervisor.now = PATIENCE + 1
    assert fail(desk, supervisor, TRAIN, TOO_LONG)


# --- what fails ---


def fail(desk: Desk, supervisor: Supervisor, task: Task[TaskResult], error: HoldfastError) -> bool:
    desk.ends = [Failed(task, error)]
    return supervisor.record()


@pytest.mark.parametrize("error", [TOO_LONG, ObjectMissing("no object"), BadObject("garbage")])
def test_what_failed_waits_longer_each_time_and_holds_up_nothing(error: HoldfastError) -> None:
    desk = Desk(room=1)
    supervisor = desk.supervisor()
    tried = []
    for tick in range(64):
        desk.at(tick / 4)
        supervisor.ask([job(1)])
        if job(1).key in desk.running:
            tried.append(desk.now)
            assert not fail(desk, supervisor, job(1), error)
    assert tried == [0, 0.5, 1.5, 3.5, 7.5, 15.5]
    supervisor.ask([job(1), job(2)])
    assert list(desk.running) == [job(2).key]


@pytest.mark.parametrize("error", [StopAgent("the subset is gone"), BadInput("no such file")])
def test_what_cannot_be_mended_ends_the_agent(error: HoldfastError) -> None:
    desk = Desk()
    with pytest.raises(type(error), match=str(error)):
        fail(desk, desk.supervisor(), job(1), error)


GIVEN_UP: list[tuple[Task[TaskResult], HoldfastError, TaskResult]] = [
    (REVIEW, TOO_LONG, PlanReview(problem=str(TOO_LONG))),
    (OPEN, TOO_LONG, RefusedPackage(problem=str(TOO_LONG))),
    (OPEN, StoreUnavailable("the store is away"), RefusedPackage(problem="the store is away")),
    (TRAIN, TOO_LONG, Flagged(flag=FlagReason.PLAN_REFUSED, why=str(TOO_LONG))),
    (TRAIN, BadObject("garbage"), Flagged(flag=FlagReason.PLAN_REFUSED, why="garbage")),
    (
        TRAIN,
        StoreUnavailable("the store is away"),
        Flagged(flag=FlagReason.WEIGHTS_UNAVAILABLE, why="the store is away"),
    ),
    (
        TRAIN,
        ObjectDamaged("another hash"),
        Flagged(flag=FlagReason.WEIGHTS_UNAVAILABLE, why="another hash"),
    ),
    (OPEN, ObjectDamaged("another hash"), RefusedPackage(problem="another hash")),
    (COLLECT, StoreUnavailable("the store is away"), AgreedResult(digest=b"", agreeing=0)),
    (COLLECT, TOO_LONG, AgreedResult(digest=b"", agreeing=0)),
]


@pytest.mark.parametrize(("task", "error", "given_up"), GIVEN_UP)
def test_what_still_fails_when_patience_is_over_is_given_up(
    task: Task[TaskResult], error: HoldfastError, given_up: TaskResult, caplog: pytest.LogCaptureFixture
) -> None:
    desk = Desk(now=PATIENCE)
    supervisor = desk.supervisor()
    assert not fail(desk, supervisor, task, error)
    assert task.key not in desk.journal
    desk.at(PATIENCE + 1)
    caplog.clear()
    assert fail(desk, supervisor, task, error)
    assert desk.journal[task.key] == given_up
    warnings = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert warnings == ([f"{task.key}: {given_up.refusal}"] if given_up.refusal else [])


@pytest.mark.parametrize(
    ("task", "error"),
    [
        (SplitData(DS), TOO_LONG),
        (DraftPlan(DS, b"", b"", deadline=DEADLINE), TOO_LONG),
        (PublishWeights(TC, 1, 4, 3, (), (), PATIENCE, b"", deadline=DEADLINE), TOO_LONG),
        (REVIEW, StoreUnavailable("the store is away")),
    ],
)
def test_what_nobody_can_answer_for_is_tried_for_ever(task: Task[TaskResult], error: HoldfastError) -> None:
    desk = Desk(now=DEADLINE + 1)
    supervisor = desk.supervisor()
    assert not fail(desk, supervisor, task, error)
    desk.at(desk.now + 1)
    supervisor.ask([task])
    assert keys(desk) == [task.key]


def test_a_job_for_which_no_worker_is_free_is_flagged_in_time() -> None:
    desk = Desk(room=1)
    supervisor = desk.supervisor()
    supervisor.ask([job(1)])
    desk.at((PATIENCE + DEADLINE) // 2)
    supervisor.ask([job(1), TRAIN])
    assert len(desk.journal) == 0
    desk.at(desk.now + 1)
    supervisor.ask([job(1), TRAIN])
    assert desk.journal[TRAIN.key] == Flagged(flag=FlagReason.PLAN_REFUSED, why="no worker is free in time")


def test_a_job_that_waits_for_its_next_try_is_flagged_in_time() -> None:
    """It would be tried again after its deadline."""
    desk = Desk(now=PATIENCE - 1)
    supervisor = desk.supervisor()
    supervisor.backoff.most = 300
    for _ in range(12):
        fail(desk, supervisor, TRAIN, TOO_LONG)
    desk.at((PATIENCE + DEADLINE) // 2)
    supervisor.ask([TRAIN])
    assert len(desk.journal) == 0
    desk.at(desk.now + 1)
    supervisor.ask([TRAIN])
    assert desk.started == []
    assert desk.journal[TRAIN.key] == Flagged(flag=FlagReason.PLAN_REFUSED, why=str(TOO_LONG))


def test_what_another_member_sent_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "agents")
    desk = Desk()
    supervisor = desk.supervisor()
    for _ in range(3):
        fail(desk, supervisor, job(1), BadObject("garbage"))
    told = [(record.levelname, record.getMessage()) for record in caplog.records]
    assert told == [
        ("WARNING", f"{job(1).key}: garbage; next try in 0.5 s"),
        ("INFO", f"{job(1).key}: garbage; next try in 1 s"),
        ("INFO", f"{job(1).key}: garbage; next try in 2 s"),
    ]


def test_a_store_that_is_full_or_unreadable_is_told_once_in_one_line(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.WARNING, "agents")
    desk = Desk()
    supervisor = desk.supervisor()
    for _ in range(3):
        fail(
            desk, supervisor, job(1), StoreUnavailable("object ab cannot be written: No space left on device")
        )
    told = [record.getMessage() for record in caplog.records]
    said = "object ab cannot be written: No space left on device"
    assert told == [f"{job(1).key}: {said}; next try in 0.5 s"]


def test_what_is_not_there_yet_is_no_warning(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "agents")
    desk = Desk()
    fail(desk, desk.supervisor(), job(1), ObjectMissing("no object"))
    assert [record.levelname for record in caplog.records] == ["INFO"]


def test_a_task_is_told_when_it_is_started(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "agents")
    Desk().supervisor().ask([TRAIN])
    assert [record.getMessage() for record in caplog.records] == [f"TrainModel {TRAIN.key}"]


def test_errors_of_what_nobody_asks_for_are_forgotten() -> None:
    desk = Desk()
    supervisor = desk.supervisor()
    supervisor.ask([COLLECT])
    desk.ends.append(Failed(COLLECT, StoreUnavailable("away")))
    supervisor.record()
    assert list(supervisor._errors) == [COLLECT.key]
    supervisor.ask([])
    assert supervisor._errors == {}


def test_failures_of_long_ago_are_forgotten() -> None:
    backoff = Backoff(most=30, kept=10)
    for number in range(100):
        backoff.failed(f"call/{number}", now=100.0 * number)
    assert len(backoff._until) <= 11
    assert not backoff.ready("call/99", 9900.0)
