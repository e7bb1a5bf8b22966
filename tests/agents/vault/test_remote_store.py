"""Objects on an S3 server: a real one, with TLS, a private authority, a user a member, and a bucket's policy.

Rules: V6, V16, V17, V18, V19, V20.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest

from agents.core.errors import (
    BadInput,
    ObjectDamaged,
    ObjectMissing,
    StoreLost,
    StoreRefused,
    StoreUnavailable,
)
from agents.core.ids import Address
from agents.storage.files import Home
from agents.vault.bucket import PART_BYTES, Access, Bucket
from agents.vault.grants import bucket_policy
from agents.vault.own_objects import OwnObjects, canary
from agents.vault.places import StorePlace
from agents.vault.remote_store import RemoteStore
from agents.vault.store import ObjectId
from testing.s3_server import S3Server, arn_of, s3_server, secret_of, store_of

ALICE, BOB = bytes.fromhex("a1" * 20), bytes.fromhex("b0" * 20)
LARGE = bytes(range(256)) * (PART_BYTES // 128)  # two parts
LIMIT = 4 * PART_BYTES


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    with s3_server(tmp_path_factory.mktemp("s3"), ["alice", "bob"]) as running:
        members = {address_of(ALICE): arn_of("alice"), address_of(BOB): arn_of("bob")}
        running.let(bucket_policy(running.url, members))
        yield running


@pytest.fixture(autouse=True)
def _nobodys_credentials(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))


@pytest.fixture
def as_alice(server: S3Server, tmp_path: Path) -> RemoteStore:
    return store_of(server, "alice", ALICE, tmp_path / "alice", LIMIT)


@pytest.fixture
def as_bob(server: S3Server, tmp_path: Path) -> RemoteStore:
    return store_of(server, "bob", BOB, tmp_path / "bob", LIMIT)


def address_of(author: bytes) -> Address:
    return Address(f"0x{author.hex()}")


def access(server: S3Server) -> Access:
    return Access(server.endpoint, ca=server.ca)


def key_of(author: bytes, data: bytes) -> str:
    name = sha256(data).hexdigest()
    return f"{author.hex()}/{name[:2]}/{name}"


# --- put and get ---


@pytest.mark.parametrize("data", [b"", b"small", LARGE, LARGE[:PART_BYTES]], ids=len)
def test_what_one_member_puts_another_gets(
    as_alice: RemoteStore, as_bob: RemoteStore, server: S3Server, data: bytes
) -> None:
    object_id = as_alice.put(data)
    assert object_id == ObjectId.of(data)
    assert server.holds(key_of(ALICE, data))
    assert as_alice.get(object_id) == as_bob.by(ALICE).get(object_id) == data
    assert as_alice.holds(object_id)
    assert not list(as_bob.partial.iterdir())


def test_a_file_is_put_and_fetched_without_being_held(
    as_alice: RemoteStore, as_bob: RemoteStore, tmp_path: Path
) -> None:
    file = tmp_path / "keys"
    file.write_bytes(LARGE[::-1])
    object_id = as_alice.put(file)
    as_bob.by(ALICE).fetch(object_id, tmp_path / "new" / "fetched")
    assert (tmp_path / "new" / "fetched").read_bytes() == LARGE[::-1]
    assert (tmp_path / "new" / "fetched").stat().st_mode & 0o777 == 0o600


def test_putting_twice_writes_once(as_alice: RemoteStore, monkeypatch: pytest.MonkeyPatch) -> None:
    as_alice.put(b"once")
    monkeypatch.setattr(Bucket, "write", lambda *_: pytest.fail("it is there"))
    assert as_alice.put(b"once") == ObjectId.of(b"once")


def test_an_object_of_another_author_is_missing(as_alice: RemoteStore, as_bob: RemoteStore) -> None:
    object_id = as_alice.put(b"alice's")
    with pytest.raises(ObjectMissing, match=f"no object {BOB.hex()}"):
        as_bob.get(object_id)
    assert not as_bob.holds(object_id)


def test_it_deletes_its_own_and_it_need_not_be_there(as_alice: RemoteStore) -> None:
    object_id = as_alice.put(b"to be deleted")
    as_alice.delete(object_id)
    as_alice.delete(object_id)
    assert not as_alice.holds(object_id)


def test_what_is_longer_than_it_may_be_is_not_fetched(as_alice: RemoteStore) -> None:
    object_id = as_alice.put(LARGE)
    with pytest.raises(ObjectDamaged, match=f"larger than the limit of {len(LARGE) - 1} bytes"):
        as_alice.get(object_id, len(LARGE) - 1)
    with pytest.raises(BadInput, match=f"this store takes at most {LIMIT}"):
        as_alice.put(bytes(LIMIT + 1))


# --- a store that fails or cheats ---


def test_a_fetch_that_breaks_goes_on_where_it_was(
    as_alice: RemoteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    object_id, read, starts = as_alice.put(LARGE), Bucket.read, list[int]()

    def breaks_once(bucket: Bucket, key: str, start: int) -> tuple[bytes, int]:
        starts.append(start)
        if starts == [0, PART_BYTES]:
            raise StoreUnavailable("the connection broke")
        return read(bucket, key, start)

    monkeypatch.setattr(Bucket, "read", breaks_once)
    with pytest.raises(StoreUnavailable, match="broke"):
        as_alice.get(object_id)
    assert as_alice.get(object_id) == LARGE
    assert starts == [0, PART_BYTES, PART_BYTES]


def test_what_is_left_of_other_bytes_is_fetched_anew(as_alice: RemoteStore) -> None:
    object_id = as_alice.put(LARGE)
    for left in (b"other bytes", LARGE + b"too many"):
        as_alice.partial.mkdir(parents=True, exist_ok=True)
        (as_alice.partial / str(object_id)).write_bytes(left)
        assert as_alice.get(object_id) == LARGE


@pytest.mark.parametrize("false", [b"false", b"", LARGE[:-1], LARGE[:-1] + b"!"], ids=len)
def test_false_bytes_are_the_stores_fault(
    as_alice: RemoteStore, as_bob: RemoteStore, server: S3Server, false: bytes
) -> None:
    object_id = as_alice.put(LARGE)
    server.write(key_of(ALICE, LARGE), false)
    with pytest.raises(ObjectDamaged, match="another hash"):
        as_bob.by(ALICE).get(object_id)
    server.remove(key_of(ALICE, LARGE))
    with pytest.raises(ObjectMissing):
        as_bob.by(ALICE).get(object_id)


def test_the_next_base_has_what_the_first_withholds(
    as_alice: RemoteStore, as_bob: RemoteStore, server: S3Server
) -> None:
    object_id = as_alice.put(b"withheld")
    empty = f"s3://{server.url.removeprefix('s3://').partition('/')[0]}/nothing?endpoint={server.endpoint}"
    elsewhere = Access("https://localhost:1", ca=server.ca)
    reader = replace(as_bob, own=Bucket(empty, elsewhere), others=[as_bob.own])
    assert reader.by(ALICE).get(object_id) == b"withheld"


def test_a_web_servers_folder_is_a_base_that_is_only_read(as_bob: RemoteStore, server: S3Server) -> None:
    everybody = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject"}
    policy = {"Version": "2012-10-17", "Statement": [{**everybody, "Resource": "arn:aws:s3:::public/*"}]}
    assert server.ask("PUT", "/public")[0] == 200
    assert server.ask("PUT", "/public", "policy=", json.dumps(policy).encode())[0] in (200, 204)
    assert server.ask("PUT", f"/public/market/{key_of(ALICE, LARGE)}", body=LARGE)[0] == 200
    web = Bucket(f"{server.endpoint}/public/market", access(server))
    reader = replace(as_bob, others=[web]).by(ALICE)
    assert reader.get(ObjectId.of(LARGE)) == LARGE
    with pytest.raises(ObjectMissing):
        reader.get(ObjectId.of(b"never put"))


# --- leave ---


@pytest.mark.parametrize("data", [b"mine now", LARGE], ids=len)
def test_nobody_writes_or_deletes_under_anothers_address(
    as_alice: RemoteStore, as_bob: RemoteStore, data: bytes
) -> None:
    object_id = as_alice.put(b"alice's own")
    with pytest.raises(StoreRefused, match="does not give this member leave: `holdfast store grants`"):
        replace(as_bob, author=ALICE).put(data)
    with pytest.raises(StoreRefused):
        replace(as_bob, author=ALICE).delete(object_id)
    assert as_alice.get(object_id) == b"alice's own"


def test_a_stranger_reads_nothing(server: S3Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("AWS_SKIP_SIGNATURE", "true")
    store = StorePlace(server.url, access(server)).of_member(BOB, tmp_path)
    with pytest.raises(StoreRefused):
        store.by(ALICE).get(ObjectId.of(b"alice's own"))


# --- one line that says what is wrong ---


def _faulty(server: S3Server, tmp_path: Path, **changes: object) -> RemoteStore:
    given = access(server)
    url = changes.pop("url", server.url)
    store = StorePlace(str(url), replace(given, **changes)).of_member(ALICE, tmp_path)  # type: ignore[arg-type]
    assert isinstance(store, RemoteStore)
    return store


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"ca": None}, "the authority of its certificate is not trusted: name its PEM file"),
        ({"endpoint": "https://localhost:1"}, "nobody answers there"),
        ({"endpoint": "https://nowhere.invalid"}, "its name cannot be found"),
        ({"url": "s3://nothing/market"}, "leave|no such bucket"),
    ],
)
def test_what_is_wrong_with_the_settings_is_one_line(
    server: S3Server,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    changes: dict[str, object],
    words: str,
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "alice")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", secret_of("alice"))
    store = _faulty(server, tmp_path, **changes)
    for act in (lambda: store.put(b"x"), lambda: store.get(ObjectId.of(b"x"))):
        with pytest.raises(StoreUnavailable, match=words) as fault:
            act()
        assert "\n" not in str(fault.value)


@pytest.mark.parametrize(
    ("key", "secret", "words"),
    [
        ("nobody", "none", "it does not know the access key: see AWS_ACCESS_KEY_ID"),
        ("alice", "false", "the secret key is not the access key's"),
    ],
)
def test_what_is_wrong_with_the_credentials_is_one_line(
    server: S3Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, key: str, secret: str, words: str
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", key)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", secret)
    with pytest.raises(StoreRefused, match=words):
        _faulty(server, tmp_path).get(ObjectId.of(b"x"))


def test_a_file_that_is_no_authority_is_named(server: S3Server, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="No such file or directory: name a PEM file"):
        _faulty(server, tmp_path, ca=tmp_path / "gone.pem").get(ObjectId.of(b"x"))
    (tmp_path / "junk.pem").write_text("junk")
    with pytest.raises(BadInput, match="No certificates found"):
        _faulty(server, tmp_path, ca=tmp_path / "junk.pem").get(ObjectId.of(b"x"))


# --- credentials ---


def test_credentials_of_a_profile_are_read_from_the_file_of_aws_tools(
    as_alice: RemoteStore, server: S3Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    object_id = as_alice.put(b"for all")
    lines = "[bob]\naws_access_key_id = bob\naws_secret_access_key = {}\n[default]\naws_session_token = x\n"
    (tmp_path / "credentials").write_text(lines.format(secret_of("bob")))
    monkeypatch.setenv("AWS_PROFILE", "bob")
    assert _faulty(server, tmp_path).get(object_id) == b"for all"
    monkeypatch.setenv("AWS_PROFILE", "carol")
    with pytest.raises(BadInput, match="there is no profile 'carol'"):
        _faulty(server, tmp_path).get(object_id)
    (tmp_path / "credentials").write_text("no section")
    with pytest.raises(BadInput, match=r"credentials .*no section"):
        _faulty(server, tmp_path).get(object_id)


# --- what a member has put ---


def test_own_objects_are_noted_put_again_and_deleted(
    as_alice: RemoteStore, server: S3Server, tmp_path: Path
) -> None:
    home = Home(tmp_path / "home")
    own = OwnObjects(home, as_alice, ALICE, copies=True)
    object_id = own.put(b"weights of round 1", "weights/1/0")
    server.remove(key_of(ALICE, b"weights of round 1"))
    (stored,) = (one for one in own.all() if one.id == object_id)
    assert not as_alice.holds(object_id)
    assert own.restore(stored)
    assert as_alice.get(object_id) == b"weights of round 1"
    assert own.forget("weights/1") == 1
    assert not as_alice.holds(object_id)
    assert [one.purposes for one in own.all()] == [{"canary"}]
    assert home.names("stored-copies") == [str(ObjectId.of(canary(ALICE)))]


def test_a_store_without_the_own_canary_tells_nothing_of_others(
    as_alice: RemoteStore, server: S3Server, tmp_path: Path
) -> None:
    own = OwnObjects(Home(tmp_path / "home"), as_alice, ALICE)
    own.check_canary()
    assert own.told_of(ALICE) == ""
    assert own.told_of(BOB) == f"; nothing of 0x{BOB.hex()} is there: see --store-read"
    server.remove(key_of(ALICE, canary(ALICE)))
    with pytest.raises(StoreLost, match="own canary"):
        own.check_canary()
