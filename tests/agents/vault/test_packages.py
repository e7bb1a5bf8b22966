"""What members hand each other through the store, and what the store learns from it.

Rules: V9, V10.
"""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.core.errors import BadInput, BadObject, ObjectMissing
from agents.vault.keys import PublicKey, SecretKey
from agents.vault.local_store import LocalStore
from agents.vault.packages import (
    SEALED_LOCATION_BYTES,
    fetch_sealed,
    fetch_shared,
    open_location,
    put_sealed,
    put_shared,
    seal_location,
)
from agents.vault.sealing import Sealed, seal
from agents.vault.store import MemoryStore, ObjectId

KEY = SecretKey.from_seed(b"k" * 32)
CONTEXT = b"holdfast/package/1/2"


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@settings(max_examples=30, deadline=None)
@given(data=st.binary(max_size=500), context=st.binary(max_size=255))
def test_fetches_what_was_put(data: bytes, context: bytes) -> None:
    store = MemoryStore()
    assert fetch_sealed(store, put_sealed(store, data, KEY.public_key, context), KEY, context) == data
    assert fetch_shared(store, put_shared(store, data, [KEY.public_key], context), KEY, context) == data


@given(st.binary(min_size=32, max_size=32))
@settings(max_examples=20, deadline=None)
def test_a_sealed_location_opens_to_the_id_in_94_bytes(digest: bytes) -> None:
    sealed = seal_location(ObjectId(digest), KEY.public_key)
    assert len(sealed.blob) == SEALED_LOCATION_BYTES == 94
    assert open_location(sealed, KEY) == ObjectId(digest)


def test_refuses_a_location_that_is_no_id() -> None:
    with pytest.raises(BadObject, match="this one has 31"):
        open_location(seal(KEY.public_key, bytes(31)), KEY)


def test_refuses_the_location_of_another_reader(
    store: MemoryStore, alice: SecretKey, mallory: SecretKey
) -> None:
    location = put_sealed(store, b"data", alice.public_key)
    with pytest.raises(BadObject, match="does not open with this key"):
        fetch_sealed(store, location, mallory)


def test_knowing_the_id_is_not_enough(store: MemoryStore, alice: SecretKey, mallory: SecretKey) -> None:
    """Mallory lists the store and seals each id to itself."""
    put_sealed(store, b"data", alice.public_key)
    put_shared(store, b"data", [alice.public_key])
    for object_id in store.objects:
        with pytest.raises(BadObject):
            fetch_sealed(store, seal_location(object_id, mallory.public_key), mallory)
        with pytest.raises(BadObject):
            fetch_shared(store, object_id, mallory)


def test_refuses_an_object_of_another_context(store: MemoryStore, alice: SecretKey) -> None:
    location = put_sealed(store, b"data", alice.public_key, CONTEXT)
    object_id = put_shared(store, b"data", [alice.public_key], CONTEXT)
    with pytest.raises(BadObject, match="another context"):
        fetch_sealed(store, location, alice, b"holdfast/package/1/3")
    with pytest.raises(BadObject, match="another context"):
        fetch_shared(store, object_id, alice)


def test_an_object_that_is_not_there_yet_is_missing(alice: SecretKey) -> None:
    elsewhere, here = MemoryStore(), MemoryStore()
    with pytest.raises(ObjectMissing):
        fetch_sealed(here, put_sealed(elsewhere, b"data", alice.public_key), alice)
    with pytest.raises(ObjectMissing):
        fetch_shared(here, put_shared(elsewhere, b"data", [alice.public_key]), alice)


def test_a_sealed_object_is_no_envelope(store: MemoryStore, alice: SecretKey) -> None:
    sealed_id = open_location(put_sealed(store, b"data", alice.public_key), alice)
    shared_id = put_shared(store, b"data", [alice.public_key])
    with pytest.raises(BadObject):
        fetch_shared(store, sealed_id, alice)
    with pytest.raises(BadObject):
        fetch_sealed(store, seal_location(shared_id, alice.public_key), alice)


def test_stores_nothing_when_nobody_can_read_it(store: MemoryStore) -> None:
    with pytest.raises(BadInput, match="0 readers"):
        put_shared(store, b"data", [])
    assert store.objects == {}


def test_the_same_data_for_two_readers_are_two_objects(
    store: MemoryStore, alice: SecretKey, bob: SecretKey
) -> None:
    """Replicas are byte-identical; the store must not see which COs hold the same subset by the id."""
    for reader in (alice, bob):
        put_sealed(store, b"subset 3", reader.public_key)
    assert len(store.objects) == 2


def test_nothing_readable_is_in_the_store_or_the_event(
    tmp_path: Path, alice: SecretKey, bob: SecretKey
) -> None:
    """protocol: no plaintext identity, location, datum or weight is ever on chain or in the object store."""
    store = LocalStore(tmp_path)
    datum = b"age,tumour_radius,diagnosis\n54,17.99,malignant\n61,11.42,benign\n"
    weights = b"".join(number.to_bytes(8, "little", signed=True) for number in range(-4000, 4000, 7))
    package = json.dumps({"subset": "hospital 3", "url": "https://data.example/3"}).encode() + datum
    location = put_sealed(store, package, alice.public_key, CONTEXT)
    weights_id = put_shared(store, weights, [alice.public_key, bob.public_key], CONTEXT)
    event = location.blob
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    on_disk = b"".join(path.name.encode() + path.read_bytes() for path in files)

    package_id = open_location(location, alice)
    identities = [part for key in (alice.public_key, bob.public_key) for part in fragments(key.encoded)]
    for secret in [*fragments(package), *fragments(weights), *fragments(CONTEXT), *identities]:
        for written in (secret, secret.hex().encode(), base64.b64encode(secret).rstrip(b"=")[:-1]):
            assert written not in on_disk
            assert written not in event
    assert package_id.digest not in event
    assert str(package_id).encode() not in event
    assert fetch_sealed(store, location, alice, CONTEXT) == package
    assert fetch_shared(store, weights_id, bob, CONTEXT) == weights


def test_a_sealed_location_of_the_wrong_length_is_refused(store: MemoryStore) -> None:
    for length in (0, SEALED_LOCATION_BYTES - 1, SEALED_LOCATION_BYTES + 1):
        with pytest.raises(BadObject):
            fetch_sealed(store, Sealed(b"\x02" * length), KEY)


def test_a_registered_key_is_all_that_a_sealer_needs(store: MemoryStore, alice: SecretKey) -> None:
    registered = bytes(alice.public_key.encoded)  # as the registration event carries it
    assert fetch_sealed(store, put_sealed(store, b"data", PublicKey(registered)), alice) == b"data"


def fragments(secret: bytes, length: int = 8) -> list[bytes]:
    return [secret[at : at + length] for at in range(0, len(secret) - length + 1, 4)]
