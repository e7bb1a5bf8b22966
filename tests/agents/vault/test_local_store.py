"""The folder backend: damage, planted links, full disks, crashes.

Rules: V6, V7, V8.
"""

from __future__ import annotations

import errno
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from agents.core.errors import ObjectDamaged, ObjectMissing, StoreUnavailable
from agents.vault.local_store import LocalStore
from agents.vault.store import ObjectId
from testing.full_disk import full_disk

DATA = b"a sealed object"
NAME = str(ObjectId.of(DATA))
OWN = f"u{os.geteuid()}"
PROJECT = Path(__file__).parents[3]

DIES_BEFORE_RENAME = """
import os, sys
from pathlib import Path
from agents.vault.local_store import LocalStore
os.replace = lambda *args, **kwargs: os._exit(9)
LocalStore(Path(sys.argv[1])).put(bytes.fromhex(sys.argv[2]))
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "deep" / "store"


@pytest.fixture
def store(folder: Path) -> LocalStore:
    return LocalStore(folder)


def test_lays_objects_out_by_their_first_byte(store: LocalStore, folder: Path) -> None:
    store.put(DATA)
    files = [path.relative_to(folder) for path in folder.rglob("*") if path.is_file()]
    assert files == [Path(OWN, NAME[:2], NAME)]


def test_another_agent_finds_the_object(store: LocalStore, folder: Path) -> None:
    assert LocalStore(folder).get(store.put(DATA)) == DATA


def test_does_not_write_what_it_holds(store: LocalStore, folder: Path) -> None:
    store.put(DATA)
    written = (folder / OWN / NAME[:2] / NAME).stat()
    store.put(DATA)
    assert (folder / OWN / NAME[:2] / NAME).stat() == written


@pytest.mark.parametrize("damage", [b"", DATA[:-1], DATA + b"!", DATA.upper()])
def test_notices_damage_and_repairs_it(store: LocalStore, folder: Path, damage: bytes) -> None:
    object_id = store.put(DATA)
    (folder / OWN / NAME[:2] / NAME).write_bytes(damage)
    with pytest.raises(ObjectDamaged, match="another hash"):
        store.get(object_id)
    store.put(DATA)
    assert store.get(object_id) == DATA


def test_does_not_read_more_than_the_limit(store: LocalStore, folder: Path) -> None:
    object_id = store.put(DATA)
    with pytest.raises(ObjectDamaged, match="larger than the limit of 14 bytes"):
        LocalStore(folder, max_object_bytes=len(DATA) - 1).get(object_id)


def test_refuses_a_link_in_place_of_an_object(store: LocalStore, folder: Path, tmp_path: Path) -> None:
    """Though the bytes behind the link have the right hash: they are not the store's."""
    (tmp_path / "elsewhere").write_bytes(DATA)
    (folder / OWN / NAME[:2]).mkdir(parents=True)
    (folder / OWN / NAME[:2] / NAME).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ObjectDamaged, match="no plain file"):
        store.get(ObjectId.of(DATA))


def test_putting_replaces_a_link_and_leaves_its_target(
    store: LocalStore, folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "elsewhere").write_bytes(b"not ours")
    (folder / OWN / NAME[:2]).mkdir(parents=True)
    (folder / OWN / NAME[:2] / NAME).symlink_to(tmp_path / "elsewhere")
    assert store.get(store.put(DATA)) == DATA
    assert not (folder / OWN / NAME[:2] / NAME).is_symlink()
    assert (tmp_path / "elsewhere").read_bytes() == b"not ours"


def test_refuses_a_link_in_place_of_a_subfolder(store: LocalStore, folder: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / NAME).write_bytes(DATA)
    (folder / OWN).mkdir(parents=True)
    (folder / OWN / NAME[:2]).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(StoreUnavailable, match=f"cannot be read in {folder / OWN}: Not a directory"):
        store.get(ObjectId.of(DATA))
    with pytest.raises(StoreUnavailable, match="cannot be written"):
        store.put(DATA)
    assert [path.name for path in (tmp_path / "elsewhere").iterdir()] == [NAME]


@pytest.mark.parametrize("plant", [os.mkfifo, os.mkdir])
def test_refuses_a_pipe_or_folder_as_an_object(store: LocalStore, folder: Path, plant: object) -> None:
    assert callable(plant)
    (folder / OWN / NAME[:2]).mkdir(parents=True)
    plant(folder / OWN / NAME[:2] / NAME)
    with pytest.raises(ObjectDamaged, match="no plain file"):
        store.get(ObjectId.of(DATA))


