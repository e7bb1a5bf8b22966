"""What members note of their own objects, and what they say of others' when the store gives nothing.

Rules: V18, V20, V21.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from agents.core.enums import FlagReason
from agents.core.errors import JobFailed, StoreLost, StoreRefused, StoreUnavailable
from agents.roles.acts import Task
from agents.roles.results import Flagged, Forgotten, LookedAfter, RefusedPackage, TaskResult
from agents.roles.tasks.cloud_owner import TrainModel
from agents.roles.tasks.objects import ForgetObjects, LookAfter
from agents.storage.files import Home
from agents.vault.own_objects import OwnObjects, canary
from agents.vault.packages import put_sealed
from agents.vault.store import MemoryStore, ObjectId
from agents.workers.base import Tools, Worker, package_context
from agents.workers.cloud_owner import CloudOwnerWorker
from agents.workers.data_owner import DataOwnerWorker
from agents.workers.model_owner import ModelOwnerWorker
from testing.workers import CI, CO, DO, DS, PATIENCE, TC, FaultyStore, Place, a_subset, opening
from testing.world import WORLD_TERMS

AUTHOR = bytes.fromhex(CO[2:])
OWN_CANARY = ObjectId.of(canary(AUTHOR))


@pytest.fixture
def own(tmp_path: Path) -> OwnObjects:
    return OwnObjects(Home(tmp_path / "home"), MemoryStore(), AUTHOR)


# --- notes ---


def test_an_object_is_noted_before_it_is_put(tmp_path: Path) -> None:
    store = FaultyStore()
    own = OwnObjects(Home(tmp_path / "home"), store, AUTHOR)
    own.check_canary()
    store.is_full = True
    with pytest.raises(StoreUnavailable):
        own.put(b"a result", "job/1/2/3")
    noted = {stored.id: stored.purposes for stored in own.all()}
    assert noted == {OWN_CANARY: {"canary"}, ObjectId.of(b"a result"): {"job/1/2/3"}}


def test_it_deletes_what_it_put_for_this_and_nothing_else(own: OwnObjects) -> None:
    ids = {key: own.put(key.encode(), key) for key in ("job/1/2/3", "job/1/2/4", "job/1/22/3", "plan/1")}
    assert own.forget("job/1/2") == 2
    assert own.forget("job/1/2") == 0
    assert [own.store.holds(ids[key]) for key in ids] == [False, False, True, True]
    assert own.store.holds(OWN_CANARY)


def test_what_serves_two_purposes_stays_until_neither_is_left(own: OwnObjects) -> None:
    object_id = own.put(b"a description", "split/1")
    own.put(b"a description", "split/2")
    assert own.forget("split/1") == 0
    assert own.store.holds(object_id)
    assert own.forget("split/2") == 1
    assert not own.store.holds(object_id)


def test_what_cannot_be_deleted_is_still_noted(own: OwnObjects, monkeypatch: pytest.MonkeyPatch) -> None:
    own.put(b"a result", "job/1/2/3")

    def refuses(_store: MemoryStore, _object_id: ObjectId) -> None:
        raise StoreUnavailable("away")

    with monkeypatch.context() as patched:
        patched.setattr(MemoryStore, "delete", refuses)
        with pytest.raises(StoreUnavailable):
            own.forget("job")
    assert own.forget("job") == 1


def test_without_a_copy_nothing_is_put_again(own: OwnObjects) -> None:
    object_id = own.put(b"a result", "job/1/2/3")
    stored = next(one for one in own.all() if one.id == object_id)
    assert not own.restore(stored)


def test_a_file_of_the_home_is_its_own_copy(own: OwnObjects) -> None:
    own.home.write("keys.public", b"keys")
    object_id = own.put(own.home.path("keys.public"), "plan/1")
    stored = next(one for one in own.all() if one.id == object_id)
    own.store.delete(object_id)
    assert own.restore(stored)
    assert own.store.get(object_id) == b"keys"
    own.home.write("keys.public", b"other keys")
    assert not own.restore(stored)


def test_what_is_no_note_is_left_alone(own: OwnObjects) -> None:
    for name, data in (("x", b"{}"), ("ab" * 32, b"no JSON"), ("cd" * 32, b"[]"), ("ab", b"{}")):
        own.home.write(f"stored/{name}", data)
    assert not list(own.all())
    assert own.forget("job") == 0


@pytest.mark.parametrize("worker", ["data owner", "cloud owner", "model owner"])
def test_every_role_deletes_what_is_done_with(tmp_path: Path, worker: str) -> None:
    tools = Place(tmp_path, worker, FaultyStore()).tools
    workers: dict[str, Worker] = {
        "data owner": DataOwnerWorker(tools, "wine", None, 4, 0, WORLD_TERMS, lambda _: bytes(32)),
        "cloud owner": CloudOwnerWorker(tools),
        "model owner": ModelOwnerWorker(tools, tmp_path / "samples", bytes(32)),
    }
    object_id = tools.own.put(b"old", "weights/1/2")
    task: Task[TaskResult] = ForgetObjects("weights/1")
    assert workers[worker].perform(task) == Forgotten()
    assert not tools.store.holds(object_id)


@pytest.mark.parametrize("worker", ["data owner", "cloud owner", "model owner"])
def test_every_role_puts_again_what_the_store_has_lost(
    tmp_path: Path, worker: str, caplog: pytest.LogCaptureFixture
) -> None:
    tools = Place(tmp_path, worker, FaultyStore()).tools
    workers: dict[str, Worker] = {
        "data owner": DataOwnerWorker(tools, "wine", None, 4, 0, WORLD_TERMS, lambda _: bytes(32)),
        "cloud owner": CloudOwnerWorker(tools),
        "model owner": ModelOwnerWorker(tools, tmp_path / "samples", bytes(32)),
    }
    mended = replace(tools.own, copies=True).put(b"with a copy", "weights/1/2")
    others = [tools.own.put(b"without", "plan/1"), tools.own.put(b"of no interest", "weights/1/1")]
    there = tools.own.put(b"still there", "weights/1/2")
    for object_id in (mended, *others):
        tools.store.delete(object_id)
    task = LookAfter("weights/1/2", ("weights/1/2", "plan/1"))
    assert workers[worker].perform(task) == LookedAfter(again=1, lost=1)
    assert [tools.store.holds(one) for one in (mended, *others, there)] == [True, False, False, True]
    assert sorted(record.message.split(": ")[1] for record in caplog.records) == ["GONE", "put again"]


# --- the canary ---


def a_lost_package(tmp_path: Path) -> tuple[Place, Tools, Task[TaskResult]]:
    """A package that its data owner put, and the store has no more; patience is over."""
    place = Place(tmp_path, "cloud owner", FaultyStore())
    tools = replace(place.tools, author=AUTHOR)
    tools.own.check_canary()
    sealed = put_sealed(tools.store, a_subset().to_bytes(), tools.key.public_key, package_context(DS, 3))
    before = set(place.store.objects)
    task = opening(place.store, sealed.blob)
    for object_id in before - {OWN_CANARY}:
        del place.store.objects[object_id]
    place.now = PATIENCE + 1
    return place, tools, task


def test_a_store_that_has_the_own_canary_may_be_believed(tmp_path: Path) -> None:
    place, tools, task = a_lost_package(tmp_path)
    result = CloudOwnerWorker(tools).perform(task)
    assert isinstance(result, RefusedPackage)
    assert f"nothing of {DO.lower()} is there: see --store-read" in result.problem
    place.store.put(canary(bytes.fromhex(DO[2:])))
    result = CloudOwnerWorker(tools).perform(task)
    assert isinstance(result, RefusedPackage)
    assert "--store-read" not in result.problem


@pytest.mark.parametrize("how", ["lost", "spoilt"])
def test_a_store_without_it_is_not(tmp_path: Path, how: str) -> None:
    place, tools, task = a_lost_package(tmp_path)
    place.hurt(OWN_CANARY.digest, how)
    with pytest.raises(StoreLost, match="nothing can be said of others: see `holdfast store check`"):
        CloudOwnerWorker(tools).perform(task)


def test_a_store_that_lets_this_member_in_no_more_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, tools, task = a_lost_package(tmp_path)

    def refuses(_store: FaultyStore, _id: ObjectId, _most: int = 0) -> bytes:
        raise StoreRefused("it does not know the access key")

    monkeypatch.setattr(FaultyStore, "get", refuses)
    with pytest.raises(StoreLost):
        CloudOwnerWorker(tools).perform(task)


def test_a_store_that_is_away_is_not_held_against_anybody_less(tmp_path: Path) -> None:
    """It costs a flag and no penalty, as ever: the member itself can do nothing about it."""
    place, tools, task = a_lost_package(tmp_path)
    place.store.denied.add(OWN_CANARY)
    assert isinstance(CloudOwnerWorker(tools).perform(task), RefusedPackage)


@pytest.mark.parametrize(
    ("second", "error", "late"),
    [
        (100, StoreLost("no canary"), False),
        (110, StoreLost("no canary"), False),
        (111, StoreLost("no canary"), True),
        (101, StoreUnavailable("away"), True),
        (100, StoreUnavailable("away"), False),
        (101, JobFailed("too long"), True),
    ],
)
def test_half_of_what_is_left_is_for_mending_and_then_it_answers(
    second: int, error: StoreUnavailable | JobFailed, late: bool
) -> None:
    """Silence would cost a penalty, and who runs the store could bring it about."""
    job = TrainModel(TC, CI, 1, 1, 4, b"", b"", b"", b"", b"", 100, deadline=120)
    flag = job.given_up(error, second)
    assert isinstance(flag, Flagged) is late
    if flag:
        lacking = not isinstance(error, JobFailed)
        assert flag.flag is (FlagReason.WEIGHTS_UNAVAILABLE if lacking else FlagReason.PLAN_REFUSED)
