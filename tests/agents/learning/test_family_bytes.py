"""What all families have given since they first ran: default plans, the schema, first weights, updates.

The digests were taken before families became one kind of object; those of plans in plain text, and of the
schema, when these got `sums`. Whoever changes one changes what agents of different versions agree on.

Rules: P2, P6, P25.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from itertools import product

import pytest

from agents.core.errors import BadPlan
from agents.learning.data.canonical import pack
from agents.learning.data.samples import PredictionTask
from agents.learning.families.registry import default_plan, family_of, plan_schema
from agents.learning.plans.base import Plan
from testing.families import initial_weights
from tests.agents.learning.conftest import random_samples

DEFAULT_PLANS = {
    "linear": "22a9cc83713d886631911a3c22ecfede6f03021632669ed23c853347b680139b",
    "ridge": "d1540510291e45f9e9e7da807570d739f5dcd4ac0e53523eb1d98f62675da466",
    "logistic": "6f16d69ef2a94086aed81c634871e543f3fc4188afb62f0bce0f165f312f949c",
    "network": "d54b9348910330d60ed54387141c4c6e5108ed23024f266eda5fe2bbb128641b",
    "encrypted-linear": "3887233473e69415cc90bbe7abd7a2c57bcaa080c9928737561cae5aad34fd1b",
    "encrypted-ridge": "ec8dee07e95bcff9dab001056b7421c585b0bd8788164fc18b76833261507a4b",
    "encrypted-logistic": "9a2ff48edef385c979740902b571192392981b8851424893a877a4d283f36597",
    "encrypted-features": "417bbe83de259048bf8b954156e04a11b4771e37f5711d1d00c1f69266e4a51f",
    "encrypted-cubic": "bdf59d9dde386bebe17f2379be07050257038f3ceda551aec2d80e7a25aa12ec",
    "encrypted-network": "8710cbb4f24d3abb3d65a9ab5c45e9bcdda33aeb17445f32653647aa2742b242",
    "moments": "c974061fdcdff4449f012c51c701110409ef01b2b588ef9ff4612ffe48f0977d",
}
"""Of the plans, or refusals, for all of these classes, features, rounds and seeds, one after the other."""

CLASSES, FEATURES, RUNS = (0, 2, 3, 10), (1, 4, 13, 30, 64, 784, 5000), ((8, 0), (3, 4))
SCHEMA = "d24ded133cebe4c083c0a3804e7ed46ad3521f75f8c8544796060cc69e0e8522"


def plan_of(family: str, classes: int, features: int, rounds: int = 8, seed: int = 0) -> Plan:
    task = PredictionTask.CLASSIFICATION if classes else PredictionTask.REGRESSION
    return default_plan(task, classes, features, family, rounds, seed)


@pytest.mark.parametrize("family", DEFAULT_PLANS)
def test_default_plans_are_what_they_were(family: str) -> None:
    found = hashlib.sha256()
    for classes, features, (rounds, seed) in product(CLASSES, FEATURES, RUNS):
        try:
            found.update(plan_of(family, classes, features, rounds, seed).canonical_bytes())
        except BadPlan as bad:
            found.update(str(bad).encode())
    assert found.hexdigest() == DEFAULT_PLANS[family]


def test_the_schema_is_what_it_was() -> None:
    assert hashlib.sha256(json.dumps(plan_schema(), sort_keys=True).encode()).hexdigest() == SCHEMA


def plans(family: str) -> Iterator[Plan]:
    """Small ones for five features, of each number of classes that has a default."""
    for classes in (0, 2, 3):
        try:
            plan = plan_of(family, classes, 5, seed=7)
        except BadPlan:
            continue
        small = {"hidden": 40, "local_steps": 50} if family == "encrypted-features" else {}
        yield plan.model_copy(update=small)


FIRST_WEIGHTS = {
    "linear": "87c3721b094cb8b218cd92f49210169d6aa21ad3508282039aaa2368fec73818",
    "ridge": "87c3721b094cb8b218cd92f49210169d6aa21ad3508282039aaa2368fec73818",
    "logistic": "6a921f4091f2017c5e71e3ae274e8b3b28acd92e328f163f87ccdb3f21614caa",
    "network": "9de8f9acfd44f9ecefae32743c6484cc1059f4dd7625fc9913bf86e9f243fd4d",
    "encrypted-linear": "d9d78c9ad81e10688791f6e5238a92a96fc72db95dfe6dbb12a940779d74b6cc",
    "encrypted-ridge": "d9d78c9ad81e10688791f6e5238a92a96fc72db95dfe6dbb12a940779d74b6cc",
    "encrypted-logistic": "0cae9532fa79009e2c192054ff59c90ca9f72fb2b560afdaf3d564634d90c9e3",
    "encrypted-features": "919e8067ad9b4714c52f01568aa225cafd2dbd859da52865433adbd972e9c4ef",
    "encrypted-cubic": "41fdf6a00dca3ea0806183689d52fd5e81902024ed2eaecd5607f36ec5497547",
    "encrypted-network": "4a5cf025a03dd9655eae5ee45c72b186a1ad3006169fd67c10aa8c03c2c6450f",
    "moments": "87c3721b094cb8b218cd92f49210169d6aa21ad3508282039aaa2368fec73818",
}


@pytest.mark.parametrize("family", DEFAULT_PLANS)
def test_first_weights_are_what_they_were(family: str) -> None:
    found = hashlib.sha256()
    for plan in plans(family):
        found.update(initial_weights(plan).to_bytes())
    assert found.hexdigest() == FIRST_WEIGHTS[family]


UPDATES = {
    "linear": "f60ef465ea8314fdd6d51b6c46fbdc053e556e59ccd362d05d7e5201637de055",
    "ridge": "9a9eb37fb0d2b4e82a46ae7ccc28404616d1a1887a7d95f698def79ac5dac987",
    "logistic": "2c316d95c2282c744b7c25fc5564ff3a709e3ae3b6140904bb6650025a57afa0",
    "network": "c0dfe68d7bb15c3749c3fa85b225550ee022d451340f4a79425d7412e51a7fe0",
    "encrypted-linear": "99d3b4a73d31183843ccb8553c53ae21da3c909e8994975ab70dc7c66b9c08cd",
    "encrypted-ridge": "4b8d7fc011eec818e20c2f2627f444b84ac4b13ba7f1216d0099238d9c36770b",
    "encrypted-logistic": "09bc0f3c744eb4c6036304b1f4a134a12e4118fe4ba770607eaca2def214beea",
    "encrypted-features": "290e7acc48ba916b6565f5585314138293a49f6123170f0c8e6a9b628b7192f9",
    "moments": "6be89f474547d978259b73dfc1cbfcd2d01064bf6754556f0a3bc4f260f9d4d7",
}
"""Of the families whose arithmetic is whole numbers: the others' last bits are a machine's own."""


@pytest.mark.parametrize("family", UPDATES)
def test_updates_are_what_they_were(family: str) -> None:
    found = hashlib.sha256()
    for plan in plans(family):
        update = family_of(plan).local_update(initial_weights(plan), random_samples(60, 5, plan.classes))
        facts: dict[str, int | str | bool] = {"samples": update.samples, "bits": update.fraction_bits}
        found.update(pack(dict(update.change), facts))
    assert found.hexdigest() == UPDATES[family]
