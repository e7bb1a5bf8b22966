"""The folder backend among several users of a machine: no stranger can stop, hide or replace an object.

Rules: V6, V7, V8, V13, V14, V15.
"""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from functools import partial
from itertools import count
from multiprocessing import get_context
from pathlib import Path

import pytest

from agents.core.errors import ObjectDamaged, ObjectMissing, StoreUnavailable
from agents.storage import shared
from agents.vault import local_store
from agents.vault.local_store import LocalStore
from agents.vault.store import ObjectId, checked
from testing.users import PretendedUsers, RealUsers, Users

pytestmark = pytest.mark.forks

DATA = b"a sealed object"
ID = ObjectId.of(DATA)
PLACE = Path(str(ID)[:2], str(ID))
ALICE, BOB, MALLORY = 4001, 4002, 3001
PROJECT = Path(__file__).parents[3]
SECONDS = 30
"""Far more than anything here takes; who waits for a stranger waits for ever."""

AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root can be several users")


@pytest.fixture(params=["pretended", pytest.param("real", marks=AS_ROOT)])
def users(request: pytest.FixtureRequest) -> Users:
    return RealUsers() if request.param == "real" else PretendedUsers()


@pytest.fixture
def real_users() -> Users:
    return RealUsers()


@pytest.fixture
def folder() -> Iterator[Path]:
    """Where all users can go; pytest's own folders are private."""
    around = Path(tempfile.mkdtemp())
    around.chmod(0o755)
    (around / "store").mkdir()
    (around / "store").chmod(0o1777)
    yield around / "store"
    shutil.rmtree(around)


def put(folder: Path, data: bytes = DATA) -> Callable[[], ObjectId]:
    return lambda: LocalStore(folder).put(data)


def get(folder: Path, limit: int = 1 << 20) -> Callable[[], bytes]:
    return lambda: LocalStore(folder, limit).get(ID)


def plant(path: Path, data: bytes, mode: int = 0o644) -> Callable[[], None]:
    """A stranger's file, where an object might be."""

    def planted() -> None:
        for around in reversed(path.parents):
            if not around.exists():
                around.mkdir(0o755)
        path.write_bytes(data)
        path.chmod(mode)

    return planted


# --- who writes where ---


def test_each_user_writes_in_its_own_folder_and_reads_all(users: Users, folder: Path) -> None:
    users.act(ALICE, put(folder))
    assert users.act(BOB, get(folder)) == DATA
    users.act(BOB, put(folder))
    assert sorted(path.name for path in folder.iterdir()) == [f"u{ALICE}", f"u{BOB}"]
    assert all((folder / f"u{user}" / PLACE).read_bytes() == DATA for user in (ALICE, BOB))


def test_users_do_not_lock_each_other_out_of_a_subfolder(users: Users, folder: Path) -> None:
    """Both objects begin with the same byte."""
    other = next(data for n in range(10_000) if str(ObjectId.of(data := b"%d" % n))[:2] == PLACE.parent.name)
    users.act(ALICE, put(folder))
    assert users.act(BOB, put(folder, other)) == ObjectId.of(other)


@pytest.mark.parametrize("umask", [0o077, 0o022, 0o000])
def test_what_is_put_can_be_read_by_all_whatever_the_umask(
    real_users: Users, tmp_path: Path, umask: int
) -> None:
    store = tmp_path / "store"
    before = os.umask(umask)
    try:
        LocalStore(store).put(DATA)
    finally:
        os.umask(before)
    own = store / f"u{os.geteuid()}"
    modes = [stat.S_IMODE(path.stat().st_mode) for path in (store, own, own / PLACE.parent, own / PLACE)]
    assert modes == [0o1777, 0o755, 0o755, 0o644]


@AS_ROOT
def test_the_folder_that_the_first_agent_makes_is_everybodys(real_users: Users, folder: Path) -> None:
    made = folder / "deeper"
    real_users.act(ALICE, put(made))
    real_users.act(BOB, put(made, b"another object"))
    assert real_users.act(BOB, get(made)) == DATA


def test_a_folder_that_somebody_made_keeps_its_mode(tmp_path: Path) -> None:
    (tmp_path / "store").mkdir(mode=0o750)
    LocalStore(tmp_path / "store").put(DATA)
    assert stat.S_IMODE((tmp_path / "store").stat().st_mode) == 0o750


