"""A family that hides nothing from its cloud owners and adds up like a true one: quick, for stories.

The public part of its keys opens the weights. Its masks are true: single results are uniform, and only the
sum of a whole cohort, for one label and one encryption, comes to anything.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from hashlib import sha256, shake_256
from typing import cast

import numpy as np

from agents.core.errors import BadObject, BadPlan
from agents.learning.data.canonical import digest, pack, unpack
from agents.learning.data.mask_keys import MaskKeys, pair_seed
from agents.learning.data.samples import FloatArray, Int64Array, Samples
from agents.learning.data.subset import Subset
from agents.learning.families.affine import PlainRidge
from agents.learning.families.encrypted_linear import EncryptedLogistic, EncryptedLogisticPlan
from agents.learning.family import Cohort, EncryptedFamily, KeyPair
from agents.learning.he.secure_aggregation import check_cohort
from agents.learning.integers.update import Update
from agents.learning.integers.weights import Weights
from agents.learning.plans.base import PlainPlan, Plan, Server
from agents.learning.plans.limits import DEFAULT_LIMITS, Limits
from agents.learning.privacy.maps import ShownMap

_MAGIC, _NONCE = b"FAKE", 16
_MOST = 2**50
"""No honest sum is larger; one with masks in it nearly always is."""


class FakeFamily(EncryptedFamily):
    """Trains in plain text behind a stream cipher."""

    schema = EncryptedLogisticPlan

    def __init__(self, plan: Plan, limits: Limits = DEFAULT_LIMITS) -> None:
        super().__init__(plan, limits)
        self._plain = PlainRidge(cast("PlainPlan", plan), limits)  # it has all the numbers of a descent

    @property
    def shown_map(self) -> ShownMap:
        return ShownMap("of the columns", self.plan.features + 1, self.plan.outputs)

    @classmethod
    def default_plan(cls, features: int, classes: int, rounds: int, seed: int) -> EncryptedLogisticPlan:
        plan = EncryptedLogistic.default_plan(features, classes, rounds, seed)
        averaged = {"server": Server(), "local_steps": 20, "probes": 0, "readout": "outputs"}
        return plan.model_copy(update=averaged)

    def keys(self) -> KeyPair:
        secret = os.urandom(32)
        return KeyPair(secret, b"public " + secret)

    def encrypt(self, keys: KeyPair, weights: Weights) -> bytes:
        nonce = os.urandom(_NONCE)
        return _MAGIC + nonce + _veiled(keys.public, nonce, weights.to_bytes())

    def decrypt(self, keys: KeyPair, results: Sequence[bytes]) -> Update:
        del keys
        read = [self._read(result) for result in results]
        if len({label for _, label in read}) != 1:
            raise BadObject("results of different sums")
        total = {name: np.sum([tensors[name] for tensors, _ in read], axis=0) for name in read[0][0]}
        if any(np.abs(matrix).max() > _MOST for matrix in total.values()):
            raise BadObject("the masks do not cancel")
        samples = int(total.pop("samples")[0, 0])
        return Update(total, samples)

    def check_published(self, published: bytes) -> None:
        if not published.startswith(_MAGIC):
            raise BadObject("no encrypted weights")

    def train(self, public: bytes, encrypted: bytes, subset: Subset, cohort: Cohort) -> bytes:
        if digest(public).hex() != self.plan.encryption.keys:
            raise BadPlan("other keys than the plan names")
        keys = check_cohort(self.sums, subset, cohort)
        nonce = encrypted[len(_MAGIC) :][:_NONCE]
        data = _veiled(public, nonce, encrypted[len(_MAGIC) + _NONCE :])
        update = self.local_update(Weights.from_bytes(data, self.plan), subset.samples)
        tensors = {**update.change, "samples": np.array([[update.samples]], dtype=np.int64)}
        label = sha256(cohort.label + bytes(cohort.members) + digest(encrypted)).digest()
        masked = {
            name: matrix + _mask(keys, subset.index, cohort, label + name.encode(), matrix)
            for name, matrix in tensors.items()
        }
        return pack(masked, {"kind": "fake result", "label": label.hex()})

    def check_result(self, result: bytes) -> None:
        self._read(result)

    def local_update(self, weights: Weights, samples: Samples) -> Update:
        return self._plain.local_update(weights, samples)

    def scores(self, weights: Weights, samples: Samples) -> FloatArray:
        return self._plain.scores(weights, samples)

    def _read(self, result: bytes) -> tuple[dict[str, Int64Array], str]:
        tensors, facts = unpack(result, "the result")
        if facts.get("kind") != "fake result" or set(tensors) != {*self.plan.shapes, "samples"}:
            raise BadObject("the result: of another kind")
        return {name: array.astype(np.int64) for name, array in tensors.items()}, str(facts["label"])


def _veiled(public: bytes, nonce: bytes, data: bytes) -> bytes:
    stream = shake_256(public + nonce).digest(len(data))
    return bytes(a ^ b for a, b in zip(data, stream, strict=True))


def _mask(keys: MaskKeys, own: int, cohort: Cohort, label: bytes, matrix: Int64Array) -> Int64Array:
    total = np.zeros_like(matrix)
    for other in cohort.members:
        if other != own:
            stream = shake_256(pair_seed(keys, own, other, label)).digest(8 * matrix.size)
            part = np.frombuffer(stream, dtype="<i8").reshape(matrix.shape)
            total += part if own < other else -part
    return total
