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
from testing.families import initial_state, initial_weights
from tests.agents.learning.conftest import random_samples

DEFAULT_PLANS = {
    "linear": "bcbd52871ed04508c09bc9f82179435f9f13700463e40de16536b2a023117877",
    "ridge": "a6c2982665e1d1c895cf12dbf52db7596c5073df4bc75e8c2d4be6f4a780fee8",
    "logistic": "3abd0e0f061c3b41d6386a27de702cbad7cc2dd44ea64cd574396f78068eaf4c",
    "network": "6e463e84c4c1abaf90bb758f83425e9265f3d8ec79f4df56142c6f2ea6deee73",
    "encrypted-linear": "9714f542f4bc314ee1af38df44261c5e2dc21a9f4f536072d45644f67ed76804",
    "encrypted-ridge": "8ff478b89ac278ab7f553eb35fbe24c24951c73a8266463a7b9f76aa5f306348",
    "encrypted-logistic": "d83e4b6bb4312088575674832724bcf8b4ac17ccde79fb3780f3dab3018eb6ac",
    "encrypted-features": "c5fcef5451ad7e2663e30d4c7638b3307f9ee36b745bafc9fe009b400a8cfc7f",
    "encrypted-cubic": "3fe56daa05bf8b1ef1cc9261ce6cf26b13e2d15680c40784be00761568c3d441",
    "encrypted-network": "45991586bf9ba46efbb4d56dc1de98fef6d319875cb3bcea9d069f53cc3b3758",
    "moments": "acb469de45d2a5765ec2df9704a24908dfee922a91b8ba0d8de8af33eaac0130",
}
"""Of the plans, or refusals, for all of these classes, features, rounds and seeds, one after the other."""

CLASSES, FEATURES, RUNS = (0, 2, 3, 10), (1, 4, 13, 30, 64, 784, 5000), ((8, 0), (3, 4))
SCHEMA = "b73622ca9ba97722efa5ea51ebc4e8928ab4c781da7db88a7fde242c7544193a"


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
        small = {"hidden": 40, "probes": 8} if family == "encrypted-features" else {}
        yield plan.model_copy(update=small)


FIRST_WEIGHTS = {
    "linear": "87c3721b094cb8b218cd92f49210169d6aa21ad3508282039aaa2368fec73818",
    "ridge": "87c3721b094cb8b218cd92f49210169d6aa21ad3508282039aaa2368fec73818",
    "logistic": "6a921f4091f2017c5e71e3ae274e8b3b28acd92e328f163f87ccdb3f21614caa",
    "network": "9de8f9acfd44f9ecefae32743c6484cc1059f4dd7625fc9913bf86e9f243fd4d",
    "encrypted-linear": "d9d78c9ad81e10688791f6e5238a92a96fc72db95dfe6dbb12a940779d74b6cc",
    "encrypted-ridge": "d9d78c9ad81e10688791f6e5238a92a96fc72db95dfe6dbb12a940779d74b6cc",
    "encrypted-logistic": "0cae9532fa79009e2c192054ff59c90ca9f72fb2b560afdaf3d564634d90c9e3",
    "encrypted-features": "c6b9721ecde3cb67540e8cbf2afc41f11e57e95ee2c536db986507136296fc0f",
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
    "encrypted-linear": "135694e5c07bfeebaea0b8d3f381b62c6c30029b185512db176bec9e3cc1158c",
    "encrypted-ridge": "bfc2059b6b6bb7bf9a64687b2e07b910adf37e44a641139ed1f6bd74da662f0b",
    "encrypted-logistic": "46b80f7c57703b73d4388d1d78c25544f501c1e140c162f878d952f7fd4b5458",
    "encrypted-features": "652fa5d8430c87967b2660b2f1b9a25be297804abd1f3b211177fd1bc66c1c64",
    "moments": "6be89f474547d978259b73dfc1cbfcd2d01064bf6754556f0a3bc4f260f9d4d7",
}
"""Of the families whose arithmetic is whole numbers: the others' last bits are a machine's own."""


@pytest.mark.parametrize("family", UPDATES)
def test_updates_are_what_they_were(family: str) -> None:
    found = hashlib.sha256()
    for plan in plans(family):
        asked = initial_state(plan).asked
        update = family_of(plan).local_update(asked, random_samples(60, 5, plan.classes))
        facts: dict[str, int | str | bool] = {"samples": update.samples, "bits": update.fraction_bits}
        found.update(pack(dict(update.change), facts))
    assert found.hexdigest() == UPDATES[family]