def test_a_folder_that_a_crash_left_private_is_opened_by_the_next_put(tmp_path: Path) -> None:
    own = tmp_path / f"u{os.geteuid()}"
    own.mkdir(mode=0o700)
    LocalStore(tmp_path).put(DATA)
    assert stat.S_IMODE(own.stat().st_mode) == 0o755


# --- thefts ---


def test_a_stranger_that_locks_every_folder_hangs_no_put(folder: Path) -> None:
    LocalStore(folder).put(DATA)
    held = [os.open(path, os.O_RDONLY) for path in (folder, *folder.rglob("*"))]
    for descriptor in held:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
    again = f"""
from pathlib import Path
from agents.vault.local_store import LocalStore
store = LocalStore(Path({str(folder)!r}))
for number in range(300):
    store.put(b"%d" % number)
store.put({DATA!r})
"""
    subprocess.run(
        [sys.executable, "-c", again],
        cwd=PROJECT,
        env={"PYTHONPATH": str(PROJECT)},
        check=True,
        timeout=SECONDS,
    )
    for descriptor in held:
        os.close(descriptor)
    assert LocalStore(folder).get(ObjectId.of(b"299")) == b"299"


@pytest.mark.parametrize("squat", ["folder", "file", "link", "pipe"])
def test_a_stranger_that_takes_a_users_name_is_gone_around(users: Users, folder: Path, squat: str) -> None:
    name = folder / f"u{ALICE}"
    (folder.parent / "elsewhere").mkdir(mode=0o777)
    take: dict[str, Callable[[], None]] = {
        "folder": lambda: name.mkdir(0o777),
        "file": name.touch,
        "link": lambda: name.symlink_to(folder.parent / "elsewhere"),
        "pipe": lambda: os.mkfifo(name),
    }
    users.act(MALLORY, take[squat])
    for data in (DATA, b"another object"):
        users.act(ALICE, put(folder, data))
    assert users.act(BOB, get(folder)) == DATA
    (own,) = [path for path in folder.iterdir() if path.name.startswith(f"u{ALICE}-")]
    assert (own / PLACE).read_bytes() == DATA
    assert not list((folder.parent / "elsewhere").iterdir())


def test_who_gets_its_name_back_keeps_the_folder_that_it_has(users: Users, folder: Path) -> None:
    users.act(MALLORY, (folder / f"u{ALICE}").mkdir)
    users.act(ALICE, put(folder))
    (folder / f"u{ALICE}").rmdir()
    users.act(ALICE, put(folder, b"another object"))
    (own,) = folder.iterdir()
    assert users.act(BOB, get(folder)) == DATA
    assert own.name.startswith(f"u{ALICE}-")


@pytest.mark.parametrize(
    ("data", "mode"),
    [(b"", 0o644), (b"something else", 0o644), (DATA, 0o000)],
    ids=["empty", "other bytes", "unreadable"],
)
@pytest.mark.parametrize("where", [Path(f"u{MALLORY}"), Path(f"u{MALLORY}-00000000"), Path()])
def test_a_strangers_false_copy_hides_nothing(
    users: Users, folder: Path, where: Path, data: bytes, mode: int
) -> None:
    users.act(MALLORY, plant(folder / where / PLACE, data, mode))
    users.act(ALICE, put(folder))
    for user in (ALICE, BOB, MALLORY):
        assert users.act(user, get(folder)) == DATA


@pytest.mark.parametrize("kind", ["link", "pipe", "folder", "subfolder is a link", "subfolder is a file"])
def test_a_strangers_copy_that_is_no_file_hides_nothing(users: Users, folder: Path, kind: str) -> None:
    elsewhere = folder.parent / "elsewhere"
    plant(elsewhere / PLACE, b"not to be read")()

    def planted() -> None:
        own = folder / f"u{MALLORY}"
        own.mkdir()
        if kind.startswith("subfolder"):
            subfolder = own / PLACE.parent
            subfolder.symlink_to(elsewhere / PLACE.parent) if kind.endswith("link") else subfolder.touch()
            return
        (own / PLACE.parent).mkdir()
        make: Callable[[], None] = {
            "link": lambda: (own / PLACE).symlink_to(elsewhere / PLACE),
            "pipe": lambda: os.mkfifo(own / PLACE),
            "folder": (own / PLACE).mkdir,
        }[kind]
        make()

    users.act(MALLORY, planted)
    users.act(ALICE, put(folder))
    assert users.act(BOB, get(folder)) == DATA


