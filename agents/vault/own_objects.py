"""What a member has put in the object store, and what for: so that it can look after it, and delete it.

Of each object there is a file ``stored/<digest>`` in the home that names its purposes, the tasks that it came
of. It is written before the object is put, and removed after the object is deleted: a crash leaves a file
too many, never an object that nobody knows of. Beside it are the object's bytes, if the store is elsewhere.

A canary is an object that each member puts once, and whose bytes everybody knows. If it is gone, what else is
not there says nothing of whose it is: this member looks at another bucket than it did, or the store is empty.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from agents.core.errors import (
    BadObject,
    ObjectDamaged,
    ObjectMissing,
    StoreFault,
    StoreLost,
    StoreRefused,
)
from agents.storage.files import Home
from agents.vault.store import Data, ObjectId, ObjectStore, Putter

CANARY = "canary"
"""The purpose of a member's canary."""

_FOLDER = "stored"
_COPIES = "stored-copies"


@dataclass(frozen=True)
class Stored:
    """An object that this member put.

    Attributes:
        purposes: the keys of the tasks that it came of.
        file: its bytes, by the file's name in the home; empty if they are not kept.
    """

    id: ObjectId
    purposes: frozenset[str]
    file: str = ""

    def is_for(self, purpose: str) -> bool:
        """Whether one of its purposes is this, or a part of it."""
        return any(_is_part(own, purpose) for own in self.purposes)


@dataclass(frozen=True)
class OwnObjects:
    """A member's own objects.

    Attributes:
        author: the member's address, 20 bytes.
        copies: whether to keep the bytes, so as to put again what a store has lost.
    """

    home: Home
    store: ObjectStore
    author: bytes = bytes(20)
    copies: bool = False

    def under(self, purpose: str) -> Putter:
        """Where the objects of a task are put."""
        return _Under(self, purpose)

    def put(self, data: Data, purpose: str) -> ObjectId:
        """Puts an object; see `Putter.put`.

        Args:
            data: its bytes, or a file of the home, which stays there.
            purpose: the key of the task that it comes of.
        """
        if purpose != CANARY:
            self._put_canary()
        object_id = ObjectId.of(data)
        self._note(object_id, data, purpose)
        return self.store.put(data)

    def all(self) -> Iterator[Stored]:
        """All that it has put and not deleted."""
        for name in self.home.names(_FOLDER):
            stored = self._read(name)
            if stored is not None:
                yield stored

    def forget(self, purpose: str) -> int:
        """Deletes what was put for this alone; how many objects."""
        gone = 0
        for stored in self.all():
            left = frozenset(own for own in stored.purposes if not _is_part(own, purpose))
            if left == stored.purposes:
                continue
            if left:
                self._write(Stored(stored.id, left, stored.file))
                continue
            self.store.delete(stored.id)
            self.home.remove(f"{_COPIES}/{stored.id}")
            self.home.remove(f"{_FOLDER}/{stored.id}")
            gone += 1
        return gone

    def restore(self, stored: Stored) -> bool:
        """Puts an object again that the store has lost; whether its bytes are still here."""
        if CANARY in stored.purposes:
            self.store.put(canary(self.author))
            return True
        path = self.home.path(stored.file)
        if not stored.file or not path.is_file() or ObjectId.of(path) != stored.id:
            return False
        self.store.put(path)
        return True

    def check_canary(self) -> None:
        """Makes sure that the store still has what this member put.

        Raises:
            StoreLost: it has not, or does not let this member in.
            StoreFault: it cannot be told.
        """
        self._put_canary()
        object_id = ObjectId.of(canary(self.author))
        try:
            if not self.store.holds(object_id):  # at this member's own base, whatever others say
                raise ObjectMissing(f"no object {object_id}")
            self.store.get(object_id)
        except (ObjectMissing, ObjectDamaged, StoreRefused) as fault:
            raise StoreLost(
                f"the store does not give this member's own canary ({fault}), so nothing can be said of "
                "others: see `holdfast store check`"
            ) from fault

    def told_of(self, author: bytes) -> str:
        """In words, if the store lacks not one object of a member but all that it ever put, as it seems."""
        try:
            self.store.by(author).get(ObjectId.of(canary(author)))
        except StoreFault:
            return f"; nothing of 0x{author.hex()} is there: see --store-read"
        return ""

    def _put_canary(self) -> None:
        data = canary(self.author)
        if self._read(str(ObjectId.of(data))) is None:
            self.put(data, CANARY)

    def _note(self, object_id: ObjectId, data: Data, purpose: str) -> None:
        """Writes down what is about to be put."""
        file = ""
        if isinstance(data, Path):
            file = str(data.relative_to(self.home.folder))
        elif self.copies:
            file = f"{_COPIES}/{object_id}"
            self.home.write(file, data)
        before = self._read(str(object_id))
        purposes = before.purposes if before else frozenset()
        self._write(Stored(object_id, purposes | {purpose}, file))

    def _write(self, stored: Stored) -> None:
        facts = {"for": sorted(stored.purposes), "file": stored.file}
        self.home.write(f"{_FOLDER}/{stored.id}", json.dumps(facts).encode())

    def _read(self, name: str) -> Stored | None:
        """What is noted of an object; None of what is no such note, whoever left it there."""
        data = self.home.read(f"{_FOLDER}/{name}")
        try:
            facts = json.loads(data or b"")
            return Stored(
                ObjectId(bytes.fromhex(name)), frozenset(map(str, facts["for"])), str(facts["file"])
            )
        except (BadObject, ValueError, KeyError, TypeError):
            return None


@dataclass(frozen=True)
class _Under:
    """The objects of one task."""

    own: OwnObjects
    purpose: str

    def put(self, data: Data) -> ObjectId:
        return self.own.put(data, self.purpose)


def canary(author: bytes) -> bytes:
    """The bytes of a member's canary; its address has 20."""
    return b"holdfast/canary/1/" + author.hex().encode()


def _is_part(purpose: str, of: str) -> bool:
    return f"{purpose}/".startswith(f"{of}/")
