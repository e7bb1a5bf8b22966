"""Datasets offered with noise."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from typing import Any

from agents.demo.ranges import policy_of
from agents.learning.data.subset import Subset
from agents.learning.data.tables import Table, load_table
from agents.learning.families.registry import default_plan, family_of
from agents.learning.family import NO_KEYS, Cohort
from agents.learning.integers.aggregate import ServerState
from agents.learning.plans.base import Plan
from agents.learning.privacy.offer import Offer, offer
from testing.ciphertexts import mask_keys, seed_of


def offered(table: str | Table, subsets: int = 4, seed: int = 0, **fields: Any) -> tuple[Offer, Plan]:
    """A table, or a built-in one by name, offered with noise, and a plan for it."""
    table = load_table(table) if isinstance(table, str) else table

    def derive(purpose: bytes) -> bytes:
        return sha256(b"%d" % seed + purpose).digest()

    made = offer(table, policy_of(table, **fields), subsets, seed, derive)
    features, classes = made.prepared.train.features.shape[1], made.prepared.train.classes
    plan = default_plan(table.task, classes, features, "moments").with_noise(made.guarantee.noise)
    return made, plan


def subsets_of(made: Offer) -> list[Subset]:
    """As its cloud owners hold them."""
    return [
        Subset(
            index,
            made.prepared.train.take(part),
            seed_of(f"secret {index}"),
            mask_keys(index, len(made.parts)),
            noise,
        )
        for index, (part, noise) in enumerate(zip(made.parts, made.noise, strict=True))
    ]


def results_of(plan: Plan, subsets: Sequence[Subset], label: bytes = b"a sum") -> list[bytes]:
    """What the subsets' replicas send."""
    family = family_of(plan)
    published = family.publish(NO_KEYS, family.initial_weights())
    cohort = Cohort(label, family.members((0,), len(subsets)))
    return [family.train(b"", published, subset, cohort) for subset in subsets]


def trained(plan: Plan, subsets: Sequence[Subset]) -> ServerState:
    """What the model owner makes of them."""
    family = family_of(plan)
    state = ServerState.initial(family.initial_weights())
    return family.aggregate(state, family.update(state.weights, NO_KEYS, results_of(plan, subsets)))
