"""A file that comes in parts: gone on with after a break, gone when nobody wants it any more.

Rules: V17.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

import pytest

from agents.core.errors import StorageFailed
from agents.storage.partial import PartialFile, partial_file


def breaks(folder: Path, data: bytes) -> None:
    with suppress(RuntimeError), partial_file(folder, "file") as file:
        file.append(data)
        raise RuntimeError


def test_what_came_before_a_break_is_there_after_it(tmp_path: Path) -> None:
    breaks(tmp_path / "partial", b"first ")
    with partial_file(tmp_path / "partial", "file") as file:
        assert (file.length, b"".join(file.chunks())) == (6, b"first ")
        file.append(b"second")
        assert file.read() == b"first second"
    assert not list((tmp_path / "partial").iterdir()), "it was not wanted any more"


def test_it_begins_again_with_nothing(tmp_path: Path) -> None:
    breaks(tmp_path, b"wrong")
    with partial_file(tmp_path, "file") as file:
        file.clear()
        file.append(b"right")
        assert file.read() == b"right"


def test_it_has_its_name_once_it_is_kept(tmp_path: Path) -> None:
    (tmp_path / "whole").write_bytes(b"an old one")
    with partial_file(tmp_path / "partial", "file") as file:
        file.append(b"new")
        assert (tmp_path / "whole").read_bytes() == b"an old one"
        file.keep(tmp_path / "whole")
    assert (tmp_path / "whole").read_bytes() == b"new"
    assert not list((tmp_path / "partial").iterdir())


def test_two_at_once_do_not_disturb_each_other(tmp_path: Path) -> None:
    with partial_file(tmp_path, "file") as first, partial_file(tmp_path, "file") as second:
        first.append(b"first")
        second.append(b"second")
        assert (first.read(), second.read()) == (b"first", b"second")
    assert not list(tmp_path.iterdir())


def test_what_its_last_writer_has_just_ended_with_is_begun_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os.path, "samestat", lambda *_: False)
    with pytest.raises(AssertionError, match="64 random bits"), partial_file(tmp_path, "file"):
        pass


def test_what_nobody_went_on_with_for_a_day_is_removed(tmp_path: Path) -> None:
    breaks(tmp_path, b"old")
    os.utime(tmp_path / "file", (0, 0))
    with partial_file(tmp_path, "another"):
        assert [path.name for path in tmp_path.iterdir()] == ["another"]


def test_a_disk_that_refuses_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "no folder").write_bytes(b"")
    with pytest.raises(StorageFailed), partial_file(tmp_path / "no folder", "file"):
        pass

    def kept(file: PartialFile) -> None:
        file.keep(tmp_path / "no folder" / "file")

    with pytest.raises(StorageFailed), partial_file(tmp_path / "partial", "file") as file:
        kept(file)
