"""Disks that take no more, for as long as a block lasts: the errors are the system's own."""

from __future__ import annotations

import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

_FULL = "/dev/full"
"""Linux's own full disk: opening it succeeds, and every write fails with ENOSPC."""


@contextmanager
def full_disk(folder: Path) -> Iterator[None]:
    """Files that Python makes in a folder and those below it take no byte; SQLite's still do."""
    really = os.open

    def opens(path: Any, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
        around = Path() if dir_fd is None else Path(f"/proc/self/fd/{dir_fd}").readlink()
        if flags & os.O_CREAT and (around / path).is_relative_to(folder):
            os.close(really(path, flags, mode, dir_fd=dir_fd))  # there is room for its name
            return really(_FULL, os.O_WRONLY)
        return really(path, flags, mode, dir_fd=dir_fd)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "open", opens)
        yield


@contextmanager
def no_file_larger_than(size: int) -> Iterator[None]:
    """No file of this process grows over so many bytes, SQLite's included: the kernel refuses it."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
