"""Objects that the store holds and this user may not read, task by task: answered in time, never silence.

The files are real ones of mode 000 and the reader is no root, so only root can play this; what a worker makes
of the same error is in its own tests.

Rules: A30, A34, A41, V15.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest

from agents.core.enums import FlagReason
from agents.core.errors import StoreUnavailable
from agents.core.hashing import training_receipt
from agents.roles.acts import Task
from agents.roles.results import AgreedResult, Flagged, RefusedPackage, TaskResult
from agents.roles.tasks.cloud_owner import TrainModel
from agents.roles.tasks.data_owner import ReviewPlan
from agents.roles.tasks.model_owner import CollectResults, ReportRef
from agents.storage.files import Home
from agents.vault.local_store import LocalStore
from agents.vault.packages import open_location, put_sealed, put_shared
from agents.vault.sealing import Sealed
from agents.vault.store import ObjectId
from agents.workers.base import Tools, Worker, package_context, result_context, weights_context
from agents.workers.cloud_owner import CloudOwnerWorker
from agents.workers.data_owner import DataOwnerWorker
from agents.workers.model_owner import ModelOwnerWorker
from testing.fake_market import TERMS, FakeMarket
from testing.families import initial_weights, train
from testing.users import RealUsers
from testing.workers import CI, DS, PATIENCE, TC, a_plan, a_subset, key_of, opening, replica

pytestmark = [
    pytest.mark.forks,
    pytest.mark.skipif(os.geteuid() != 0, reason="only root can be several users"),
]

READER = 4001
PLAN, SUBSET, KEY = a_plan(), a_subset(), key_of("reader")
RESULT = train(PLAN, initial_weights(PLAN), SUBSET)


class Office:
    """A store to which root has put all, and a member who is another user."""

    def __init__(self, folder: Path) -> None:
        self.store, self.home = LocalStore(folder / "store"), folder / "home"
        self.plan = self.store.put(PLAN.canonical_bytes())
        weights, readers = initial_weights(PLAN), [KEY.public_key]
        self.weights = put_shared(self.store, weights.to_bytes(), readers, weights_context(TC, 1))
        self.package = put_sealed(self.store, SUBSET.to_bytes(), KEY.public_key, package_context(DS, 3))
        self.home.mkdir()
        os.chown(self.home, READER, READER)

    def tools(self, now: int) -> Tools:
        return Tools(Home(self.home), self.store, KEY, lambda: now, FakeMarket.domain)

    def perform(self, worker: type[Worker], task: Task[TaskResult], now: int = 0) -> TaskResult:
        """What the member, as the user that it is, makes of a task at this second."""
        return RealUsers().act(READER, lambda: self.worker(worker, now).perform(task))

    def worker(self, kind: type[Worker], now: int) -> Worker:
        tools = self.tools(now)
        if kind is ModelOwnerWorker:
            tools.home.write("plan.json", PLAN.canonical_bytes())
            return ModelOwnerWorker(tools, self.home / "samples", FakeMarket.domain)
        if kind is DataOwnerWorker:
            return DataOwnerWorker(tools, "wine", None, 4, 0, TERMS, lambda purpose: sha256(purpose).digest())
        return CloudOwnerWorker(tools)

    def forbid(self, object_id: ObjectId) -> None:
        """Nobody but root may read this object."""
        name = str(object_id)
        (self.store._folder / "u0" / name[:2] / name).chmod(0o000)

    def training(self) -> TrainModel:
        """A job of the member, which holds its subset."""
        self.perform(CloudOwnerWorker, opening(self.store, self.package.blob))
        weights = initial_weights(PLAN).digest()
        plan, model = self.plan.digest, self.weights.digest
        key = key_of("model owner").public_key.encoded
        return TrainModel(TC, CI, 1, 0b1010, 4, PLAN.digest(), plan, weights, model, key, PATIENCE)

    def report(self, number: int) -> ReportRef:
        """A cloud owner's report; the receipt of each opens to the same result."""
        ci, owner = replica(number)
        nonce = sha256(b"nonce %d" % number).digest()
        receipt = training_receipt(FakeMarket.domain, TC, 1, ci, owner, RESULT.digest(), nonce)
        sealed = put_sealed(self.store, RESULT.to_bytes(), KEY.public_key, result_context(TC, 1, ci))
        return ReportRef(ci, owner, receipt, nonce, sealed.blob)


@pytest.fixture
def office() -> Iterator[Office]:
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    yield Office(folder)
    shutil.rmtree(folder)


def test_a_package_is_refused_in_time(office: Office) -> None:
    office.forbid(open_location(Sealed(office.package.blob), KEY))
    task = opening(office.store, office.package.blob)
    with pytest.raises(StoreUnavailable, match="Permission denied"):
        office.perform(CloudOwnerWorker, task, PATIENCE)
    refused = office.perform(CloudOwnerWorker, task, PATIENCE + 1)
    assert isinstance(refused, RefusedPackage)
    assert "Permission denied" in refused.problem


@pytest.mark.parametrize(
    ("what", "reason"),
    [("plan", FlagReason.PLAN_UNAVAILABLE), ("weights", FlagReason.WEIGHTS_UNAVAILABLE)],
)
def test_a_job_is_flagged_in_time(office: Office, what: str, reason: FlagReason) -> None:
    task = office.training()
    office.forbid(getattr(office, what))
    with pytest.raises(StoreUnavailable, match="Permission denied"):
        office.perform(CloudOwnerWorker, task, PATIENCE)
    flagged = office.perform(CloudOwnerWorker, task, PATIENCE + 1)
    assert isinstance(flagged, Flagged)
    assert flagged.flag is reason


def test_one_unreadable_result_does_not_keep_the_model_owner_from_the_others(office: Office) -> None:
    refs = tuple(office.report(number) for number in (1, 2, 3))
    office.forbid(open_location(Sealed(refs[0].sealed_location), KEY))
    task = CollectResults(TC, 1, 3, refs, 2, PATIENCE)
    found = office.perform(ModelOwnerWorker, task)
    assert found == AgreedResult(digest=RESULT.digest(), agreeing=3)


def test_a_request_waits_for_its_plan(office: Office) -> None:
    office.forbid(office.plan)
    with pytest.raises(StoreUnavailable, match="Permission denied"):
        office.perform(DataOwnerWorker, ReviewPlan(TC, PLAN.digest(), office.plan.digest))
