"""An agent's own folder: private files, written whole or not at all."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path


class Home:
    """A folder that only its owner reads.

    Args:
        folder: is made if it is not there.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)

    def path(self, name: str) -> Path:
        """Where the file `name` (with ``/`` for folders) is, or would be."""
        return self.folder / name

    def read(self, name: str) -> bytes | None:
        """The bytes of a file, or None if there is none."""
        try:
            return self.path(name).read_bytes()
        except FileNotFoundError:
            return None

    def write(self, name: str, data: bytes) -> None:
        """Writes a file with mode 0600, for good; a crash leaves the old one or the new one."""
        path = self.path(name)
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            Path(temporary).replace(path)
        finally:
            Path(temporary).unlink(missing_ok=True)
        self._make_durable(path.parent)

    def _make_durable(self, folder: Path) -> None:
        """Forces a folder's names to the disk, and those of the folders around it in this home."""
        for inner in (folder, *folder.parents):
            handle = os.open(inner, os.O_RDONLY | os.O_DIRECTORY)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)
            if inner == self.folder:
                break
