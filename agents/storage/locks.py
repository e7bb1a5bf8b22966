"""Locks between the processes of one machine."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from agents.storage.files import make_folder


@contextmanager
def alone(path: Path, *, wait: bool = False) -> Iterator[bool]:
    """Holds a lock for the length of a ``with`` block; however a process ends, it is free again.

    Args:
        path: of the lock's file, which stays.
        wait: for whoever holds it.

    Returns:
        Whether it is held: not, if another process has it and is not waited for.
    """
    make_folder(path.parent, private=False)
    lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
    finally:
        os.close(lock)
