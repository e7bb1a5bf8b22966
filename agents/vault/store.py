"""The object store: bytes by their SHA-256, behind one narrow seam.

A store is not trusted. It cannot read what it holds (`agents.vault.packages` seals) and cannot pass off other
bytes: an object's name is its hash, checked on every read. So whatever is wrong with what a store gives is
the store's fault, concerns one object, and may be put right: a `StoreFault`, never a `BadObject`. A backend
is two methods; the shared tests hold.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Final, Protocol

from agents.core.errors import BadInput, BadObject, ObjectDamaged, ObjectMissing

OBJECT_ID_BYTES: Final = 32
MAX_OBJECT_BYTES: Final = 256 * 2**20


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
    def of(cls, data: bytes) -> ObjectId:
        """The id that ``data`` have in every store."""
        return cls(hashlib.sha256(data).digest())

    def __str__(self) -> str:
        """64 lower-case hexadecimal digits."""
        return self.digest.hex()


class ObjectStore(Protocol):
    """What a backend does. Safe to call from several threads."""

    def put(self, data: bytes) -> ObjectId:
        """Store ``data``; storing the same bytes again changes nothing.

        When it returns, the object outlives a crash as far as the backend can promise.

        Raises:
            BadInput: larger than the store takes.
            StoreUnavailable: it cannot be written, or the backend did not answer.
        """

    def get(self, object_id: ObjectId, most: int = MAX_OBJECT_BYTES) -> bytes:
        """The bytes whose SHA-256 is ``object_id``; what is longer than ``most`` bytes is not read.

        Raises:
            ObjectMissing: the store does not hold it (yet).
            ObjectDamaged: what the store holds under this id is something else, or longer.
            StoreUnavailable: it cannot be read, or the backend did not answer.
        """


class MemoryStore:
    """An object store that forgets: for tests and for trying things out."""

    def __init__(self, max_object_bytes: int = MAX_OBJECT_BYTES) -> None:
        self.objects: dict[ObjectId, bytes] = {}
        self._max_object_bytes = max_object_bytes

    def put(self, data: bytes) -> ObjectId:
        """See `ObjectStore.put`."""
        check_size(data, self._max_object_bytes)
        object_id = ObjectId.of(data)
        self.objects[object_id] = data
        return object_id

    def get(self, object_id: ObjectId, most: int = MAX_OBJECT_BYTES) -> bytes:
        """See `ObjectStore.get`."""
        if object_id not in self.objects:
            raise ObjectMissing(f"no object {object_id}")
        data = self.objects[object_id]
        check_length(len(data), object_id, most)
        return checked(data, object_id)


def check_size(data: bytes, max_object_bytes: int) -> None:
    """Refuse what a store does not take.

    Raises:
        BadInput: ``data`` are longer than ``max_object_bytes``.
    """
    if len(data) > max_object_bytes:
        raise BadInput(f"an object of {len(data)} bytes: this store takes at most {max_object_bytes}")


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
