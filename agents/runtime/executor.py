"""What performs tasks: the seam between the loop, which never waits, and the work, which may take long."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Protocol

from agents.core.errors import HoldfastError, JobFailed, in_one_line
from agents.roles.acts import Task
from agents.roles.results import TaskResult
from agents.workers.base import Worker


@dataclass(frozen=True)
class ExecutorLimits:
    """What work may take.

    Attributes:
        workers: how many jobs run at once, each in a process of its own.
        job_seconds: how long one may run.
        job_memory_mb: how many MiB its process may hold, with the libraries and keys that it keeps.
    """

    workers: int = 2
    job_seconds: int = 3600
    job_memory_mb: int = 4096


@dataclass(frozen=True)
class Finished:
    """A job that was done."""

    task: Task[TaskResult]
    result: TaskResult


@dataclass(frozen=True)
class Failed:
    """A job that was not done, and why."""

    task: Task[TaskResult]
    error: HoldfastError


class Executor(Protocol):
    """Performs tasks, so many at once; of each key one at a time."""

    @property
    def running(self) -> Collection[str]:
        """The keys of the tasks that were started and have not been told as ended."""

    @property
    def has_room(self) -> bool:
        """Whether one more can be started."""

    @property
    def connections(self) -> Sequence[Connection]:
        """On these something comes when a job ends."""

    def start(self, task: Task[TaskResult], until: float) -> None:
        """Starts a task; there must be room.

        Args:
            task: whose key is not running.
            until: in seconds; it is stopped if it takes longer.
        """

    def cancel(self, key: str) -> None:
        """Stops a running task; nothing is told of it."""

    def ended(self) -> Iterator[Finished | Failed]:
        """The jobs that have come to an end by now, each once."""

    def close(self) -> None:
        """Stops everything."""


class InlineExecutor:
    """Performs each task when its end is asked for: for stories in one process. It has no limits."""

    def __init__(self, worker: Worker) -> None:
        self.worker = worker
        self._tasks: dict[str, Task[TaskResult]] = {}

    @property
    def running(self) -> Collection[str]:
        """See `Executor`."""
        return self._tasks.keys()

    @property
    def has_room(self) -> bool:
        """Always."""
        return True

    @property
    def connections(self) -> Sequence[Connection]:
        """None."""
        return ()

    def start(self, task: Task[TaskResult], until: float) -> None:
        """See `Executor`."""
        del until
        self._tasks[task.key] = task

    def cancel(self, key: str) -> None:
        """See `Executor`."""
        del self._tasks[key]

    def ended(self) -> Iterator[Finished | Failed]:
        """See `Executor`."""
        while self._tasks:
            task = self._tasks.pop(next(iter(self._tasks)))
            yield performed(self.worker, task)

    def close(self) -> None:
        """See `Executor`."""
        self._tasks.clear()


def performed(worker: Worker, task: Task[TaskResult]) -> Finished | Failed:
    """Performs a task, whatever comes of it."""
    try:
        return Finished(task, worker.perform(task))
    except HoldfastError as error:
        return Failed(task, error)
    except MemoryError:
        return Failed(task, JobFailed("it needs more memory than it may have"))
    except Exception as error:  # noqa: BLE001  # a mistake of ours, which one asset must pay for, not all
        return Failed(task, JobFailed(in_one_line(error)))
