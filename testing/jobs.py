"""What the tests of executors share: jobs that do what a test says, in processes of their own."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from multiprocessing.connection import wait
from typing import NoReturn

from agents.core.ids import CoupleId
from agents.roles.acts import NO_DEADLINE, Task
from agents.roles.results import AgreedResult, TaskResult
from agents.roles.tasks.model_owner import CollectResults
from agents.runtime.executor import Failed, Finished
from agents.runtime.process_pool import ProcessPool
from testing.workers import TC


def job(
    number: int = 1, couple: CoupleId = TC, deadline: int = NO_DEADLINE, patience: int = NO_DEADLINE
) -> CollectResults:
    """A task by number."""
    return CollectResults(couple, 1, number, (), 1, patience, deadline=deadline)


def result(number: int) -> AgreedResult:
    """A result that has a number."""
    return AgreedResult(digest=b"", agreeing=number)


def hang() -> NoReturn:
    """What a store does that never answers."""
    threading.Event().wait()
    raise AssertionError("nobody sets this event")


@dataclass
class ScriptedWorker:
    """Does what the test says for a task, by its key; any other is done at once."""

    acts: dict[str, Callable[[], TaskResult]] = field(default_factory=dict)

    def perform(self, task: Task[TaskResult]) -> TaskResult:
        return self.acts.get(task.key, lambda: result(0))()


def ends_of(pool: ProcessPool) -> list[Finished | Failed]:
    """The next that come to an end; waits for them."""
    while not (ends := list(pool.ended())):
        wait(pool.connections)
    return ends
