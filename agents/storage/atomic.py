"""A file in an open folder, written whole or not at all.

A folder is given by its descriptor and a file by its name there, so nobody who renames a folder or plants a
link can lead a write elsewhere. A fault is an OSError: the caller knows what it means, `agents.storage.files`
for an agent's own files and `agents.vault.local_store` for objects.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

PRIVATE: Final = 0o600
"""The mode of a file that its owner alone may read."""
READABLE: Final = 0o644
"""The mode of a file that everybody may read."""

FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
"""The flags that open a folder."""
SUBFOLDER: Final = FOLDER | os.O_NOFOLLOW
"""The flags that open a folder and follow no link to one."""
_NEW: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


@contextmanager
def opened(name: str | Path, flags: int, folder: int | None = None, mode: int = PRIVATE) -> Iterator[int]:
    """The descriptor of a file or folder, closed at the end of the block.

    Args:
        name: a path, or a name in `folder`.
        flags: as of ``os.open``.
        folder: descriptor of an open folder.
        mode: of a file that the flags make.

    Raises:
        OSError: it cannot be opened.
    """
    descriptor = os.open(name, flags, mode, dir_fd=folder)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def write_whole(
    folder: int,
    name: str,
    data: bytes,
    temporary: str,
    mode: int,
    *,
    replace: bool = True,
    into: int | None = None,
    umask: bool = True,
) -> None:
    """Writes a file; when this returns, the file and its name are on the disk.

    A failure leaves what was there before. So does a crash, or it leaves the whole new file; it may leave a
    part of the data under the temporary name.

    Args:
        folder: descriptor of an open folder.
        name: of the file.
        data: all that the file is to hold.
        temporary: a name in the folder that no other writer uses. What has this name is removed first.
        mode: of the file.
        replace: whether to take the place of a file of this name.
        into: descriptor of the folder where it gets its name, on the same disk, if that is another one.
        umask: whether the umask takes from the mode.

    Raises:
        FileExistsError: there is such a file, and it is not to be replaced.
        OSError: the file cannot be written.
    """
    there = folder if into is None else into
    _remove(temporary, folder)
    try:
        with opened(temporary, _NEW, folder, mode) as file:
            with os.fdopen(file, "wb", closefd=False) as stream:
                stream.write(data)
            if not umask:
                os.fchmod(file, mode)
            os.fsync(file)
        place = os.replace if replace else os.link
        place(temporary, name, src_dir_fd=folder, dst_dir_fd=there)
    finally:
        _remove(temporary, folder)
    os.fsync(there)


def force(folder: Path) -> None:
    """Forces the names in a folder to the disk.

    Raises:
        OSError: the disk refuses.
    """
    with opened(folder, FOLDER) as descriptor:
        os.fsync(descriptor)


def _remove(name: str, folder: int) -> None:
    with suppress(FileNotFoundError):
        os.unlink(name, dir_fd=folder)
