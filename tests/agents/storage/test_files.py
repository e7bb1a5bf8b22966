"""An agent's folder: private, whole at any moment, and what the disk refuses is one line.

Rules: A17, A19.
"""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from agents.core.errors import StorageFailed
from agents.storage.files import Home, create, make_folder, read, write
from testing.full_disk import full_disk, no_file_larger_than

PROJECT = Path(__file__).parents[3]
FULL = "cannot be written: No space left on device: free some space, then start again"

DIES_BEFORE_RENAME = """
import os, sys
from pathlib import Path
from agents.storage.files import Home
os.replace = lambda *args, **kwargs: os._exit(9)
Home(Path(sys.argv[1])).write("plan.json", b"new")
"""


def mode(path: Path) -> int:
    """A path's permissions."""
    return stat.S_IMODE(path.stat().st_mode)


def test_it_reads_what_it_wrote(tmp_path: Path) -> None:
    home = Home(tmp_path / "agent")
    assert home.read("states/1/weights") is None
    home.write("states/1/weights", b"one")
    home.write("states/1/weights", b"two")
    assert home.read("states/1/weights") == b"two"
    assert home.path("states/1/weights").read_bytes() == b"two"


def test_only_its_owner_can_read_it(tmp_path: Path) -> None:
    home = Home(tmp_path / "agent")
    home.write("subsets/1", b"data")
    assert mode(home.folder) == 0o700
    assert mode(home.path("subsets/1")) == 0o600


