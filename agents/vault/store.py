"""The object store: bytes by their SHA-256, behind one narrow seam.

A store is not trusted. It cannot read what it holds (`agents.vault.packages` seals) and cannot pass off other
bytes: an object's name is its hash, checked on every read. So whatever is wrong with what a store gives is
the store's fault, concerns one object, and may be put right: a `StoreFault`, never a `BadObject`. The shared
tests hold for each backend.

A store is one member's: what it puts and deletes is its own, and what another member put is read `by` that
one. Ids and events do not say whose an object is; whoever wrote the event is its author.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol, Self

from agents.core.errors import BadInput, BadObject, ObjectDamaged, ObjectMissing, StoreFault, StoreUnavailable
from agents.storage.files import write

OBJECT_ID_BYTES: Final = 32
MAX_OBJECT_BYTES: Final = 256 * 2**20


Data = bytes | Path
"""What is stored: bytes, or a file, so that nobody need hold hundreds of megabytes."""


@dataclass(frozen=True, slots=True)
class ObjectId:
    """Name of a stored object.

    Attributes:
        digest: SHA-256 of the stored bytes, 32 bytes.

    Raises:
        BadObject: the digest has another length. Ids come from other members.
    """

    digest: bytes

    def __post_init__(self) -> None:
        if len(self.digest) != OBJECT_ID_BYTES:
            raise BadObject(f"an object id has {OBJECT_ID_BYTES} bytes, this one has {len(self.digest)}")

    @classmethod
    def of(cls, data: Data) -> ObjectId:
        """The id that ``data`` have in every store."""
        if isinstance(data, bytes):
            return cls(hashlib.sha256(data).digest())
        with data.open("rb") as file:
            return cls(hashlib.file_digest(file, "sha256").digest())

    def __str__(self) -> str:
        """64 lower-case hexadecimal digits."""
        return self.digest.hex()


class Putter(Protocol):
    """Where objects are put."""

    def put(self, data: Data) -> ObjectId:
        """Store ``data``; storing the same bytes again changes nothing.

        When it returns, the object outlives a crash as far as the backend can promise.

        Raises:
            BadInput: larger than the store takes.
            StoreUnavailable: it cannot be written, or the backend did not answer.
        """


class ObjectStore(Putter, Protocol):
    """What a backend does. Safe to call from several threads."""

    def get(self, object_id: ObjectId, most: int = MAX_OBJECT_BYTES) -> bytes:
        """The bytes whose SHA-256 is ``object_id``; what is longer than ``most`` bytes is not read.

        Raises:
            ObjectMissing: the store does not hold it (yet).
            ObjectDamaged: what the store holds under this id is something else, or longer.
            StoreUnavailable: it cannot be read, or the backend did not answer.
        """

    def fetch(self, object_id: ObjectId, file: Path, most: int = MAX_OBJECT_BYTES) -> None:
        """Writes the object to a private file, which has its name once its hash is right, and not before.

        Raises:
            ObjectMissing, ObjectDamaged, StoreUnavailable: as `get`.
            StorageFailed: this machine's disk refuses the file.
        """

    def holds(self, object_id: ObjectId) -> bool:
        """Whether an object of this member's own seems to be there; its bytes are not looked at.

        Raises:
            StoreUnavailable: the backend did not answer.
        """

    def delete(self, object_id: ObjectId) -> None:
        """Deletes an object of this member's own, if it is there.

        Raises:
            StoreUnavailable: it cannot be deleted, or the backend did not answer.
        """

    def by(self, author: bytes) -> ObjectStore:
        """The same store, to read what the member with this address, 20 bytes, has put."""


class MemoryStore:
    """An object store that forgets: for tests and for trying things out."""

    def __init__(self, max_object_bytes: int = MAX_OBJECT_BYTES) -> None:
        self.objects: dict[ObjectId, bytes] = {}
        self._max_object_bytes = max_object_bytes

    def put(self, data: Data) -> ObjectId:
        """See `Putter.put`."""
        check_size(data, self._max_object_bytes)
        object_id = ObjectId.of(data)
        self.objects[object_id] = contents(data)
        return object_id

    def get(self, object_id: ObjectId, most: int = MAX_OBJECT_BYTES) -> bytes:
        """See `ObjectStore.get`."""
        if object_id not in self.objects:
            raise ObjectMissing(f"no object {object_id}")
        data = self.objects[object_id]
        check_length(len(data), object_id, most)
        return checked(data, object_id)

    def fetch(self, object_id: ObjectId, file: Path, most: int = MAX_OBJECT_BYTES) -> None:
        """See `ObjectStore.fetch`."""
        write(file, self.get(object_id, most))

    def holds(self, object_id: ObjectId) -> bool:
        """See `ObjectStore.holds`."""
        return object_id in self.objects

    def delete(self, object_id: ObjectId) -> None:
        """See `ObjectStore.delete`."""
        self.objects.pop(object_id, None)

    def by(self, author: bytes) -> Self:
        """Itself: all share it."""
        del author
        return self


def contents(data: Data) -> bytes:
    """The bytes of what is stored."""
    return data if isinstance(data, bytes) else data.read_bytes()


def check_size(data: Data, max_object_bytes: int) -> int:
    """Refuse what a store does not take; how long it is.

    Raises:
        BadInput: ``data`` are longer than ``max_object_bytes``.
    """
    size = len(data) if isinstance(data, bytes) else data.stat().st_size
    if size > max_object_bytes:
        raise BadInput(f"an object of {size} bytes: this store takes at most {max_object_bytes}")
    return size


def check_length(length: int, object_id: ObjectId, most: int) -> None:
    """Refuse what is longer than its reader wants.

    Raises:
        ObjectDamaged: it is.
    """
    if length > most:
        raise ObjectDamaged(f"object {object_id} is larger than the limit of {most} bytes")


def checked(data: bytes, object_id: ObjectId) -> bytes:
    """``data``, if they are what ``object_id`` names.

    Raises:
        ObjectDamaged: they are not.
    """
    if ObjectId.of(data) != object_id:
        raise ObjectDamaged(f"the store's bytes for object {object_id} have another hash")
    return data


def telling(fault: StoreFault) -> int:
    """How much a fault says: a copy that cannot be read may be the right one, one of other bytes is not."""
    if isinstance(fault, ObjectDamaged):
        return 1
    return 2 if isinstance(fault, StoreUnavailable) else 0
