"""An object store in a folder of the local file system, for agents that share a machine.

Layout: object ``ab12...`` is the file ``<folder>/ab/ab12...`` (all 64 digits). A writer holds the lock of the
subfolder ``ab``, writes ``ab/incoming``, forces it to the disk and renames it. So an object is whole or
absent at any moment, and a crash leaves at most one ``incoming`` a subfolder, which the next writer there
replaces.

Files are opened relative to their folder and never through a symbolic link: whoever may write to the folder
can withhold an object, but cannot make an agent read another file.
"""

from __future__ import annotations

import fcntl
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from agents.core.errors import BadObject, ObjectMissing, StorageFailed, StoreUnavailable
from agents.storage.atomic import FOLDER, READABLE, make_subfolder, opened, write_whole
from agents.storage.files import make_folder
from agents.vault.store import MAX_OBJECT_BYTES, ObjectId, check_size, checked

_INCOMING: Final = "incoming"
_SUBFOLDER: Final = FOLDER | os.O_NOFOLLOW
_READ: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC  # a planted pipe must not hang us


class LocalStore:
    """`ObjectStore` in a folder. Several threads and processes may use one folder at once.

    Args:
        folder: made if it is not there.
        max_object_bytes: larger objects are neither written nor read.

    Raises:
        StoreUnavailable: the folder cannot be made.
    """

    def __init__(self, folder: Path, max_object_bytes: int = MAX_OBJECT_BYTES) -> None:
        self._folder = folder
        self._max_object_bytes = max_object_bytes
        try:
            make_folder(folder, private=False)
        except StorageFailed as failure:  # of the store, which is not the end of the agent
            raise StoreUnavailable(f"the object store {folder} cannot be made: {failure.reason}") from failure

    def put(self, data: bytes) -> ObjectId:
        """Store ``data``; a damaged file of the same object is replaced. See `ObjectStore.put`."""
        check_size(data, self._max_object_bytes)
        object_id = ObjectId.of(data)
        with _unavailable(f"object {object_id} cannot be written"), self._locked(object_id) as subfolder:
            if not self._holds(object_id):
                write_whole(subfolder, str(object_id), data, _INCOMING, READABLE)
        return object_id

    def get(self, object_id: ObjectId) -> bytes:
        """The object's bytes, checked against their hash. See `ObjectStore.get`."""
        try:
            data = self._read(object_id)
        except FileNotFoundError:
            raise ObjectMissing(f"no object {object_id}") from None
        except OSError as error:
            raise StoreUnavailable(f"object {object_id} cannot be read: {error.strerror}") from error
        return checked(data, object_id)

    def _holds(self, object_id: ObjectId) -> bool:
        try:
            self.get(object_id)
        except (ObjectMissing, BadObject):
            return False
        return True

    @contextmanager
    def _locked(self, object_id: ObjectId) -> Iterator[int]:
        with opened(self._folder, FOLDER) as folder:
            name = str(object_id)[:2]
            make_subfolder(folder, name)
            with opened(name, _SUBFOLDER, folder) as subfolder:
                fcntl.flock(subfolder, fcntl.LOCK_EX)  # released on close, or when the process dies
                yield subfolder

    def _read(self, object_id: ObjectId) -> bytes:
        name = str(object_id)
        with opened(self._folder, FOLDER) as folder:
            _refuse_unless(stat.S_ISDIR, name[:2], folder)
            with opened(name[:2], _SUBFOLDER, folder) as subfolder:
                _refuse_unless(stat.S_ISREG, name, subfolder)
                with opened(name, _READ, subfolder) as file, open(file, "rb", closefd=False) as stream:
                    data = stream.read(self._max_object_bytes + 1)
        if len(data) > self._max_object_bytes:
            raise BadObject(f"object {object_id} is larger than the limit of {self._max_object_bytes} bytes")
        return data


def _refuse_unless(is_kind: Callable[[int], bool], name: str, folder: int) -> None:
    """Refuse a planted link or pipe. This check can be raced; opening does not follow links either."""
    if not is_kind(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode):
        raise BadObject(f"{name} in the object store is neither a plain file nor a folder")


@contextmanager
def _unavailable(what: str) -> Iterator[None]:
    """What the disk refuses concerns an object, and is tried again; the agent's own disk may be another."""
    try:
        yield
    except OSError as error:
        raise StoreUnavailable(f"{what}: {error.strerror}") from error