@pytest.mark.parametrize("where", ["write", "fsync", "replace"])
def test_a_failed_write_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    home = Home(tmp_path)
    home.write("plan.json", b"old")

    def fail(*_: Any, **__: Any) -> Any:
        raise OSError("no space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, {"write": "fdopen", "fsync": "fsync", "replace": "replace"}[where], fail)
        with pytest.raises(StorageFailed, match="no space left"):
            home.write("plan.json", b"new")
    assert home.read("plan.json") == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["plan.json"]


def test_a_crash_before_the_rename_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = Home(tmp_path)
    home.write("plan.json", b"old")

    def die(*_: Any, **__: Any) -> Any:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", die)
        with pytest.raises(KeyboardInterrupt):
            home.write("plan.json", b"new")
    assert home.read("plan.json") == b"old"


def test_a_process_that_dies_before_the_rename_leaves_the_old_file(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.write("plan.json", b"old")
    command = [sys.executable, "-c", DIES_BEFORE_RENAME, str(tmp_path)]
    assert subprocess.run(command, cwd=PROJECT, env={"PYTHONPATH": str(PROJECT)}, check=False).returncode == 9
    assert home.read("plan.json") == b"old"
    home.write("plan.json", b"new")
    assert home.read("plan.json") == b"new"


def test_the_file_is_on_the_disk_before_its_name_and_the_name_before_the_return(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = Home(tmp_path / "agent")
    forced: list[str] = []
    replace = os.replace

    def note(handle: int) -> None:
        forced.append(str(Path(f"/proc/self/fd/{handle}").readlink().relative_to(tmp_path)))

    def rename(old: str, new: str, **folders: int) -> None:
        forced.append("rename")
        replace(old, new, **folders)

    monkeypatch.setattr(os, "fsync", note)
    monkeypatch.setattr(os, "replace", rename)
    home.write("states/7/weights", b"new")
    assert forced[0].startswith("agent/states/7/.")
    assert forced[1:] == ["rename", "agent/states/7", "agent/states", "agent"]


# --- a disk that refuses ---


def test_a_full_disk_is_one_line_and_leaves_the_old_file(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.write("states/1/weights", b"old")
    with full_disk(tmp_path), pytest.raises(StorageFailed) as failed:
        home.write("states/1/weights", b"new")
    assert str(failed.value) == f"{tmp_path}/states/1/weights {FULL}"
    assert failed.value.reason == "No space left on device"
    assert home.read("states/1/weights") == b"old"
    assert [path.name for path in (tmp_path / "states/1").iterdir()] == ["weights"], "the rest was given free"


def test_it_goes_on_once_there_is_space(tmp_path: Path) -> None:
    home = Home(tmp_path)
    with full_disk(tmp_path), pytest.raises(StorageFailed):
        home.write("states/1/weights", b"new")
    assert home.read("states/1/weights") is None
    home.write("states/1/weights", b"new")
    assert home.read("states/1/weights") == b"new"


def test_a_file_over_the_users_limit_is_one_line(tmp_path: Path) -> None:
    home = Home(tmp_path)
    with no_file_larger_than(1000), pytest.raises(StorageFailed) as failed:
        home.write("weights", bytes(1001))
    assert str(failed.value) == (
        f"{tmp_path}/weights cannot be written: File too large: "
        "raise this user's limits (ulimit), then start again"
    )
    assert list(tmp_path.iterdir()) == []


IN_PLACE = "something else is in its place: move it away, or name another path"


def test_a_file_in_place_of_a_folder_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "agent").touch()
    with pytest.raises(StorageFailed) as failed:
        Home(tmp_path / "agent")
    assert str(failed.value) == f"{tmp_path}/agent cannot be made: File exists: {IN_PLACE}"
    with pytest.raises(StorageFailed) as failed:
        Home(tmp_path / "agent" / "bob")
    assert str(failed.value) == f"{tmp_path}/agent/bob cannot be made: Not a directory: {IN_PLACE}"


def test_a_folder_in_place_of_a_file_is_one_line(tmp_path: Path) -> None:
    home = Home(tmp_path)
    (tmp_path / "plan.json").mkdir()
    with pytest.raises(StorageFailed) as failed:
        home.read("plan.json")
    assert str(failed.value) == f"{tmp_path}/plan.json cannot be read: Is a directory: {IN_PLACE}"
    with pytest.raises(StorageFailed) as failed:
        home.write("plan.json", b"new")
    assert str(failed.value) == f"{tmp_path}/plan.json cannot be written: Is a directory: {IN_PLACE}"
    assert [path.name for path in tmp_path.iterdir()] == ["plan.json"]


# --- files outside of a home ---


@pytest.mark.parametrize(("private", "file", "folder"), [(True, 0o600, 0o700), (False, 0o644, 0o755)])
def test_a_file_and_its_new_folder_are_its_owners_alone_or_for_all_to_read(
    tmp_path: Path, private: bool, file: int, folder: int
) -> None:
    before = os.umask(0o022)
    try:
        write(tmp_path / "new" / "report", b"told", private=private)
    finally:
        os.umask(before)
    assert read(tmp_path / "new" / "report") == b"told"
    assert (mode(tmp_path / "new" / "report"), mode(tmp_path / "new")) == (file, folder)


def test_a_folder_that_is_there_keeps_its_mode(tmp_path: Path) -> None:
    (tmp_path / "open").mkdir(mode=0o755)
    make_folder(tmp_path / "open")
    assert mode(tmp_path / "open") == 0o755


def test_creating_takes_no_other_files_place(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "wallet.json"
    assert create(path, b"first")
    assert (mode(path), mode(path.parent)) == (0o600, 0o700)
    with full_disk(tmp_path):
        assert not create(path, b"second"), "it is told without writing anything"
    assert read(path) == b"first"
    assert [entry.name for entry in path.parent.iterdir()] == ["wallet.json"]


def test_creating_takes_no_place_of_a_file_that_comes_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "wallet.json"
    path.write_bytes(b"first")
    monkeypatch.setattr(Path, "exists", lambda _: False)
    assert not create(path, b"second")
    assert read(path) == b"first"
    assert [entry.name for entry in tmp_path.iterdir()] == ["wallet.json"]


def test_creating_on_a_full_disk_leaves_nothing(tmp_path: Path) -> None:
    path = tmp_path / "wallet.json"
    with full_disk(tmp_path), pytest.raises(StorageFailed) as failed:
        create(path, b"new")
    assert str(failed.value) == f"{path} {FULL}"
    assert list(tmp_path.iterdir()) == []


def test_a_home_that_is_there_already_becomes_private(tmp_path: Path) -> None:
    """It was made by hand, and its journal and databases could be read by others."""
    folder = tmp_path / "home"
    folder.mkdir(mode=0o755)
    Home(folder)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
