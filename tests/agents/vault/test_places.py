"""Which store a URL names, and what a bucket's policy says.

Rules: V16, V19.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from agents.core.errors import BadInput
from agents.core.ids import Address
from agents.vault.grants import bucket_policy
from agents.vault.local_store import LocalStore
from agents.vault.places import StorePlace
from agents.vault.remote_store import RemoteStore
from agents.vault.store import ObjectId

ALICE, BOB = Address("0x" + "A1" * 20), Address("0x" + "b0" * 20)


@pytest.mark.parametrize("url", ["{}/store", "file:{}/store", "file://{}/store"])
def test_a_folder_is_a_folder_however_it_is_named(tmp_path: Path, url: str) -> None:
    place = StorePlace(url.format(tmp_path))
    store = place.of_member(bytes(20), tmp_path / "partial")
    assert isinstance(store, LocalStore)
    store.put(b"x")
    assert not place.is_remote
    assert list((tmp_path / "store").rglob(str(ObjectId.of(b"x"))))


def test_a_relative_folder_with_odd_signs_is_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert StorePlace("build/a store?#1").folder == Path("build/a store?#1")


def test_a_bucket_is_one_and_so_are_others_to_read(tmp_path: Path) -> None:
    bases = ("s3://theirs/market?endpoint=https://s3.theirs:9000", "https://objects.theirs/market")
    store = StorePlace("s3://ours/market", read=bases).of_member(b"a" * 20, tmp_path)
    assert isinstance(store, RemoteStore)
    assert [store.own.url, *(base.url for base in store.others)] == ["s3://ours/market", *bases]


@pytest.mark.parametrize(
    ("url", "read", "words"),
    [
        ("ftp://host/x", (), "is no store: name a folder, file:FOLDER, or s3://BUCKET/PREFIX"),
        ("https://host/x", (), "is no store: name a folder"),
        ("memory:", (), "is no store: name a folder"),
        ("memory://", (), "is no store: name a folder"),
        ("s3://", (), "is no store"),
        ("", (), "is no store"),
        ("s3://key:secret@bucket/x", (), r"s3://\.\.\./x: no secrets here"),
        ("s3://ours", ("file:theirs",), "name s3://BUCKET/PREFIX, or https://HOST/PATH"),
        ("folder", ("s3://theirs",), "store_read is for a remote store"),
    ],
)
def test_what_is_no_store_is_one_line(url: str, read: tuple[str, ...], words: str) -> None:
    with pytest.raises(BadInput, match=words):
        StorePlace(url, read=read)


def test_all_may_read_and_each_writes_its_own() -> None:
    policy: Any = bucket_policy("s3://holdfast/market", {ALICE: "arn:alice", BOB: "arn:bob"})
    read, missing, alices, bobs = policy["Statement"]
    assert read["Principal"] == missing["Principal"] == {"AWS": ["arn:alice", "arn:bob"]}
    assert (read["Action"], read["Resource"]) == (["s3:GetObject"], ["arn:aws:s3:::holdfast/market/*"])
    assert missing["Resource"] == ["arn:aws:s3:::holdfast"]
    assert alices["Resource"] == [f"arn:aws:s3:::holdfast/market/{'a1' * 20}/*"]
    assert bobs["Principal"] == {"AWS": ["arn:bob"]}
    assert bobs["Action"] == ["s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload"]


def test_a_policy_is_for_a_bucket_and_for_somebody() -> None:
    with pytest.raises(BadInput, match="is in no bucket"):
        bucket_policy("folder", {ALICE: "arn:alice"})
    with pytest.raises(BadInput, match="nobody is named"):
        bucket_policy("s3://holdfast", {})