def test_a_strangers_large_copy_is_not_read_before_the_true_one(
    users: Users, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file with nothing in it but a length costs its maker nothing."""

    def planted() -> None:
        plant(folder / f"u{MALLORY}" / PLACE, b"")()
        os.truncate(folder / f"u{MALLORY}" / PLACE, 200 << 20)

    users.act(MALLORY, planted)
    users.act(ALICE, put(folder))
    read: list[int] = []

    def recorded(data: bytes, object_id: ObjectId) -> bytes:
        read.append(len(data))
        return checked(data, object_id)

    monkeypatch.setattr(local_store, "checked", recorded)
    LocalStore(folder).get(ID)
    assert read == [len(DATA)]


@AS_ROOT
def test_a_strangers_lease_on_its_copy_keeps_no_reader_waiting(real_users: Users, folder: Path) -> None:
    """The system would have a reader wait for the lease to be given back, 45 seconds by default."""
    false = b"x" * (len(DATA) - 1)
    real_users.act(MALLORY, plant(folder / f"u{MALLORY}" / PLACE, false))
    real_users.act(ALICE, put(folder))
    held = os.open(folder / f"u{MALLORY}" / PLACE, os.O_WRONLY)
    signal.signal(signal.SIGIO, signal.SIG_IGN)  # that somebody wants to read
    try:
        try:
            fcntl.fcntl(held, fcntl.F_SETLEASE, fcntl.F_WRLCK)
        except OSError:
            pytest.skip("this file system knows no leases")
        begun = time.monotonic()
        assert real_users.act(BOB, get(folder)) == DATA
        assert time.monotonic() - begun < SECONDS
    finally:
        os.close(held)
        signal.signal(signal.SIGIO, signal.SIG_DFL)


@AS_ROOT
def test_another_user_cannot_take_an_object_away(real_users: Users, folder: Path) -> None:
    real_users.act(ALICE, put(folder))
    for path in (folder / f"u{ALICE}" / PLACE, folder / f"u{ALICE}" / PLACE.parent, folder / f"u{ALICE}"):
        with pytest.raises(PermissionError):
            real_users.act(MALLORY, partial(path.rename, folder / "gone"))


def test_who_puts_does_not_rely_on_another_users_copy(users: Users, folder: Path) -> None:
    """A stranger that copies an object beforehand, to take it away again."""
    users.act(MALLORY, put(folder))
    users.act(ALICE, put(folder))
    shutil.rmtree(folder / f"u{MALLORY}")
    assert users.act(BOB, get(folder)) == DATA


def test_a_user_with_many_folders_is_looked_at_in_few(users: Users, folder: Path) -> None:
    for number in range(40):
        users.act(MALLORY, plant(folder / f"u{MALLORY}-{number:08x}" / PLACE, b"false"))
    users.act(ALICE, put(folder))
    descriptor = os.open(folder, os.O_RDONLY)
    looked = users.act(BOB, lambda: shared.user_folders(descriptor))
    os.close(descriptor)
    assert [found.owner for found in looked] == [MALLORY] * shared.FOLDERS_OF_ONE_USER + [ALICE]
    assert users.act(BOB, get(folder)) == DATA


def test_of_many_users_those_with_low_ids_are_looked_at(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ids that a user may hand out to itself begin at 100,000."""
    users = PretendedUsers()
    monkeypatch.setattr(shared, "FOLDERS_IN_ALL", 5)
    for number in range(20):
        uid = 100_000 + number
        users.act(uid, plant(folder / f"u{uid}" / PLACE, b"false"))
    users.act(ALICE, put(folder))
    assert users.act(BOB, get(folder)) == DATA


def test_a_crowd_of_other_names_hides_nothing(users: Users, folder: Path) -> None:
    for number in range(2_000):
        (folder / f"u{number}").touch()
        (folder / f"noise {number}").touch()
    users.act(ALICE, put(folder))
    assert users.act(BOB, get(folder)) == DATA


# --- what is told when no copy is right ---


def test_of_several_useless_copies_the_most_telling_is_told(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, users = LocalStore(folder), PretendedUsers()
    with pytest.raises(ObjectMissing, match=f"^no object {ID}$"):
        store.get(ID)
    users.act(MALLORY, plant(folder / f"u{MALLORY}" / PLACE, b"something else"))
    with pytest.raises(ObjectDamaged, match="have another hash"):
        users.act(BOB, lambda: store.get(ID))
    users.act(ALICE, put(folder, b"another object"))
    really = os.open

    def refuses(name: object, flags: int, *args: int, **options: int) -> int:
        if name == f"u{ALICE}" and users.owners:
            raise PermissionError(errno.EACCES, "Permission denied")
        return really(name, flags, *args, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(os, "open", refuses)
    with pytest.raises(StoreUnavailable, match=f"cannot be read in {folder}/u{ALICE}: Permission denied"):
        users.act(BOB, lambda: store.get(ID))


@AS_ROOT
def test_a_private_copy_alone_is_unavailable(real_users: Users, folder: Path) -> None:
    real_users.act(MALLORY, plant(folder / f"u{MALLORY}" / PLACE, DATA, 0o000))
    with pytest.raises(StoreUnavailable, match=f"in {folder}/u{MALLORY}: Permission denied"):
        real_users.act(BOB, get(folder))


@AS_ROOT
def test_who_may_not_make_a_folder_there_is_told(real_users: Users, folder: Path) -> None:
    folder.chmod(0o755)
    with pytest.raises(StoreUnavailable, match=f"cannot be written in {folder}: Permission denied"):
        real_users.act(ALICE, put(folder))
    (folder / f"u{BOB}").mkdir()
    os.chown(folder / f"u{BOB}", BOB, BOB)
    real_users.act(BOB, put(folder))
    assert real_users.act(ALICE, get(folder)) == DATA


# --- earlier versions, network file systems, many writers ---


def test_what_an_earlier_version_put_is_still_read(folder: Path) -> None:
    plant(folder / PLACE, DATA)()
    assert LocalStore(folder).get(ID) == DATA
    LocalStore(folder).put(DATA)
    assert (folder / f"u{os.geteuid()}" / PLACE).exists()


def test_a_file_system_that_takes_all_users_for_one_gives_them_one_folder(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nobody = 65_534
    monkeypatch.setattr(shared, "_owner", lambda _: nobody)
    for user, data in ((ALICE, DATA), (BOB, b"another object"), (ALICE, b"a third")):
        monkeypatch.setattr(os, "geteuid", lambda user=user: user)
        LocalStore(folder).put(data)
    assert [path.name for path in folder.iterdir()] == [f"u{nobody}"]
    assert LocalStore(folder).get(ID) == DATA


def test_a_file_system_that_gives_nobody_a_folder_is_unavailable(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    others = count()
    monkeypatch.setattr(shared, "_owner", lambda _: next(others))
    with pytest.raises(StoreUnavailable, match="this user can have no folder of its own in it"):
        LocalStore(folder).put(DATA)


def test_threads_and_processes_put_the_same_objects_at_once(folder: Path) -> None:
    many = [bytes([number % 7]) * 4_096 for number in range(200)]
    with (
        ProcessPoolExecutor(3, mp_context=get_context("fork")) as processes,
        ThreadPoolExecutor(4) as threads,
    ):
        put_ = LocalStore(folder).put
        found = [*processes.map(put_, many), *threads.map(put_, many)]
    assert found == [ObjectId.of(data) for data in many] * 2
    (own,) = folder.iterdir()
    assert sorted(path.name for path in own.rglob("*") if path.is_file()) == sorted(map(str, set(found)))
    assert all(LocalStore(folder).get(ObjectId.of(data)) == data for data in many)


def test_writers_of_one_user_that_begin_at_once_share_its_folder(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both look, and neither has one yet."""
    made = shared._made

    def another_is_faster(descriptor: int, user: int) -> str:
        made(descriptor, user)
        return made(descriptor, user)

    monkeypatch.setattr(shared, "_made", another_is_faster)
    LocalStore(folder).put(DATA)
    assert [path.name for path in folder.iterdir()] == [f"u{os.geteuid()}"]


def test_only_old_temporary_files_of_its_own_are_removed(users: Users, folder: Path) -> None:
    for user in (ALICE, MALLORY):
        users.act(user, put(folder))
        for name, age in ((f".{'0' * 32}", 3_601), (f".{'1' * 32}", 3_000), ("notes", 3_601)):
            path = folder / f"u{user}" / name
            path.touch()
            os.utime(path, (0, path.stat().st_mtime - age))
    users.act(ALICE, put(folder, b"another object"))

    def left(user: int) -> set[str]:
        return {path.name for path in (folder / f"u{user}").iterdir() if path.is_file()}

    assert left(ALICE) == {f".{'1' * 32}", "notes"}
    assert left(MALLORY) == {f".{'0' * 32}", f".{'1' * 32}", "notes"}
