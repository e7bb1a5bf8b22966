"""A bounded pool of worker processes: jobs that run beside the loop.

A process is started when there is a job and none is idle. It is kept, with the keys and encryption contexts
that its jobs have made, until one of them has to be killed. A couple's jobs go to the same one if it is idle.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from multiprocessing.connection import Connection

from agents.core.errors import JobFailed
from agents.core.ids import CoupleId
from agents.roles.acts import Task
from agents.roles.results import TaskResult
from agents.runtime.executor import ExecutorLimits, Failed, Finished
from agents.runtime.worker_process import Job, WorkerProcess
from agents.workers.base import Worker


class ProcessPool:
    """`Executor` in processes.

    Args:
        worker: performs the tasks.
        limits: of jobs.
        clock: seconds that only grow.
        let_go: is called first in each process: gives up what only the agent may hold.
    """

    def __init__(
        self,
        worker: Worker,
        limits: ExecutorLimits,
        clock: Callable[[], float],
        let_go: Callable[[], None] = lambda: None,
    ) -> None:
        self.worker, self.limits, self._clock, self._let_go = worker, limits, clock, let_go
        self._processes: list[WorkerProcess] = []  # the one that was used last is the last
        self._dying: list[WorkerProcess] = []
        self._lost: list[Failed] = []

    @property
    def running(self) -> Collection[str]:
        """See `Executor`."""
        return {job.task.key for job in self._jobs()} | {failed.task.key for failed in self._lost}

    @property
    def has_room(self) -> bool:
        """Whether a process is idle, or may be started."""
        return len(self._jobs()) < self.limits.workers

    @property
    def connections(self) -> Sequence[Connection]:
        """See `Executor`."""
        return [process.connection for process in self._processes if process.job]

    def start(self, task: Task[TaskResult], until: float) -> None:
        """See `Executor`."""
        try:
            process = self._chosen(task.couple)
        except OSError as error:
            self._lost.append(Failed(task, JobFailed(f"no process can be started: {error.strerror}")))
            return
        process.give(Job(task, self._clock(), until))
        self._processes.remove(process)
        self._processes.append(process)

    def cancel(self, key: str) -> None:
        """See `Executor`."""
        for process in list(self._processes):
            if process.job and process.job.task.key == key:
                self._discard(process)

    def ended(self) -> Iterator[Finished | Failed]:
        """See `Executor`. A process in which something went wrong is not used again."""
        self._dying = [process for process in self._dying if not process.is_gone()]
        while self._lost:
            yield self._lost.pop()
        for process in list(self._processes):
            end = process.end(self._clock())
            if end is None:
                continue
            process.job = None
            if isinstance(end, Failed) and isinstance(end.error, JobFailed):
                self._discard(process)
            yield end

    def close(self) -> None:
        """See `Executor`."""
        for process in list(self._processes):
            self._discard(process)

    def _jobs(self) -> list[Job]:
        return [process.job for process in self._processes if process.job]

    def _chosen(self, couple: CoupleId | None) -> WorkerProcess:
        """An idle process that has the couple's keys at hand, or nobody's; else, if it may be, a new one."""
        idle = [process for process in self._processes if process.job is None]
        if len(self._processes) < self.limits.workers and couple is not None:
            idle = [process for process in idle if process.couple in (couple, None)]
        if not idle:
            return self._started()
        return min(idle, key=lambda process: process.couple != couple)

    def _started(self) -> WorkerProcess:
        process = WorkerProcess(self.worker, self.limits.job_memory_mb, self._leave)
        self._processes.append(process)
        return process

    def _leave(self) -> None:
        """In a new process: an agent's end that a sibling held would outlive the agent."""
        for sibling in self._processes:
            sibling.connection.close()
        self._let_go()

    def _discard(self, process: WorkerProcess) -> None:
        process.kill()
        self._processes.remove(process)
        self._dying.append(process)
