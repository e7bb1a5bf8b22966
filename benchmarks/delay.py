"""How late a due transaction is sent while a store hangs and a slow job runs: beside the loop, and in it.

    python -m benchmarks.delay

The same runner sends a transaction as often as one is due, to a market that takes it at once. Meanwhile one
task reads a store that does not answer, again and again, and another computes. Once they are performed by
processes, once in the loop itself, as it was before there were any.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

from agents.chain.blocks import ListedLog
from agents.chain.client import BlockRef
from agents.chain.history import Batch
from agents.chain.intents import Intent, IntentState, Outcome
from agents.core.calls import withdraw
from agents.core.errors import StoreUnavailable
from agents.core.events import Logged
from agents.core.ids import Address, CoupleId
from agents.core.market import Market
from agents.roles.acts import Act, Identity, Send, Situation, Task
from agents.roles.results import AgreedResult, TaskResult
from agents.roles.tasks.model_owner import CollectResults
from agents.runtime.executor import Executor, ExecutorLimits, InlineExecutor
from agents.runtime.pace import Pace
from agents.runtime.process_pool import ProcessPool
from agents.runtime.runner import Runner
from agents.runtime.stop import StopSignal
from agents.storage.journal import Journal
from agents.workers.base import Worker
from benchmarks.alone import alone
from benchmarks.profile import Json, Profile, Say
from benchmarks.statistics import Spread

POLL_SECONDS = 0.05
HANGING, SLOW = (CollectResults(CoupleId(1), 1, subset, (), 1, 2**62) for subset in (0, 1))
_START = BlockRef(0, bytes(32), 0)


@dataclass(frozen=True)
class Troubled:
    """A worker whose store hangs for one task, and whose other task takes long.

    Attributes:
        hangs: seconds until the store is given up: what a connection's timeout is.
        computes: seconds of work.
    """

    hangs: float
    computes: float

    def perform(self, task: Task[TaskResult]) -> TaskResult:
        """See `Worker`."""
        if task == HANGING:
            self._read()
        end = time.monotonic() + self.computes
        while time.monotonic() < end:
            sum(range(10_000))
        return AgreedResult(digest=b"", agreeing=0)

    def _read(self) -> NoReturn:
        time.sleep(self.hangs)
        raise StoreUnavailable("the store did not answer")


@dataclass
class DueSender:
    """Decides, sees and sends: a transaction is due every so many seconds, and both tasks always are.

    Attributes:
        due: when each transaction is, in wall-clock seconds.
        stop: is set when all were sent.
        delays: of those that were sent, in seconds.
    """

    due: Sequence[float]
    stop: StopSignal
    delays: list[float] = field(default_factory=list)
    height: int = 0
    coins: int = 0
    identity: Identity = field(default_factory=lambda: Identity(Address("0x"), b"", bytes, b""))

    def decide(self, situation: Situation) -> list[Act]:
        """What is due by now and not sent, and the tasks that have no result."""
        now = time.time()
        calls = [withdraw(number) for number, due in enumerate(self.due) if due <= now]
        tasks = [task for task in (HANGING, SLOW) if task.key not in situation.results]
        return [*(Send(call) for call in calls[len(self.delays) :]), *tasks]

    def awaits(self, _: Situation) -> str:
        """Nothing of others."""
        return ""

    @property
    def in_flight(self) -> bool:
        """What was sent is mined at once."""
        return False

    def mirror(self) -> Market:
        """No events."""
        return Market()

    def keep(self, market: Market) -> None:
        """Nothing to keep."""

    def poll(self, *, resting: bool = False) -> Batch:
        """Nothing new."""
        del resting
        return Batch((), False, _START, behind=0)

    def doubt(self, _: Logged) -> bool:
        """There is no event that might not fit."""
        return False

    def distrust(self) -> None:
        """There is nothing to read again."""

    def supply(self, block: int, events: Sequence[ListedLog]) -> bool:
        """Nothing is lacking."""
        del block, events
        return False

    def advance(self) -> Sequence[Outcome]:
        """What was sent is mined at once."""
        return ()

    def submit(self, intents: Sequence[Intent]) -> Sequence[Outcome]:
        """Takes all at once."""
        now = time.time()
        for _ in intents:
            self.delays.append(now - self.due[len(self.delays)])
        if len(self.delays) == len(self.due):
            self.stop.set()
        return [Outcome(intent.key, IntentState.SENT) for intent in intents]


def delays(perform: Callable[[Worker], Executor], worker: Worker, every: float, count: int) -> list[float]:
    """How late each of so many transactions is sent, in seconds.

    Args:
        perform: makes what performs the tasks.
        worker: has trouble with them.
        every: seconds from one to the next.
        count: of transactions.
    """
    stop, begun = StopSignal(), time.time()
    party = DueSender([begun + every * number for number in range(1, count + 1)], stop)
    executor, journal = perform(worker), Journal(":memory:")
    try:
        Runner(party, executor, party, party, journal, time.time, Pace(POLL_SECONDS)).run(stop)
    finally:
        executor.close()
        journal.close()
        stop.close()
    return party.delays


def measure(profile: Profile, folder: Path, say: Say) -> Mapping[str, Json]:
    """The delays both ways: median, least and greatest."""
    del folder
    worker = Troubled(hangs=4 * profile.seconds, computes=8 * profile.seconds)
    count = round(32 * profile.seconds / 0.1)
    found: dict[str, Json] = {
        "store_hangs_seconds": worker.hangs,
        "job_seconds": worker.computes,
        "transactions": count,
    }
    for way, perform in (("beside the loop", _in_processes), ("in the loop", InlineExecutor)):
        say(f"{count} transactions, one each 0.1 s, work {way}")
        found[way] = Spread.of(delays(perform, worker, 0.1, count)).brief()
    return found


def _in_processes(worker: Worker) -> ProcessPool:
    return ProcessPool(worker, ExecutorLimits(), time.time)


if __name__ == "__main__":
    alone("delay", measure)
