"""An object store that is elsewhere: S3, or any server that speaks its protocol.

Object ``ab12...`` of a member is ``BASE/<its address, 40 digits>/ab/ab12...``. So a rule on the first part of
the key lets each member write its own and all read all: `agents.vault.grants` writes such rules.

A base is a bucket, or a folder in it. A member puts to its own, and reads there first, then at the bases of
other members that it is told of: each organisation may keep its own bucket.

An object comes in parts of 8 MiB into a file, and is hashed on the way; after a break it goes on where it
was. If the hash is wrong it is fetched once more from the beginning, then from the next base.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from agents.core.errors import ObjectDamaged, ObjectMissing, StoreFault, StoreUnavailable
from agents.storage.partial import PartialFile, partial_file
from agents.vault.bucket import Bucket
from agents.vault.store import MAX_OBJECT_BYTES, Data, ObjectId, check_length, check_size, telling

_TRIES = 2
"""How often an object is fetched from one base if its hash is wrong."""


@dataclass(frozen=True)
class RemoteStore:
    """`ObjectStore` elsewhere.

    Attributes:
        author: whose objects are read, a member's address, 20 bytes; those of its own are put and deleted.
        own: the base where it puts.
        others: bases where it only reads, by preference.
        partial: a folder for what is under way.
        max_object_bytes: larger objects are neither written nor read.
    """

    author: bytes
    own: Bucket
    others: Sequence[Bucket]
    partial: Path
    max_object_bytes: int = MAX_OBJECT_BYTES

    def put(self, data: Data) -> ObjectId:
        """Stores ``data``, unless an object of this name and length is there. See `Putter.put`."""
        size = check_size(data, self.max_object_bytes)
        object_id = ObjectId.of(data)
        if self._size(object_id) != size:
            self.own.write(self._key(object_id), data)
        return object_id

    def get(self, object_id: ObjectId, most: int = MAX_OBJECT_BYTES) -> bytes:
        """See `ObjectStore.get`."""
        with partial_file(self.partial, str(object_id)) as file:
            self._receive(object_id, most, file)
            return file.read()

    def fetch(self, object_id: ObjectId, file: Path, most: int = MAX_OBJECT_BYTES) -> None:
        """See `ObjectStore.fetch`."""
        with partial_file(self.partial, str(object_id)) as part:
            self._receive(object_id, most, part)
            part.keep(file)

    def holds(self, object_id: ObjectId) -> bool:
        """See `ObjectStore.holds`."""
        try:
            self.own.size(self._key(object_id))
        except ObjectMissing:
            return False
        return True

    def delete(self, object_id: ObjectId) -> None:
        """See `ObjectStore.delete`."""
        self.own.delete(self._key(object_id))

    def by(self, author: bytes) -> RemoteStore:
        """See `ObjectStore.by`."""
        return replace(self, author=author)

    def _key(self, object_id: ObjectId) -> str:
        name = str(object_id)
        return f"{self.author.hex()}/{name[:2]}/{name}"

    def _size(self, object_id: ObjectId) -> int | None:
        """Of an own object; None if it is not there, or it is not told: then writing says what is wrong."""
        try:
            return self.own.size(self._key(object_id))
        except StoreFault:
            return None

    def _receive(self, object_id: ObjectId, most: int, file: PartialFile) -> None:
        """Has the object in a file, with its hash right.

        Raises:
            StoreFault: no base gives it; what was said of it that tells most.
        """
        faults: list[StoreFault] = []
        for base in (self.own, *self.others):
            try:
                return self._from(base, object_id, min(most, self.max_object_bytes), file)
            except StoreFault as fault:
                faults.append(fault)
        raise max(faults, key=telling)

    def _from(self, base: Bucket, object_id: ObjectId, most: int, file: PartialFile) -> None:
        for _ in range(_TRIES):
            if self._download(base, object_id, most, file) == object_id.digest:
                return
            file.clear()
        raise ObjectDamaged(f"the bytes for object {object_id} in {base.url} have another hash")

    def _download(self, base: Bucket, object_id: ObjectId, most: int, file: PartialFile) -> bytes:
        """Goes on with an object until its end; its hash."""
        key, length, size = self._key(object_id), file.length, None
        found = hashlib.sha256()
        for chunk in file.chunks():
            found.update(chunk)
        while size is None or length < size:
            data, size = base.read(key, length)
            check_length(size, object_id, most)
            if not data and length < size:
                raise StoreUnavailable(f"{key} in {base.url}: it ends after {length} of {size} bytes")
            file.append(data)
            found.update(data)
            length += len(data)
        return found.digest()
