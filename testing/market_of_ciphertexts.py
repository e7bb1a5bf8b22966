"""A dataset of a few subsets with mask keys, a plan that names its keys, and their jobs on ciphertexts."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from agents.learning.data.samples import Samples
from agents.learning.data.subset import Subset
from agents.learning.families.registry import family_of
from agents.learning.family import Cohort, EncryptedFamily, Family, KeyPair
from agents.learning.integers.weights import Weights
from agents.learning.plans.base import Plan
from agents.learning.plans.encrypted import ExactPlan
from testing.ciphertexts import mask_keys, seed_of

PlanKind = TypeVar("PlanKind", bound=Plan)


@dataclass(frozen=True)
class EncryptedCouple:
    """A model owner's family and keys, and the subsets."""

    family: EncryptedFamily
    keys: KeyPair
    subsets: tuple[Subset, ...]

    def cohort(self, label: bytes = b"label", members: tuple[int, ...] | None = None) -> Cohort:
        return Cohort(label, members or tuple(range(len(self.subsets))))

    def results(self, encrypted: bytes, cohort: Cohort | None = None) -> list[bytes]:
        """Of the cohort's members; of all subsets if none is given."""
        cohort = cohort or self.cohort()
        return [
            self.family.train(self.keys.public, encrypted, self.subsets[index], cohort)
            for index in cohort.members
        ]


def couple_of(
    plan: Plan,
    samples: Sequence[Samples],
    keys: KeyPair | None = None,
    kind: Callable[[Plan], Family] = family_of,
) -> EncryptedCouple:
    """A couple of fresh keys, or of these, which the plan then names; of another family than the plan's."""
    keys = keys or kind(plan).keys()
    subsets = tuple(
        Subset(index, rows, seed_of(f"secret {index}"), mask_keys(index, len(samples)))
        for index, rows in enumerate(samples)
    )
    family = kind(naming(plan, keys))
    assert isinstance(family, EncryptedFamily)
    return EncryptedCouple(family, keys, subsets)


def naming(plan: PlanKind, keys: KeyPair) -> PlanKind:
    """The plan, with the hash of these keys in it."""
    return plan.with_keys(hashlib.sha256(keys.public).hexdigest())


def some_weights(plan: Plan, seed: int = 0, largest: float = 0.5) -> Weights:
    """Uniform weights up to `largest` in real units, in all columns that cloud owners are given."""
    shapes = dict(plan.shapes)
    if isinstance(plan, ExactPlan):
        shapes["output"] = (shapes["output"][0], plan.columns)
    rng, unit = np.random.default_rng(seed), 2**plan.weight_bits
    return Weights(
        {
            name: np.rint(rng.uniform(-largest, largest, shape) * unit).astype(np.int64)
            for name, shape in shapes.items()
        },
        plan.weight_bits,
    )
