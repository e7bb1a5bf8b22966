"""An agent's folder: private, and whole at any moment.

Rules: A19.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any

import pytest

from agents.storage.files import Home


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
        if where == "replace":
            patch.setattr(Path, "replace", fail)
        else:
            patch.setattr(os, "fsync" if where == "fsync" else "fdopen", fail)
        with pytest.raises(OSError, match="no space left"):
            home.write("plan.json", b"new")
    assert home.read("plan.json") == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["plan.json"]


def test_a_crash_before_the_rename_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = Home(tmp_path)
    home.write("plan.json", b"old")

    def die(*_: Any) -> Any:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", die)
        with pytest.raises(KeyboardInterrupt):
            home.write("plan.json", b"new")
    assert home.read("plan.json") == b"old"


def test_the_file_is_on_the_disk_before_its_name_and_the_name_before_the_return(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = Home(tmp_path / "agent")
    forced: list[str] = []
    replace = Path.replace

    def note(handle: int) -> None:
        forced.append(str(Path(f"/proc/self/fd/{handle}").readlink().relative_to(tmp_path)))

    def rename(path: Path, target: Path) -> Path:
        forced.append("rename")
        return replace(path, target)

    monkeypatch.setattr(os, "fsync", note)
    monkeypatch.setattr(Path, "replace", rename)
    home.write("states/7/weights", b"new")
    assert forced[0].startswith("agent/states/7/.")
    assert forced[1:] == ["rename", "agent/states/7", "agent/states", "agent"]
