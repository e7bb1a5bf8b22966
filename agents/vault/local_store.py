"""An object store in a folder of the local file system, for agents that share a machine.

Layout: object ``ab12...`` is the file ``<folder>/u<uid>/ab/ab12...`` (all 64 digits) of whoever put it.
Every user of the machine writes in a folder of its own there and reads all: so no agent waits for another,
and a stranger can add no more than a copy that is passed over. An object is written under a name that nobody
else has, forced to the disk and renamed, so it is whole or absent at any moment. Everybody may read it,
whatever the umask: it is sealed, or public.

A read takes the first copy that has the right hash: this user's, then the others', the smallest first, so
that a large false one comes after the true one; then ``<folder>/ab/ab12...``, where earlier versions put it.
A copy that cannot be read, or is something else, only means that the next one is tried.

Files are opened relative to their folder and never through a symbolic link: whoever may write to the folder
can withhold an object, but cannot make an agent read another file.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Final, Self

from agents.core.errors import ObjectDamaged, ObjectMissing, StoreFault, StoreUnavailable
from agents.storage.atomic import FOLDER, SUBFOLDER, opened
from agents.storage.files import write
from agents.storage.shared import (
    is_own,
    own_folder,
    own_subfolder,
    remove_public,
    user_folders,
    usual_name,
    write_public,
)
from agents.vault.store import (
    MAX_OBJECT_BYTES,
    Data,
    ObjectId,
    check_length,
    check_size,
    checked,
    contents,
    telling,
)

_READ: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC  # a planted pipe must not hang us
_EARLIER: Final = ""
"""The place of objects of earlier versions: the folder itself."""


class LocalStore:
    """`ObjectStore` in a folder. Several threads, processes and users may use one folder at once.

    Args:
        folder: made by the first `put` if it is not there. It is not touched before: an agent starts, and
            does all that needs no object, while the store is away.
        max_object_bytes: larger objects are neither written nor read.
    """

    def __init__(self, folder: Path, max_object_bytes: int = MAX_OBJECT_BYTES) -> None:
        self._folder = folder
        self._max_object_bytes = max_object_bytes

    def put(self, data: Data) -> ObjectId:
        """Store ``data``; a damaged file of the same object is replaced. See `Putter.put`.

        Another user's copy does not count: it can be taken away again.
        """
        check_size(data, self._max_object_bytes)
        object_id = ObjectId.of(data)
        name = str(object_id)
        with (
            _unavailable(f"object {name} cannot be written in {self._folder}"),
            own_folder(self._folder) as own,
            own_subfolder(own, name[:2]) as subfolder,
        ):
            if not self._holds(subfolder, object_id):
                write_public(own, subfolder, name, contents(data))
        return object_id

    def get(self, object_id: ObjectId, most: int = MAX_OBJECT_BYTES) -> bytes:
        """The object's bytes, checked against their hash. See `ObjectStore.get`."""
        faults: list[StoreFault] = []
        most = min(most, self._max_object_bytes)
        what = f"object {object_id} cannot be read in {self._folder}"
        with _unavailable(what), opened(self._folder, FOLDER) as shared:
            for place in self._places(shared, object_id):
                try:
                    return self._copy(shared, place, object_id, most)
                except StoreFault as fault:
                    faults.append(fault)
        raise max(faults, key=telling)

    def fetch(self, object_id: ObjectId, file: Path, most: int = MAX_OBJECT_BYTES) -> None:
        """See `ObjectStore.fetch`."""
        write(file, self.get(object_id, most))

    def holds(self, object_id: ObjectId) -> bool:
        """Whether this user has a file of the object. See `ObjectStore.holds`."""
        name = str(object_id)
        with _unavailable(f"object {name} cannot be looked for in {self._folder}"):
            try:
                with own_folder(self._folder) as own, _subfolder(own, "", object_id) as subfolder:
                    return stat.S_ISREG(os.stat(name, dir_fd=subfolder, follow_symlinks=False).st_mode)
            except FileNotFoundError:
                return False

    def delete(self, object_id: ObjectId) -> None:
        """Deletes this user's copy; another user's is not its own. See `ObjectStore.delete`."""
        name = str(object_id)
        with (
            _unavailable(f"object {name} cannot be deleted in {self._folder}"),
            own_folder(self._folder) as own,
            suppress(FileNotFoundError),
            _subfolder(own, "", object_id) as subfolder,
        ):
            remove_public(subfolder, name)

    def by(self, author: bytes) -> Self:
        """Itself: a copy has its user's name, and its hash says whether it is the right one."""
        del author
        return self

    def _places(self, shared: int, object_id: ObjectId) -> Iterator[str]:
        """The folders in the shared one where a copy may be, in the order in which they are tried."""
        own = usual_name()
        if is_own(shared, own):
            yield own
        others = [folder.name for folder in user_folders(shared)]
        sizes = ((self._size(shared, place, object_id), place) for place in others if place != own)
        yield from (place for size, place in sorted(pair for pair in sizes if pair[0] is not None))
        yield _EARLIER

    def _size(self, shared: int, place: str, object_id: ObjectId) -> int | None:
        """How large a copy seems to be; None if there is none. What cannot be looked at is tried last."""
        try:
            with _subfolder(shared, place, object_id) as subfolder:
                return os.stat(str(object_id), dir_fd=subfolder, follow_symlinks=False).st_size
        except FileNotFoundError:
            return None
        except OSError:
            return self._max_object_bytes + 1

    def _copy(self, shared: int, place: str, object_id: ObjectId, most: int) -> bytes:
        """The object's bytes, from one place.

        Raises:
            ObjectMissing, ObjectDamaged, StoreUnavailable: this copy is of no use.
        """
        try:
            with _subfolder(shared, place, object_id) as subfolder:
                return _read(subfolder, object_id, most)
        except FileNotFoundError:
            raise ObjectMissing(f"no object {object_id}") from None
        except OSError as error:
            raise StoreUnavailable(
                f"object {object_id} cannot be read in {self._folder / place}: {error.strerror}"
            ) from error

    def _holds(self, subfolder: int, object_id: ObjectId) -> bool:
        """Whether this user's own copy is there and right."""
        try:
            _read(subfolder, object_id, self._max_object_bytes)
        except (OSError, ObjectDamaged):
            return False
        return True


def _read(subfolder: int, object_id: ObjectId, most: int) -> bytes:
    name = str(object_id)
    # a planted link or pipe; this check can be raced, but opening does not follow links or wait either
    if not stat.S_ISREG(os.stat(name, dir_fd=subfolder, follow_symlinks=False).st_mode):
        raise ObjectDamaged(f"what is stored as object {name} is no plain file")
    with opened(name, _READ, subfolder) as file, open(file, "rb", closefd=False) as stream:
        size = os.fstat(file).st_size
        check_length(size, object_id, most)
        return checked(stream.read(size), object_id)


@contextmanager
def _subfolder(shared: int, place: str, object_id: ObjectId) -> Iterator[int]:
    """The descriptor of the folder where a place has an object. No link is followed on the way."""
    with ExitStack() as folders:
        for name in filter(None, (place, str(object_id)[:2])):
            shared = folders.enter_context(opened(name, SUBFOLDER, shared))
        yield shared


@contextmanager
def _unavailable(what: str) -> Iterator[None]:
    """What the disk refuses concerns an object, and is tried again; the agent's own disk may be another."""
    try:
        yield
    except OSError as error:
        raise StoreUnavailable(f"{what}: {error.strerror}") from error
