"""Sees to it that tasks are performed: what is due first is first, and what fails holds up nothing else."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from agents.core.errors import BadInput, HoldfastError, JobFailed, SkipJob, StopAgent, StoreUnavailable
from agents.roles.acts import Task
from agents.roles.results import TaskResult
from agents.runtime.backoff import Backoff
from agents.runtime.executor import Executor, Failed
from agents.runtime.observer import Observer
from agents.storage.journal import Journal

log = logging.getLogger(__name__)

_SHARE = 7 / 8
"""Of the time left until a task's deadline: what a job may take, so that a flag still goes out in time."""


@dataclass
class Supervisor:
    """Starts tasks, records their results, and gives up what cannot be done.

    Attributes:
        clock: seconds that only grow: for jobs and rests.
        job_seconds: how long a job may run.
        now: the chain's time: for patience and deadlines, which are the chain's.
        observer: is told what begins and ends.
    """

    executor: Executor
    journal: Journal
    clock: Callable[[], float]
    job_seconds: float
    backoff: Backoff = field(default_factory=Backoff)
    now: int = 0
    observer: Observer = field(default_factory=Observer)
    _errors: dict[str, HoldfastError] = field(default_factory=dict)

    def ask(self, tasks: Iterable[Task[TaskResult]]) -> None:
        """Starts what is asked for and not under way, as far as there is room; stops what no longer is."""
        wanted = {task.key: task for task in tasks}
        for key in self._errors.keys() - wanted.keys():
            del self._errors[key]
        for key in set(self.executor.running) - wanted.keys():
            log.info("%s is not needed any more", key)
            self.executor.cancel(key)
        for task in sorted(wanted.values(), key=lambda task: task.deadline):
            if task.key in self.executor.running:
                continue
            if self.backoff.ready(task.key, self.clock()) and self.executor.has_room:
                self._start(task)
            else:
                self._wait(task)

    def record(self) -> bool:
        """Keeps what has come to an end; whether there was any result.

        Raises:
            StopAgent, BadInput: the agent cannot go on.
        """
        results = [
            self._failed(end.task, end.error) if isinstance(end, Failed) else self._done(end.task, end.result)
            for end in self.executor.ended()
        ]
        return any(results)

    @property
    def store_trouble(self) -> str:
        """What the object store last said to work that is not done yet; empty if nothing is the matter."""
        faults = (error for error in self._errors.values() if isinstance(error, StoreUnavailable))
        return str(next(faults, ""))

    def _start(self, task: Task[TaskResult]) -> None:
        log.info("%s %s", type(task).__name__, task.key)
        self.observer.began(task.key, type(task).__name__)
        self.executor.start(task, self._until(task))

    def _wait(self, task: Task[TaskResult]) -> None:
        """What is still waiting half-way between its patience's end and its deadline is given up."""
        error = self._errors.get(task.key, JobFailed("no worker is free in time"))
        result = task.given_up(error, self.now - (task.deadline - self.now))
        if result is not None:
            self._keep(task, result)

    def _until(self, task: Task[TaskResult]) -> float:
        """When a job is stopped."""
        left = task.deadline - self.now
        return self.clock() + (min(self.job_seconds, left * _SHARE) if left > 0 else self.job_seconds)

    def _keep(self, task: Task[TaskResult], result: TaskResult) -> bool:
        self.journal.record(task.key, result)
        self.backoff.succeeded(task.key)
        self._errors.pop(task.key, None)
        if result.refusal:
            log.warning("%s: %s", task.key, result.refusal)
        return True

    def _done(self, task: Task[TaskResult], result: TaskResult) -> bool:
        self.observer.ended(task.key, type(task).__name__, "done")
        return self._keep(task, result)

    def _failed(self, task: Task[TaskResult], error: HoldfastError) -> bool:
        if isinstance(error, (StopAgent, BadInput)):
            raise error
        result = task.given_up(error, self.now)
        outcome = "failed" if result is None else "given_up"
        self.observer.ended(task.key, type(task).__name__, outcome)
        if result is not None:
            return self._keep(task, result)
        wait = self.backoff.failed(task.key, self.clock())
        is_news = isinstance(error, (SkipJob, StoreUnavailable)) and task.key not in self._errors
        log.log(
            logging.WARNING if is_news else logging.INFO, "%s: %s; next try in %g s", task.key, error, wait
        )
        self._errors[task.key] = error
        return False
