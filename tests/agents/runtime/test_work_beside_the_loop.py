"""Work beside the loop: whatever a job does, what is due is sent, and the job itself is answered for.

Rules: A5, A70, A71, A72.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from multiprocessing import Pipe
from multiprocessing.connection import Connection, wait
from pathlib import Path

import psutil
import pytest

from agents.audit.replay import audit
from agents.core.enums import CouplePhase as Phase
from agents.core.enums import FlagReason, InstanceStatus
from agents.core.errors import StoreUnavailable
from agents.core.events import JobReported, RoundDrawn
from agents.core.ids import Address, subset_of
from agents.readmodel.statements import Statement
from agents.roles.acts import Task
from agents.roles.cloud_owner import CloudOwner
from agents.roles.results import Flagged, PackedReplica, RefusedKey, TaskResult
from agents.roles.tasks.cloud_owner import OpenPackage, TrainModel
from agents.roles.tasks.data_owner import PackReplica
from agents.runtime.executor import ExecutorLimits
from agents.runtime.process_pool import ProcessPool
from agents.vault.keys import PublicKey
from agents.vault.local_store import LocalStore
from agents.vault.packages import put_sealed
from agents.vault.store import MAX_OBJECT_BYTES, Data, ObjectId
from agents.workers.base import Tools, package_context
from agents.workers.cloud_owner import CloudOwnerWorker
from agents.workers.data_owner import DataOwnerWorker
from testing.adversaries import NOBODY
from testing.jobs import hang
from testing.world import WORLD_TERMS, World

pytestmark = pytest.mark.forks

Hangs = Callable[[Task[TaskResult]], bool]


class HangingStore(LocalStore):
    """Never answers for some tasks, and tells when it begins not to.

    Attributes:
        task: what it is read or written for.
        on: in what it hangs.
    """

    task: Task[TaskResult]

    def __init__(self, folder: Path, hangs: Hangs, tell: Connection, on: str) -> None:
        super().__init__(folder, max_object_bytes=64 << 20)
        self.hangs, self.tell, self.on = hangs, tell, on

    def put(self, data: Data) -> ObjectId:
        self._answer("put")
        return super().put(data)

    def get(self, object_id: ObjectId, most: int = MAX_OBJECT_BYTES) -> bytes:
        self._answer("get")
        return super().get(object_id, most)

    def _answer(self, to: str) -> None:
        if to == self.on and self.hangs(self.task):
            self.tell.send(self.task.key)
            hang()


@dataclass(frozen=True)
class PatientWorker(CloudOwnerWorker):
    """Tells its store what it is read for."""

    def perform(self, task: Task[TaskResult]) -> TaskResult:
        assert isinstance(self.tools.store, HangingStore)
        self.tools.store.task = task
        return super().perform(task)


class Play:
    """A story of one round in which the first cloud owner's tasks are performed by processes.

    Args:
        folder: for homes and store.
        hangs: for which tasks the store does not answer.
        on: to what: ``get`` or ``put``.
    """

    def __init__(self, folder: Path, hangs: Hangs, on: str) -> None:
        self._heard, tell = Pipe(duplex=False)
        self._hung: set[str] = set()

        def worker(tools: Tools) -> CloudOwnerWorker:
            return PatientWorker(replace(tools, store=HangingStore(folder / "store", hangs, tell, on)))

        store = LocalStore(folder / "store")
        self.world = World(folder, cheats={0: (CloudOwner, worker)}, rounds=1, shared=store)
        self.agent = self.world.cloud_owners[0]
        self.begin(ExecutorLimits())

    def begin(self, limits: ExecutorLimits) -> None:
        """Starts the cloud owner, with processes of these limits."""
        self.pool = ProcessPool(self.agent.worker, limits, lambda: float(self.world.chain.now))
        self.agent.performing = lambda _: self.pool
        self.agent.start()

    def play(self, done: Callable[[], bool]) -> None:
        """Lets time pass."""
        for _ in range(500):
            self._settle_down()
            if done():
                return
            self.world.chain.now += 10
        raise AssertionError("the story does not end")

    def _settle_down(self) -> None:
        """Steps everybody until none has anything to do, and every job is done that does not hang."""
        while True:
            self.world.settle_down()
            self._hung &= set(self.pool.running)
            if set(self.pool.running) == self._hung:
                return
            if self._heard in wait([*self.pool.connections, self._heard]):
                self._hung.add(self._heard.recv())

    def statement(self) -> Statement:
        """What the auditor says of the cloud owner."""
        return audit(self.world.chain.history, self.world.chain.domain).statements[self.agent.address]


@contextmanager
def story(folder: Path, hangs: Hangs = lambda _: False, on: str = "get") -> Iterator[Play]:
    play = Play(folder, hangs, on)
    try:
        yield play
    finally:
        play.pool.close()


def test_a_story_is_the_same_with_work_in_processes(tmp_path: Path) -> None:
    with story(tmp_path) as play:
        play.play(lambda: play.world.is_over)
        own = play.statement()
        assert (own.accepted, own.faulty, own.missed, own.flagged) == (2, 0, 0, 0)
        assert play.world.couple.phase is Phase.COMPLETED


def trains_on_the_first(task: Task[TaskResult]) -> bool:
    """Of the subsets that the round drew."""
    return isinstance(task, TrainModel) and not task.drawn & ((1 << subset_of(task.ci)) - 1)


@pytest.mark.parametrize("on", ["get", "put"])
def test_a_slow_job_never_makes_another_deadline_pass(tmp_path: Path, on: str) -> None:
    """Of two jobs one hangs on the store, as it reads or as it hands its result over.

    The other is reported at once, the one that hangs is flagged.
    """
    with story(tmp_path, trains_on_the_first, on) as play:
        play.play(lambda: play.world.is_over)
        own, history = play.statement(), play.world.chain.history
        assert (own.accepted, own.flagged, own.missed, own.forfeited) == (1, 1, 0, 0)
        drawn = next(logged for logged in history if isinstance(logged.event, RoundDrawn))
        (reported,) = [
            logged
            for logged in history
            if isinstance(logged.event, JobReported) and logged.event.cloud_owner == play.agent.address
        ]
        assert reported.timestamp == drawn.timestamp
        (flagged,) = [result for result in play.agent.journal.values() if isinstance(result, Flagged)]
        assert flagged.flag is FlagReason.PLAN_REFUSED
        assert flagged.why == "it was stopped after 180 s: too long"


def no_space(data: bytes) -> ObjectId:
    raise StoreUnavailable("object ab cannot be written: No space left on device")


def test_a_result_that_a_full_store_does_not_take_is_flagged_in_time(tmp_path: Path) -> None:
    with story(tmp_path) as play:
        store = play.pool.worker.tools.store  # type: ignore[attr-defined]
        store.put = no_space  # before the processes are begun
        play.play(lambda: play.world.is_over)
        own = play.statement()
        assert (own.accepted, own.flagged, own.missed, own.forfeited) == (0, 2, 0, 0)
        flags = [result for result in play.agent.journal.values() if isinstance(result, Flagged)]
        assert {flag.flag for flag in flags} == {FlagReason.WEIGHTS_UNAVAILABLE}
        assert all("No space left on device" in flag.why for flag in flags)


def statuses(play: Play) -> list[InstanceStatus]:
    """Of the cloud owner's replicas, by subset."""
    own = sorted(play.world.market.instances_at(play.agent.address), key=lambda instance: instance.id)
    return [instance.status for instance in own]


