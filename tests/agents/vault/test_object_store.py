"""What every backend of the object store keeps to: add a backend to `store` and it is held to the same.

Rules: V6, V8.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agents.core.errors import BadInput, BadObject, ObjectDamaged, ObjectMissing
from agents.vault.local_store import LocalStore
from agents.vault.store import MemoryStore, ObjectId, ObjectStore

LIMIT = 4096


@pytest.fixture(params=["memory", "local"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> ObjectStore:
    if request.param == "memory":
        return MemoryStore(max_object_bytes=LIMIT)
    return LocalStore(tmp_path / "store", max_object_bytes=LIMIT)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.binary(max_size=LIMIT))
def test_gets_what_was_put(store: ObjectStore, data: bytes) -> None:
    object_id = store.put(data)
    assert object_id == ObjectId.of(data)
    assert store.get(object_id) == data


def test_object_id_is_the_sha256(store: ObjectStore) -> None:
    assert str(store.put(b"abc")) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_putting_twice_changes_nothing(store: ObjectStore) -> None:
    assert store.put(b"data") == store.put(b"data")
    assert store.get(ObjectId.of(b"data")) == b"data"


def test_objects_do_not_disturb_each_other(store: ObjectStore) -> None:
    many = [b"%d" % number for number in range(300)]  # more than there are subfolders
    ids = [store.put(data) for data in many]
    assert [store.get(object_id) for object_id in ids] == many


def test_an_absent_object_is_missing(store: ObjectStore) -> None:
    store.put(b"present")
    with pytest.raises(ObjectMissing, match=str(ObjectId.of(b"absent"))):
        store.get(ObjectId.of(b"absent"))


def test_takes_the_largest_object_and_refuses_a_larger(store: ObjectStore) -> None:
    assert store.get(store.put(bytes(LIMIT))) == bytes(LIMIT)
    with pytest.raises(BadInput, match="4097 bytes: this store takes at most 4096"):
        store.put(bytes(LIMIT + 1))
    with pytest.raises(ObjectMissing):
        store.get(ObjectId.of(bytes(LIMIT + 1)))


def test_threads_put_and_get_at_once(store: ObjectStore) -> None:
    many = [bytes([number % 10]) * LIMIT for number in range(100)]  # ten objects, ten writers each
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(lambda data: store.get(store.put(data)), many)) == many


def test_a_file_is_put_and_fetched(store: ObjectStore, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"in a file")
    object_id = store.put(tmp_path / "file")
    store.fetch(object_id, tmp_path / "new" / "fetched")
    assert (tmp_path / "new" / "fetched").read_bytes() == b"in a file"
    with pytest.raises(ObjectDamaged, match="larger than the limit of 8 bytes"):
        store.fetch(object_id, tmp_path / "other", 8)
    assert not (tmp_path / "other").exists()


def test_an_own_object_is_deleted_and_another_stays(store: ObjectStore) -> None:
    gone, kept = store.put(b"gone"), store.put(b"kept")
    store.delete(gone)
    store.delete(gone)
    assert (store.holds(gone), store.holds(kept)) == (False, True)
    assert store.get(kept) == b"kept"
    with pytest.raises(ObjectMissing):
        store.get(gone)


def test_whoever_put_it_any_author_may_be_named(store: ObjectStore) -> None:
    object_id = store.put(b"anybody's")
    assert store.by(bytes(20)).get(object_id) == b"anybody's"


@pytest.mark.parametrize("length", [0, 31, 33])
def test_refuses_an_id_of_another_length(length: int) -> None:
    with pytest.raises(BadObject, match=f"this one has {length}"):
        ObjectId(bytes(length))


def test_memory_store_checks_the_hash() -> None:
    store = MemoryStore()
    object_id = store.put(b"honest")
    store.objects[object_id] = b"altered"
    with pytest.raises(ObjectDamaged, match="another hash"):
        store.get(object_id)
