"""Files by path, whole or absent, and an agent's own folder. What the disk refuses is a `StorageFailed`."""

from __future__ import annotations

import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from agents.storage.atomic import FOLDER, PRIVATE, READABLE, force, opened, write_whole
from agents.storage.faults import disk_faults

_PRIVATE_FOLDER: Final = 0o700
_ANY_FOLDER: Final = 0o777  # less the umask, as for any program


class Home:
    """A folder that only its owner reads.

    Args:
        folder: made if it is not there; its mode is 0700 from then on.

    Raises:
        StorageFailed: the disk refuses. So may `read` and `write`.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        make_folder(folder)
        with disk_faults(f"{folder} cannot be made private"):
            if stat.S_IMODE(folder.stat().st_mode) & ~_PRIVATE_FOLDER:  # made by hand, or by others' leave
                folder.chmod(_PRIVATE_FOLDER)

    def make_private(self) -> None:
        """Takes from others what they may do with the files and folders in it: modes 0600 and 0700."""
        with disk_faults(f"{self.folder} cannot be made private"):
            for path, mode in exposed(self.folder):
                path.chmod(mode)

    def path(self, name: str) -> Path:
        """Where the file `name` (with ``/`` for folders) is, or would be."""
        return self.folder / name

    def read(self, name: str) -> bytes | None:
        """The bytes of a file, or None if there is none."""
        return read(self.path(name))

    def names(self, folder: str) -> list[str]:
        """The names in a folder of it, sorted; none if there is no such folder."""
        path = self.path(folder)
        with disk_faults(f"{path} cannot be read"), suppress(FileNotFoundError):
            return sorted(file.name for file in path.iterdir())
        return []

    def write(self, name: str, data: bytes) -> None:
        """Writes a file with mode 0600, for good; a crash leaves the old one or the new one."""
        path = self.path(name)
        write(path, data)
        with disk_faults(f"{path} cannot be written"):
            for around in path.parent.parents:
                if around.is_relative_to(self.folder):
                    force(around)

    def remove(self, name: str) -> None:
        """Deletes a file, for good, if there is one."""
        path = self.path(name)
        with disk_faults(f"{path} cannot be removed"), suppress(FileNotFoundError):
            path.unlink()
            force(path.parent)


def exposed(folder: Path) -> Iterator[tuple[Path, int]]:
    """What in a folder others may read or write, it itself included, with the mode that it should have.

    Links are left as they are, and what belongs to somebody else.
    """
    for path in (folder, *folder.rglob("*")):
        found = path.lstat()
        if stat.S_ISLNK(found.st_mode) or found.st_uid != os.getuid():
            continue
        allowed = _PRIVATE_FOLDER if stat.S_ISDIR(found.st_mode) else PRIVATE
        if stat.S_IMODE(found.st_mode) & ~_PRIVATE_FOLDER:
            yield path, allowed


def read(path: Path) -> bytes | None:
    """The bytes of a file, or None if there is none.

    Raises:
        StorageFailed: there is one, and it cannot be read.
    """
    with disk_faults(f"{path} cannot be read"):
        try:
            return path.read_bytes()
        except FileNotFoundError:
            return None


def write(path: Path, data: bytes, *, private: bool = True) -> None:
    """Writes a file, for good; a crash or a failure leaves the old one or the new one.

    Args:
        path: of the file; its folder is made if it is not there.
        data: all that the file is to hold.
        private: its mode is 0600 and that of a new folder 0700; else 0644 and 0777, less the umask.

    Raises:
        StorageFailed: it is not written.
    """
    with _folder_of(path, private=private) as folder:
        write_whole(folder, path.name, data, _temporary(), PRIVATE if private else READABLE)


def create(path: Path, data: bytes) -> bool:
    """Writes a private file as `write` does, unless something has its name already.

    Returns:
        Whether it was written.

    Raises:
        StorageFailed: it is not written, though nothing has its name.
    """
    with _folder_of(path, private=True) as folder, suppress(FileExistsError):
        if not path.exists():  # asked first, so that nothing need be writable to say so
            write_whole(folder, path.name, data, _temporary(), PRIVATE, replace=False)
            return True
    return False


def make_folder(path: Path, *, private: bool = True) -> None:
    """Makes a folder, and those around it, where they are not there.

    Args:
        path: of the folder.
        private: its mode is 0700 if it is new. Those around it are made as by any program.

    Raises:
        StorageFailed: it cannot be made.
    """
    with disk_faults(f"{path} cannot be made"):
        path.mkdir(_PRIVATE_FOLDER if private else _ANY_FOLDER, parents=True, exist_ok=True)


@contextmanager
def _folder_of(path: Path, *, private: bool) -> Iterator[int]:
    """The descriptor of the folder of a file that is to be written."""
    make_folder(path.parent, private=private)
    with disk_faults(f"{path} cannot be written"), opened(path.parent, FOLDER) as folder:
        yield folder


def _temporary() -> str:
    """A name that no other writer has."""
    return f".{secrets.token_hex(8)}"