def is_answered(play: Play) -> bool:
    return bool(statuses(play)) and InstanceStatus.FREE not in statuses(play)


REFUSED_ONE = [InstanceStatus.REFUSED] + [InstanceStatus.VERIFIED] * 3


def test_a_store_that_never_answers_costs_one_package(tmp_path: Path) -> None:
    with story(tmp_path, lambda task: isinstance(task, OpenPackage) and not subset_of(task.ci)) as play:
        begun = play.world.chain.now
        play.play(lambda: is_answered(play))
        assert statuses(play) == REFUSED_ONE
        assert play.world.chain.now <= begun + WORLD_TERMS.answer_window_seconds
        play.play(lambda: play.world.is_over)
        assert play.statement().missed == 0


@dataclass(frozen=True)
class HugePackageWorker(DataOwnerWorker):
    """Gives its first cloud owner a package of 50 MiB for the first subset."""

    victim: Address = NOBODY

    def _pack(self, task: PackReplica) -> PackedReplica | RefusedKey:
        if (task.subset, task.cloud_owner) != (0, self.victim):
            return super()._pack(task)
        context = package_context(task.ds, 0)
        sealed = put_sealed(self.tools.store, bytes(50 << 20), PublicKey(task.encryption_key), context)
        return PackedReplica(sealed_location=sealed.blob)


def test_a_huge_package_costs_itself_and_is_told_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """It takes more memory than its job may have, and the others do not: a read takes 64 MiB at first."""
    with story(tmp_path) as play:
        owner = play.world.data_owner
        owner.worker = HugePackageWorker(**vars(owner.worker), victim=play.agent.address)
        owner.start()
        play.world.step_until(lambda: bool(owner.journal))
        little = (psutil.Process().memory_info().data >> 20) + 100
        play.begin(ExecutorLimits(workers=1, job_memory_mb=little))
        play.play(lambda: statuses(play).count(InstanceStatus.VERIFIED) == 3)
        play.world.chain.now += WORLD_TERMS.answer_window_seconds * 3 // 4
        play.play(lambda: is_answered(play))
        assert statuses(play) == REFUSED_ONE
        first = min(instance.id for instance in play.world.market.instances_at(play.agent.address))
        told = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
        said = "it needs more memory than it may have"
        key = f"package/{first:x}"
        assert told == [f"{key}: {said}; next try in 0.5 s", f"{key}: {said}"]
