"""Sees to it that tasks are performed: what is due first is first, and what fails holds up nothing else."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from agents.core.errors import BadInput, HoldfastError, JobFailed, SkipJob, StopAgent
from agents.roles.acts import Task
from agents.roles.results import TaskResult
from agents.runtime.backoff import Backoff
from agents.runtime.executor import Executor, Failed
from agents.storage.journal import Journal

log = logging.getLogger(__name__)

_SHARE = 7 / 8
"""Of the time left until a task's deadline: what a job may take, so that a flag still goes out in time."""


@dataclass
class Supervisor:
    """Starts tasks, records their results, and gives up what cannot be done.

    Attributes:
        clock: wall-clock seconds.
        job_seconds: how long a job may run.
    """

    executor: Executor
    journal: Journal
    clock: Callable[[], float]
    job_seconds: float
    backoff: Backoff = field(default_factory=Backoff)
    _told: set[str] = field(default_factory=set)

    def ask(self, tasks: Iterable[Task[TaskResult]]) -> None:
        """Starts what is asked for and not under way, as far as there is room; stops what no longer is."""
        wanted = {task.key: task for task in tasks}
        for key in set(self.executor.running) - wanted.keys():
            log.info("%s is not needed any more", key)
            self.executor.cancel(key)
        now = self.clock()
        for task in sorted(wanted.values(), key=lambda task: task.deadline):
            if task.key not in self.executor.running and self.backoff.ready(task.key, now):
                self._start(task, now)

    def record(self) -> bool:
        """Keeps what has come to an end; whether there was any result.

        Raises:
            StopAgent, BadInput: the agent cannot go on.
        """
        results = [
            self._failed(end.task, end.error) if isinstance(end, Failed) else self._keep(end.task, end.result)
            for end in self.executor.ended()
        ]
        return any(results)

    def _start(self, task: Task[TaskResult], now: float) -> None:
        if not self.executor.has_room:
            self._wait(task, now)
            return
        log.info("%s %s", type(task).__name__, task.key)
        self.executor.start(task, self._until(task, now))

    def _wait(self, task: Task[TaskResult], now: float) -> None:
        """A task that was not even tried is given up half-way between its patience's end and its deadline."""
        result = task.given_up(JobFailed("no worker is free in time"), now - (task.deadline - now))
        if result is not None:
            self._keep(task, result)

    def _until(self, task: Task[TaskResult], now: float) -> float:
        """When a job is stopped."""
        left = task.deadline - now
        return now + (min(self.job_seconds, left * _SHARE) if left > 0 else self.job_seconds)

    def _keep(self, task: Task[TaskResult], result: TaskResult) -> bool:
        self.journal.record(task.key, result)
        self.backoff.succeeded(task.key)
        if result.refusal:
            log.warning("%s: %s", task.key, result.refusal)
        return True

    def _failed(self, task: Task[TaskResult], error: HoldfastError) -> bool:
        if isinstance(error, (StopAgent, BadInput)):
            raise error
        now = self.clock()
        result = task.given_up(error, now)
        if result is not None:
            return self._keep(task, result)
        wait = self.backoff.failed(task.key, now)
        level = logging.WARNING if isinstance(error, SkipJob) and task.key not in self._told else logging.INFO
        log.log(level, "%s: %s; next try in %g s", task.key, error, wait)
        self._told.add(task.key)
        return False
