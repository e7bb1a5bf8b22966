"""A process that performs tasks, one at a time, and can be killed without the agent.

It is forked from the agent, which has one thread. A fork takes milliseconds and shares the imported
libraries, where a new interpreter takes seconds and 200 MiB; and it has the member's secret keys, which are
neither pickled nor sent. A task goes in pickled; what comes back is JSON.

Memory is limited by the kernel (``RLIMIT_DATA``), at the allocation that is too much. A look at the resident
size now and then would come too late, and not at all while the loop waits for a transaction.
"""

from __future__ import annotations

import ctypes
import json
import os
import resource
import signal
import threading
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from queue import SimpleQueue
from typing import NoReturn

from agents.core.errors import (
    BadInput,
    BadObject,
    HoldfastError,
    JobFailed,
    Retry,
    SkipJob,
    StopAgent,
    StoreLost,
    StoreUnavailable,
)
from agents.core.ids import CoupleId
from agents.roles.acts import Task
from agents.roles.results import TaskResult, parse_result
from agents.runtime.executor import Failed, Finished, performed
from agents.workers.base import Worker

_ERRORS: tuple[type[HoldfastError], ...] = (
    *(JobFailed, StoreLost, StoreUnavailable, Retry, SkipJob, StopAgent, BadInput),
)
"""What the loop tells apart; an error goes between the processes as the first of these that it is."""

_PR_SET_PDEATHSIG = 1

_NICER = 5
"""By how much the loops of all agents on a machine go before the work."""


@dataclass(frozen=True)
class Job:
    """A task under way, from when and until when it may run, in seconds."""

    task: Task[TaskResult]
    begun: float
    until: float


class WorkerProcess:
    """The agent's end.

    Args:
        worker: performs the tasks.
        memory_mb: how many MiB the process may hold.
        let_go: is called first in the process: gives up what only the agent may hold.

    Attributes:
        connection: something comes on it when the job ends, or the process.
        job: what it is at; None if it is idle.
        couple: of the last task that had one.

    Raises:
        OSError: the system starts no more processes.
    """

    def __init__(self, worker: Worker, memory_mb: int, let_go: Callable[[], None]) -> None:
        self.job: Job | None = None
        self.couple: CoupleId | None = None
        self._exit_code: int | None = None
        self.connection, theirs = Pipe()
        self._pid = os.fork()
        if self._pid == 0:
            self.connection.close()
            _serve(worker, theirs, memory_mb, let_go)
        theirs.close()

    def give(self, job: Job) -> None:
        """Begins a job. If the process is dead, `end` tells."""
        self.job, self.couple = job, job.task.couple or self.couple
        try:
            self.connection.send(job.task)
        except BrokenPipeError:
            return

    def end(self, now: float) -> Finished | Failed | None:
        """What came of the job; None while it runs in its time."""
        job = self.job
        if job is None:
            return None
        if self.connection.poll():
            return self._read(job.task)
        if now > job.until:
            return Failed(job.task, JobFailed(f"it was stopped after {now - job.begun:.0f} s: too long"))
        return None

    def kill(self) -> None:
        """Ends the process, whatever it is at."""
        if not self.is_gone():
            os.kill(self._pid, signal.SIGKILL)
        self.connection.close()

    def is_gone(self, *, wait: bool = False) -> bool:
        """Whether the process is dead and forgotten by the system."""
        if self._exit_code is None:
            pid, status = os.waitpid(self._pid, 0 if wait else os.WNOHANG)
            self._exit_code = os.waitstatus_to_exitcode(status) if pid else None
        return self._exit_code is not None

    def _read(self, task: Task[TaskResult]) -> Finished | Failed:
        try:
            kind, words = json.loads(self.connection.recv_bytes())
        except (EOFError, OSError):
            self.is_gone(wait=True)
            return Failed(task, JobFailed(f"its process died of {_cause(self._exit_code)}"))
        for error in _ERRORS:
            if kind == error.__name__:
                return Failed(task, error(words))
        try:
            return Finished(task, parse_result(task.key, words))
        except BadObject as bad:  # a mistake of ours
            return Failed(task, JobFailed(str(bad)))


def _cause(exit_code: int | None) -> str:
    return f"signal {-exit_code}" if exit_code is not None and exit_code < 0 else f"exit code {exit_code}"


# --- in the process ---


def _serve(worker: Worker, connection: Connection, memory_mb: int, let_go: Callable[[], None]) -> NoReturn:
    """Performs what comes, for as long as the agent lives."""
    try:
        _die_with_the_agent()
        let_go()
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C goes to all; the agent sees to the end of us
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        os.nice(_NICER)
        _limit_memory(memory_mb << 20)
        tasks: SimpleQueue[Task[TaskResult]] = SimpleQueue()
        threading.Thread(target=_receive, args=(connection, tasks), daemon=True).start()
        while True:
            connection.send_bytes(_told(performed(worker, tasks.get())))
    finally:
        os._exit(1)


def _die_with_the_agent() -> None:
    """Also in the middle of a computation, and if the agent is killed (``PR_SET_PDEATHSIG``, Linux)."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _limit_memory(wanted: int) -> None:
    _, most = resource.getrlimit(resource.RLIMIT_DATA)
    limit = wanted if most == resource.RLIM_INFINITY else min(wanted, most)
    resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))


def _receive(connection: Connection, tasks: SimpleQueue[Task[TaskResult]]) -> NoReturn:
    """Takes tasks in; when the agent is gone, however busy this process is, it ends."""
    try:
        while True:
            tasks.put(connection.recv())
    finally:
        os._exit(0)


def _told(end: Finished | Failed) -> bytes:
    """What `WorkerProcess` reads: a name and words."""
    if isinstance(end, Finished):
        return json.dumps(["Finished", json.dumps(end.result.to_json())]).encode()
    name = next(kind.__name__ for kind in _ERRORS if isinstance(end.error, kind))
    return json.dumps([name, str(end.error)]).encode()
