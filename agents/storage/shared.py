"""A folder that the users of a machine share: each writes in a folder of its own there, and all read all.

No user can remove, replace or lock what another one needs in order to write: there are no locks, and a name
that somebody else has taken is not waited for. Whose a folder is tells its owner, which is the system's word,
and not its name. A fault is an OSError, as in `agents.storage.atomic`.
"""

from __future__ import annotations

import errno
import os
import re
import secrets
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import groupby, islice
from pathlib import Path
from typing import Final, NamedTuple

from agents.storage.atomic import FOLDER, READABLE, SUBFOLDER, opened, write_whole

_ANYBODYS: Final = 0o1777
"""The mode of the shared folder: anybody may make a name in it, nobody touch another's. That of /tmp."""
_PUBLIC: Final = 0o755
"""The mode of a user's folder and of those in it."""

_NAME: Final = re.compile(r"u[0-9]{1,10}(-[0-9a-f]{8})?")
_TEMPORARY: Final = re.compile(r"\.[0-9a-f]{32}")
_ABANDONED_SECONDS: Final = 3600
"""When a temporary file that has not grown is that of a writer that is gone."""

FOLDERS_OF_ONE_USER: Final = 4
"""How many are looked at. An honest user has one, or two if its processes made them at the same moment."""
FOLDERS_IN_ALL: Final = 1024
"""How many are looked at, the lowest user ids first: those that a user may give to itself are high."""


class UserFolder(NamedTuple):
    """A user's folder, by the user's id and by its name in the shared folder."""

    owner: int
    name: str


def user_folders(shared: int) -> list[UserFolder]:
    """The users' folders that are looked at, by owner: so many of one user, and so many in all.

    Args:
        shared: descriptor of the shared folder. So of the functions below.

    Raises:
        OSError: the shared folder cannot be listed.
    """
    by_owner = groupby(_listed(shared), lambda folder: folder.owner)
    few = (folder for _, folders in by_owner for folder in islice(folders, FOLDERS_OF_ONE_USER))
    return list(islice(few, FOLDERS_IN_ALL))


def is_own(shared: int, name: str) -> bool:
    """Whether this process's user has a folder of this name."""
    return _is_folder_of(shared, name, os.geteuid())


def usual_name() -> str:
    """What this process's user calls its folder, if nobody else has taken the name."""
    return f"u{os.geteuid()}"


@contextmanager
def own_folder(path: Path) -> Iterator[int]:
    """The descriptor of this user's own folder in the shared one; both are made if they are not there.

    What writers of this user left behind when they died is removed.

    Args:
        path: of the shared folder.

    Raises:
        OSError: the folder cannot be made or opened.
    """
    _make_shared(path)
    with opened(path, FOLDER) as shared, _public(shared, _own_name(shared)) as own:
        _remove_abandoned(own)
        yield own


@contextmanager
def own_subfolder(own: int, name: str) -> Iterator[int]:
    """The descriptor of a folder in this user's own one; it is made if it is not there.

    Raises:
        OSError: it cannot be made or opened.
    """
    with suppress(FileExistsError):
        _make(own, name)
    with _public(own, name) as folder:
        yield folder


def write_public(own: int, subfolder: int, name: str, data: bytes) -> None:
    """Writes a file that everybody may read, whatever the umask; any number of writers may do so at once.

    Args:
        own: descriptor of this user's own folder, where it is written.
        subfolder: descriptor of the folder in it where it gets its name.
        name: of the file. If there is one already it is replaced.
        data: all that the file is to hold.

    Raises:
        OSError: it cannot be written.
    """
    temporary = f".{secrets.token_hex(16)}"
    write_whole(own, name, data, temporary, READABLE, into=subfolder, umask=False)


def remove_public(subfolder: int, name: str) -> None:
    """Deletes a file of this user's own, for good.

    Raises:
        OSError: it is not there, or cannot be deleted.
    """
    os.unlink(name, dir_fd=subfolder)
    os.fsync(subfolder)


# --- whose ---


def _listed(shared: int) -> list[UserFolder]:
    """All folders that are named as users' are, by owner and name."""
    with os.scandir(shared) as entries:
        named = [entry for entry in entries if _NAME.fullmatch(entry.name)]
    found = []
    for entry in named:
        with suppress(OSError):  # it is gone, or is something that does not even let itself be looked at
            status = entry.stat(follow_symlinks=False)
            if stat.S_ISDIR(status.st_mode):
                found.append(UserFolder(_owner(status), entry.name))
    return sorted(found)


def _owner(status: os.stat_result) -> int:
    return status.st_uid


def _is_folder_of(shared: int, name: str, user: int) -> bool:
    try:
        status = os.stat(name, dir_fd=shared, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return stat.S_ISDIR(status.st_mode) and _owner(status) == user


def _own_name(shared: int) -> str:
    """The name of this user's folder, which is made if there is none."""
    user = os.geteuid()
    return _found(shared, user) or _found(shared, user := _known_as(shared)) or _made(shared, user)


def _found(shared: int, user: int) -> str | None:
    name = f"u{user}"
    if _is_folder_of(shared, name, user):  # asked first: a long list costs time
        return name
    return next((folder.name for folder in _listed(shared) if folder.owner == user), None)


def _known_as(shared: int) -> int:
    """Whom the file system takes this user for: one on a network may take all for one, or root for nobody."""
    name = f".{secrets.token_hex(16)}"
    os.mkdir(name, dir_fd=shared)
    try:
        return _owner(os.stat(name, dir_fd=shared, follow_symlinks=False))
    finally:
        os.rmdir(name, dir_fd=shared)


def _made(shared: int, user: int) -> str:
    """Makes this user's folder, under another name if somebody has taken the usual one."""
    for name in (f"u{user}", f"u{user}-{secrets.token_hex(4)}"):
        with suppress(FileExistsError):
            _make(shared, name)
        if _is_folder_of(shared, name, user):  # if it was there, another process of this user made it
            return name
    raise FileExistsError(errno.EEXIST, "this user can have no folder of its own in it")


# --- making ---


def _make_shared(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with suppress(FileExistsError):
        path.mkdir()
        with opened(path, SUBFOLDER) as shared:
            os.fchmod(shared, _ANYBODYS)


def _make(folder: int, name: str) -> None:
    os.mkdir(name, _PUBLIC, dir_fd=folder)
    os.fsync(folder)


@contextmanager
def _public(folder: int, name: str) -> Iterator[int]:
    """The descriptor of an own folder, which all may read: a umask or a crash may have left it private."""
    with opened(name, SUBFOLDER, folder) as descriptor:
        if stat.S_IMODE(os.fstat(descriptor).st_mode) & 0o777 != _PUBLIC:
            os.fchmod(descriptor, _PUBLIC)
        yield descriptor


def _remove_abandoned(own: int) -> None:
    """Removes temporary files of writers that died; one that cannot be removed is left."""
    before = time.time() - _ABANDONED_SECONDS
    with os.scandir(own) as entries:
        temporary = [entry for entry in entries if _TEMPORARY.fullmatch(entry.name)]
    for entry in temporary:
        with suppress(OSError):
            if entry.stat(follow_symlinks=False).st_mtime < before:
                os.unlink(entry.name, dir_fd=own)
