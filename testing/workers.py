"""What the tests of workers share: tools with a clock to turn, and small things to work on."""

from __future__ import annotations

import json
from dataclasses import dataclass
from fractions import Fraction
from hashlib import sha256
from pathlib import Path
from typing import Literal, cast

import numpy as np

from agents.core.errors import ObjectDamaged, ObjectMissing, StoreFault, StoreUnavailable
from agents.core.ids import Address, InstanceId, couple_id, dataset_id, instance_id
from agents.learning.data.samples import Samples
from agents.learning.data.subset import Subset
from agents.learning.families.affine import LogisticPlan
from agents.learning.families.encrypted_linear import EncryptedLogisticPlan
from agents.learning.plans.base import Plan, Stop
from agents.learning.plans.encrypted import Encryption
from agents.learning.privacy.levels import Secrecy
from agents.roles.acts import R, Task
from agents.roles.results import TrainingResult
from agents.roles.tasks.cloud_owner import OpenPackage, TrainModel
from agents.storage.files import Home
from agents.vault.keys import SecretKey
from agents.vault.store import MAX_OBJECT_BYTES, Data, MemoryStore, ObjectId, ObjectStore
from agents.workers.base import Tools, Worker
from agents.workers.cloud_owner import CloudOwnerWorker
from testing.ciphertexts import mask_keys
from testing.fake_market import FakeMarket
from testing.world import address_of

DO, CO, MO = address_of("data owner"), address_of("cloud owner"), address_of("model owner")
DS, TC = dataset_id(DO, 1), couple_id(MO, 1)
CI = instance_id(DS, 3, 1)
NO_POINT = b"\xff" * 64
"""64 bytes that are no public key: the market registers them all the same."""

PATIENCE = 1_000


def key_of(name: str) -> SecretKey:
    """A member's encryption key."""
    return SecretKey.from_seed(sha256(name.encode()).digest())


class FaultyStore(MemoryStore):
    """A store that does not deliver some of its objects, or takes no more.

    Attributes:
        denied: objects that it cannot read.
        is_full: whether it takes none.
    """

    def __init__(self, max_object_bytes: int = MAX_OBJECT_BYTES) -> None:
        super().__init__(max_object_bytes)
        self.denied: set[ObjectId] = set()
        self.is_full = False

    def put(self, data: Data) -> ObjectId:
        """See `Putter.put`."""
        if self.is_full:
            raise StoreUnavailable("the object cannot be written: No space left on device")
        return super().put(data)

    def get(self, object_id: ObjectId, most: int = MAX_OBJECT_BYTES) -> bytes:
        """See `ObjectStore.get`."""
        if object_id in self.denied:
            raise StoreUnavailable(f"object {object_id} cannot be read: Permission denied")
        return super().get(object_id, most)


STORE_FAULTS: dict[str, type[StoreFault]] = {
    "lost": ObjectMissing,
    "spoilt": ObjectDamaged,
    "denied": StoreUnavailable,
}
"""What a store may do to an object, and what whoever wants the object sees."""


@dataclass
class Place:
    """Where a worker works.

    Attributes:
        now: its clock, in seconds.
    """

    folder: Path
    name: str
    store: FaultyStore
    now: int = 0

    @property
    def key(self) -> SecretKey:
        return key_of(self.name)

    @property
    def tools(self) -> Tools:
        return Tools(Home(self.folder / self.name), self.store, self.key, lambda: self.now, FakeMarket.domain)

    def hurt(self, location: bytes, how: str) -> None:
        """The store does not deliver this object any more; `how` is one of `STORE_FAULTS`."""
        if how == "lost":
            self.lose(location)
        elif how == "spoilt":
            self.spoil(location)
        else:
            self.store.denied.add(ObjectId(location))

    def mend(self, data: bytes) -> None:
        """Somebody puts the object again, and may read it."""
        self.store.denied.discard(self.store.put(data))

    def spoil(self, location: bytes, data: bytes = b"something else") -> None:
        """The store holds other bytes under this id."""
        self.store.objects[ObjectId(location)] = data

    def lose(self, location: bytes) -> None:
        """The store no longer has the object."""
        del self.store.objects[ObjectId(location)]


def done(worker: Worker, task: Task[R]) -> R:
    """What the worker makes of a task."""
    return cast("R", worker.perform(task))


def trained(worker: CloudOwnerWorker, task: TrainModel) -> TrainingResult:
    """What the worker makes of a job that it can do."""
    result = done(worker, task)
    assert isinstance(result, TrainingResult)
    return result


def a_plan(features: int = 3, classes: int = 2, rounds: int = 3, **stop: object) -> Plan:
    """A small plan in plain text, of single results."""
    return LogisticPlan(
        sums="none",
        features=features,
        classes=classes,
        local_steps=4,
        step=Fraction(1, 17),
        clip=4,
        rounds=rounds,
        stop=Stop.model_validate({"metric": "accuracy", **stop}),
    )


def some_samples(rows: int = 20, features: int = 3, seed: int = 0) -> Samples:
    """Rows of two classes, which the first feature tells apart."""
    rng = np.random.default_rng(seed)
    table = rng.integers(-600, 601, (rows, features)).astype(np.int32)
    return Samples(table, (table[:, 0] > 0).astype(np.int32), 2)


def a_subset(index: int = 3, seed: int = 0) -> Subset:
    """One of the four subsets of a dataset."""
    return Subset(index, some_samples(seed=seed), sha256(b"secret %d" % index).digest(), mask_keys(index, 4))


def a_description(subsets: int = 4, level: Secrecy = "none") -> bytes:
    """The description of that dataset."""
    keys = [key.hex() for key in mask_keys(0, subsets).public]
    facts = {"task": "classification", "features": 3, "classes": 2, "rows": 80}
    return json.dumps({**facts, "level": level, "mask_keys": keys}).encode()


def opening(store: ObjectStore, location: bytes, description: bytes | None = None) -> OpenPackage:
    """What a cloud owner does with a package whose dataset's description is in the store."""
    data = a_description() if description is None else description
    return OpenPackage(CI, location, PATIENCE, sha256(data).digest(), store.put(data).digest)


def an_encrypted_plan(
    rounds: int = 8,
    sums: Literal["dataset", "round"] = "dataset",
    features: int = 3,
    classes: int = 2,
    **stop: object,
) -> EncryptedLogisticPlan:
    """The same plan, to be trained on encrypted weights; it names no keys yet."""
    return EncryptedLogisticPlan(
        features=features,
        classes=classes,
        local_steps=4,
        step=Fraction(1, 17),
        clip=4,
        rounds=rounds,
        stop=Stop.model_validate({"metric": "accuracy", **stop}),
        sums=sums,
        encryption=Encryption(degree=8192, primes=(60, 58, 58, 40), plain_bits=59),
    )


def replica(number: int, subset: int = 3) -> tuple[InstanceId, Address]:
    """An instance and its cloud owner."""
    return instance_id(DS, subset, number), address_of(f"cloud owner {number}")