def test_a_pipe_that_comes_between_check_and_opening_hangs_nobody(
    store: LocalStore, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    object_id = store.put(DATA)
    path = folder / OWN / NAME[:2] / NAME
    honest, really = path.stat(), os.stat
    path.unlink()
    os.mkfifo(path)
    monkeypatch.setattr(os, "stat", lambda name, **how: honest if name == NAME else really(name, **how))
    with pytest.raises(ObjectDamaged, match="another hash"):
        store.get(object_id)


def test_a_link_that_comes_between_check_and_opening_is_not_followed(
    store: LocalStore, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    object_id = store.put(DATA)
    path = folder / OWN / NAME[:2] / NAME
    honest, really = path.stat(), os.stat
    path.rename(tmp_path / "elsewhere")
    path.symlink_to(tmp_path / "elsewhere")
    monkeypatch.setattr(os, "stat", lambda name, **how: honest if name == NAME else really(name, **how))
    with pytest.raises(StoreUnavailable, match="cannot be read"):
        store.get(object_id)


def test_the_folder_itself_may_be_a_link(store: LocalStore, folder: Path, tmp_path: Path) -> None:
    store.put(b"another object")
    (tmp_path / "link").symlink_to(folder)
    assert LocalStore(tmp_path / "link").get(store.put(DATA)) == DATA


def test_a_folder_that_cannot_be_made_is_unavailable_once_it_is_needed(tmp_path: Path) -> None:
    """An agent whose store is away still draws, settles and closes."""
    (tmp_path / "file").touch()
    store = LocalStore(tmp_path / "file" / "store")
    with pytest.raises(StoreUnavailable, match=f"cannot be written in {tmp_path}/file/store: File exists"):
        store.put(DATA)
    with pytest.raises(StoreUnavailable, match="cannot be read"):
        store.get(ObjectId.of(DATA))


def test_a_folder_that_is_not_there_is_unavailable(store: LocalStore, folder: Path) -> None:
    with pytest.raises(StoreUnavailable, match=f"cannot be read in {folder}: No such file or directory"):
        store.get(ObjectId.of(DATA))


def test_a_full_disk_is_unavailable_and_shows_no_object(
    store: LocalStore, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        with pytest.raises(StoreUnavailable, match="No space left on device"):
            store.put(DATA)
    with pytest.raises(ObjectMissing):
        store.get(ObjectId.of(DATA))
    assert store.get(store.put(DATA)) == DATA


def test_a_really_full_disk_takes_nothing_and_keeps_no_part(store: LocalStore, folder: Path) -> None:
    store.put(b"another object")
    with full_disk(folder), pytest.raises(StoreUnavailable) as unavailable:
        store.put(DATA)
    assert str(unavailable.value) == f"object {NAME} cannot be written in {folder}: No space left on device"
    assert [path.read_bytes() for path in folder.rglob("*") if path.is_file()] == [b"another object"]
    assert store.get(store.put(DATA)) == DATA


@pytest.mark.parametrize("code", [errno.EACCES, errno.EIO, errno.ESTALE, errno.EMFILE])
@pytest.mark.parametrize("step", ["stat", "open"])
def test_an_unreadable_object_is_unavailable(
    store: LocalStore, monkeypatch: pytest.MonkeyPatch, step: str, code: int
) -> None:
    object_id, really = store.put(DATA), getattr(os, step)

    def broken(name: object, *args: object, **options: object) -> object:
        if name == NAME:
            raise OSError(code, os.strerror(code))
        return really(name, *args, **options)

    monkeypatch.setattr(os, step, broken)
    with pytest.raises(StoreUnavailable, match=os.strerror(code)) as unavailable:
        store.get(object_id)
    assert type(unavailable.value) is StoreUnavailable


def test_putting_replaces_what_cannot_be_read(
    store: LocalStore, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.put(DATA)
    written, really = (folder / OWN / NAME[:2] / NAME).stat(), os.open

    def no_reading(name: object, flags: int, *args: int, **options: int) -> int:
        if name == NAME:
            raise PermissionError(errno.EACCES, "Permission denied")
        return really(name, flags, *args, **options)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(os, "open", no_reading)
        store.put(DATA)
    assert (folder / OWN / NAME[:2] / NAME).stat().st_ino != written.st_ino
    assert store.get(ObjectId.of(DATA)) == DATA


def test_an_object_is_on_disk_before_it_has_a_name(
    store: LocalStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[str] = []
    fsync, replace = os.fsync, os.replace

    def recorded_fsync(descriptor: int) -> None:
        steps.append("sync folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "sync file")
        fsync(descriptor)

    def recorded_replace(old: str, new: str, *, src_dir_fd: int, dst_dir_fd: int) -> None:
        steps.append("rename")
        replace(old, new, src_dir_fd=src_dir_fd, dst_dir_fd=dst_dir_fd)

    store.put(b"another object")
    monkeypatch.setattr(os, "fsync", recorded_fsync)
    monkeypatch.setattr(os, "replace", recorded_replace)
    store.put(DATA)
    assert steps == ["sync folder", "sync file", "rename", "sync folder"]


def test_a_writer_that_dies_before_the_rename_leaves_no_object(store: LocalStore, folder: Path) -> None:
    """What it leaves is removed once it is old: before that it may be a writer's that is at work."""
    command = [sys.executable, "-c", DIES_BEFORE_RENAME, str(folder), DATA.hex()]
    assert subprocess.run(command, cwd=PROJECT, env={"PYTHONPATH": str(PROJECT)}, check=False).returncode == 9
    (left,) = [path for path in folder.rglob("*") if path.is_file()]
    assert (left.parent, left.read_bytes()) == (folder / OWN, DATA)
    with pytest.raises(ObjectMissing):
        store.get(ObjectId.of(DATA))
    assert store.get(store.put(DATA)) == DATA
    assert left.exists()
    os.utime(left, (0, left.stat().st_mtime - 3_601))
    store.put(b"another object")
    assert not left.exists()
    assert store.get(ObjectId.of(DATA)) == DATA
