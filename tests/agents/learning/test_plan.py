"""Plans: one canonical form, and one clear line for each that is refused.

Rules: P1, P2, P3, P4, P5.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from fractions import Fraction

import pytest

from agents.core.errors import BadPlan
from agents.learning.data.samples import PredictionTask
from agents.learning.families.affine import LogisticPlan
from agents.learning.families.network import NetworkPlan
from agents.learning.families.registry import FAMILIES, parse_plan, plan_schema
from agents.learning.plans.base import Server
from agents.learning.plans.limits import DEFAULT_LIMITS, Limits
from tests.agents.learning.conftest import PlanMaker


def document(**changes: object) -> bytes:
    plan: dict[str, object] = {
        "family": "logistic",
        "version": 1,
        "features": 30,
        "classes": 2,
        "local_steps": 20,
        "step": "1/65",
        "clip": 8,
        "rounds": 8,
        "stop": {"metric": "accuracy"},
    }
    return json.dumps({name: value for name, value in (plan | changes).items() if value is not None}).encode()


@pytest.mark.parametrize("family", ["linear", "ridge", "logistic", "network"])
def test_a_plan_survives_its_canonical_bytes(make_plan: PlanMaker, family: str) -> None:
    plan = make_plan(family)
    assert parse_plan(plan.canonical_bytes()) == plan
    assert plan.digest() == hashlib.sha256(plan.canonical_bytes()).digest()


def test_canonical_bytes_do_not_depend_on_how_the_document_was_written() -> None:
    tidy = parse_plan(document())
    loose = parse_plan(json.dumps(dict(reversed(json.loads(document()).items())), indent=3).encode())
    assert tidy.canonical_bytes() == loose.canonical_bytes()
    assert b" " not in tidy.canonical_bytes()
    assert b'"step":"1/65"' in tidy.canonical_bytes()


def test_defaults_are_part_of_the_canonical_bytes() -> None:
    assert b'"weight_bits":20' in parse_plan(document()).canonical_bytes()


def test_the_task_follows_from_the_classes(make_plan: PlanMaker) -> None:
    assert make_plan().task is PredictionTask.CLASSIFICATION
    assert make_plan("ridge", classes=0).task is PredictionTask.REGRESSION
    assert make_plan("ridge", classes=0).outputs == 1


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"{", "plan: Invalid JSON"),
        (b"\xff", "plan: Invalid JSON"),
        (document(family="tree"), "plan: Input tag 'tree' found using 'family' does not match any"),
        (document(family=None), "plan: Unable to extract tag"),
        (document(code="rm"), "plan: code: Extra inputs are not permitted"),
        (document(hidden=5), "plan: hidden: Extra inputs are not permitted"),
        (document(version=2), "plan: version: Input should be 1"),
        (document(features=0), "plan: features: Input should be greater than or equal to 1"),
        (document(features="30"), "plan: features: Input should be a valid integer"),
        (document(features=30.0), "plan: features: Input should be a valid integer"),
        (document(features=True), "plan: features: Input should be a valid integer"),
        (document(features=None), "plan: features: Field required"),
        (
            document(step=0.01),
            'plan: step: write it as a whole number or a fraction in quotes, such as "1/65"',
        ),
        (document(step="1/65\n"), "plan: step: write it as a whole number"),
        (document(step="-1/65"), "plan: step: write it as a whole number"),
        (document(step="1/0"), "plan: step: write it as a whole number"),
        (document(step="2/130"), 'plan: step: write it in lowest terms: "1/65"'),
        (document(step="0"), "plan: step: must be over 0"),
        (document(step="1/64"), "plan: step 1/64 is over 1/(clip^2 + 1) = 1/65, where training can diverge"),
        (document(l2="2"), "plan: l2 2 is over 1"),
        (document(classes=0), "plan: classes: Input should be greater than or equal to 2"),
        (document(family="linear", classes=1), "plan: classes must be 0 (a regression) or at least 2"),
        (document(stop={"metric": "r2"}), "plan: the metric of a classification is accuracy"),
        (document(stop={"metric": "accuracy", "target": "2"}), "plan: stop: no score is over 1"),
        (
            document(server={"strategy": "fedavg", "momentum": "1/2"}),
            "plan: server: momentum above 0 goes with",
        ),
        (document(server={"strategy": "fedavgm"}), "plan: server: momentum above 0 goes with"),
        (document(server={"step": "101"}), "plan: server: step is at most 100, momentum at most 99/100"),
        (
            document(server={"step": "1/1001"}),
            "plan: server: denominators of step and momentum are at most 1000",
        ),
        (document(family="network", hidden=4, seed=1, step="2"), "plan: step 2 is over 1"),
        (document(features=16_385), "plan: features is 16385; this agent accepts at most 16384"),
        (document(classes=1_025), "plan: classes is 1025; this agent accepts at most 1024"),
        (document(local_steps=10_001), "plan: local_steps is 10001; this agent accepts at most 10000"),
        (document(rounds=10_001), "plan: rounds is 10001; this agent accepts at most 10000"),
        (
            document(family="network", hidden=1_025, seed=1),
            "plan: hidden is 1025; this agent accepts at most 1024",
        ),
        (
            document(features=16_384, weight_bits=24),
            "plan: the scores (features x weights) could reach 9.01e+15",
        ),
        (b" " * 65_537, "the plan has 65537 bytes; this agent reads at most 65536"),
        (
            document(features=0, clip=0),
            "plan: features: Input should be greater than or equal to 1 (and 1 more)",
        ),
    ],
)
def test_refuses_in_one_line(data: bytes, message: str) -> None:
    with pytest.raises(BadPlan) as caught:
        parse_plan(data)
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)


def test_a_network_may_step_further_than_a_convex_model() -> None:
    plan = parse_plan(document(family="network", hidden=4, seed=1, step="4/65"))
    assert isinstance(plan, NetworkPlan)


def test_batches_let_more_rows_stay_exact() -> None:
    limits = replace(DEFAULT_LIMITS, rows=2**30)
    with pytest.raises(BadPlan, match=r"the gradient \(rows x features x errors\) could reach"):
        parse_plan(document(), limits)
    plan = parse_plan(document(batch=1_000), limits)
    assert plan.rows_at_once(2**30) == 1_000


def test_an_agent_may_set_tighter_limits() -> None:
    with pytest.raises(BadPlan, match=r"^plan: features is 30; this agent accepts at most 10$"):
        parse_plan(document(), Limits(features=10))


def test_a_plan_cannot_be_changed(make_plan: PlanMaker) -> None:
    with pytest.raises(ValueError, match="frozen"):
        make_plan().rounds = 9


def test_python_may_give_fractions() -> None:
    assert Server(step=Fraction(3, 2)).step == Fraction(3, 2)
    assert LogisticPlan.model_validate_json(document()).step == Fraction(1, 65)


def test_the_schema_lists_every_family_and_no_other_fields() -> None:
    schema = plan_schema()
    assert set(schema["discriminator"]["mapping"]) == set(FAMILIES)
    network = schema["$defs"]["NetworkPlan"]
    assert network["additionalProperties"] is False
    assert network["properties"]["step"]["type"] == "string"
    json.dumps(schema)
