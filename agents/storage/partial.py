"""A file that comes in parts from elsewhere, and is gone on with after a break.

It has its last name only when whoever writes it says that it is whole; until then nothing of it is forced to
the disk, for it can be had again. What nobody went on with for a day is removed. The disk's faults are a
`StorageFailed`.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, Final

from agents.storage.atomic import FOLDER, PRIVATE, force, opened
from agents.storage.faults import disk_faults
from agents.storage.files import make_folder

_ABANDONED_SECONDS: Final = 24 * 3600
_CHUNK: Final = 2**20


class PartialFile:
    """A file under way; `partial_file` opens it."""

    def __init__(self, path: Path, stream: BinaryIO) -> None:
        self.path = path
        self._stream = stream

    @property
    def length(self) -> int:
        """How many bytes have come."""
        return self._stream.seek(0, os.SEEK_END)

    def append(self, data: bytes) -> None:
        """Adds what came next."""
        with disk_faults(f"{self.path} cannot be written"):
            self._stream.seek(0, os.SEEK_END)
            self._stream.write(data)
            self._stream.flush()

    def clear(self) -> None:
        """Begins again with nothing."""
        with disk_faults(f"{self.path} cannot be written"):
            self._stream.truncate(0)

    def chunks(self) -> Iterator[bytes]:
        """All that has come, in pieces."""
        with disk_faults(f"{self.path} cannot be read"):
            self._stream.seek(0)
            while chunk := self._stream.read(_CHUNK):
                yield chunk

    def read(self) -> bytes:
        """All that has come."""
        with disk_faults(f"{self.path} cannot be read"):
            self._stream.seek(0)
            return self._stream.read()

    def keep(self, path: Path) -> None:
        """It is whole: gives it its name, for good. What has that name is replaced."""
        make_folder(path.parent)
        with disk_faults(f"{path} cannot be written"):
            os.fsync(self._stream.fileno())
            self.path.replace(path)
            force(path.parent)


@contextmanager
def partial_file(folder: Path, name: str) -> Iterator[PartialFile]:
    """Opens a file where its last writer left it, which is empty if there was none.

    After the block the file is gone, unless it was kept or the block failed: then it is left for the next.
    If another process is at the same file, this one gets another.

    Raises:
        StorageFailed: the disk refuses.
    """
    make_folder(folder)
    path, stream = _claimed(folder, name)
    with stream:
        yield PartialFile(path, stream)
        with disk_faults(f"{path} cannot be removed"), suppress(FileNotFoundError):
            path.unlink()


def _claimed(folder: Path, name: str) -> tuple[Path, BinaryIO]:
    with disk_faults(f"{folder} cannot be written"):
        _remove_abandoned(folder)
        for path in (folder / name, folder / f"{name}.{secrets.token_hex(8)}"):
            stream = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, PRIVATE), "r+b")
            with suppress(BlockingIOError):
                fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if path.exists() and os.path.samestat(os.fstat(stream.fileno()), path.stat()):
                    return path, stream  # else its last writer has just ended with it
            stream.close()
    raise AssertionError("nobody else has a name of 64 random bits")


def _remove_abandoned(folder: Path) -> None:
    before = time.time() - _ABANDONED_SECONDS
    with opened(folder, FOLDER) as descriptor, os.scandir(folder) as entries:
        for entry in entries:
            with suppress(FileNotFoundError):
                if entry.stat(follow_symlinks=False).st_mtime < before:
                    os.unlink(entry.name, dir_fd=descriptor)
