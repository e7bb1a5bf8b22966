"""One interface for families in plain text and on ciphertexts: the same lines play a round of either.

Rules: E5, E7, E8, E19, P21, P22.
"""

from __future__ import annotations

import hashlib

import numpy as np
import pytest

from agents.core.errors import BadObject
from agents.learning.data.samples import PredictionTask
from agents.learning.data.subset import Subset
from agents.learning.families.registry import FAMILIES, default_plan, family_of
from agents.learning.family import NO_KEYS, CiphertextKind, Cohort, Family
from agents.learning.integers.update import Update
from agents.learning.plans.base import Plan
from testing.ciphertexts import mask_keys, seed_of
from testing.workers import an_encrypted_plan
from tests.agents.learning.conftest import PlanMaker, random_samples

PLAYED = (
    "linear",
    "ridge",
    "logistic",
    "network",
    "encrypted-linear",
    "encrypted-ridge",
    "encrypted-logistic",
)
SAMPLES = [random_samples(rows, features=5, seed=rows) for rows in (40, 55, 31)]
SUBSETS = [
    Subset(index, samples, seed_of(f"secret {index}"), mask_keys(index, len(SAMPLES)))
    for index, samples in enumerate(SAMPLES)
]


def plan_of(name: str) -> Plan:
    return default_plan(PredictionTask.CLASSIFICATION, 2, 5, name)


@pytest.mark.parametrize("name", PLAYED)
def test_a_round_is_played_by_the_same_lines(name: str) -> None:
    plan = plan_of(name)
    keys = family_of(plan).keys()
    family = family_of(plan.with_keys(hashlib.sha256(keys.public).hexdigest()))
    weights = family.initial_state().asked
    published = family.publish(keys, weights)
    family.check_published(published)
    cohort = Cohort(b"a round", family.members((0, 1, 2), len(SUBSETS)))
    results = [family.train(keys.public, published, subset, cohort) for subset in SUBSETS]
    for result in results:
        family.check_result(result)
    assert family.is_whole(range(3), cohort.members)
    found = family.update(weights, keys, results[::-1])
    expected = Update.total([family.local_update(weights, samples) for samples in SAMPLES])
    assert found.samples == expected.samples == 126
    for matrix in plan.shapes:
        assert np.array_equal(found.change[matrix], expected.change[matrix])


@pytest.mark.parametrize("name", PLAYED)
def test_what_has_another_form_is_refused(name: str) -> None:
    family = family_of(plan_of(name))
    published = family.publish(family.keys(), family.initial_weights())
    for check in (family.check_published, family.check_result):
        with pytest.raises(BadObject):
            check(b"something else")
    with pytest.raises(BadObject):
        family.check_result(published)


@pytest.mark.parametrize("name", FAMILIES)
def test_what_is_encrypted_has_ciphertexts_and_everything_has_sums(name: str) -> None:
    family = family_of(plan_of(name))
    assert family.name() == name
    assert family.encrypted == name.startswith("encrypted-")
    assert (family.ciphertext != CiphertextKind()) == family.encrypted
    assert family.sums == "dataset", "by default"


def test_in_plain_text_there_are_no_keys(make_plan: PlanMaker) -> None:
    plan = make_plan()
    assert family_of(plan).keys() == NO_KEYS
    assert (plan.keys_named, plan.with_keys("ab" * 32)) == ("", plan)


def test_a_plan_names_its_keys_and_is_otherwise_the_same() -> None:
    plan = an_encrypted_plan()
    named = plan.with_keys("ab" * 32)
    assert (plan.keys_named, named.keys_named) == ("", "ab" * 32)
    assert named != plan
    assert named.with_keys("") == plan


def of_each_kind(make_plan: PlanMaker) -> list[Family]:
    plans = (make_plan(), an_encrypted_plan(sums="round"), an_encrypted_plan(sums="dataset"))
    return [family_of(plan) for plan in plans]


def test_whose_results_add_up_follows_from_the_sums(make_plan: PlanMaker) -> None:
    families = of_each_kind(make_plan)
    assert [family.sums for family in families] == ["", "round", "dataset"]
    assert [family.members((1, 3), 4) for family in families] == [(1, 3), (1, 3), (0, 1, 2, 3)]
    assert [family.carries_on for family in families] == [False, False, True]


def test_in_plain_text_any_result_will_do_and_a_sum_takes_all(make_plan: PlanMaker) -> None:
    plain, by_round, over_dataset = of_each_kind(make_plan)
    for found, whole in (((), False), ((1,), True), ((1, 3), True)):
        assert plain.is_whole(found, (1, 3)) is whole
    for family in (by_round, over_dataset):
        members = family.members((1, 3), 4)
        assert family.is_whole(members, members)
        assert not family.is_whole(members[1:], members)
        assert not family.is_whole((), ())


@pytest.mark.parametrize(
    ("kind", "rows", "why"),
    [
        ("encrypted-cubic", 10**9, "its gradients are not linear in the weights"),
        ("encrypted-network", 10**9, "its gradients are not linear in the weights"),
        ("encrypted-features", 4_811, "its 400 random features are more than a twelfth of 4811 rows"),
        ("encrypted-features", 10_853, "its map has more than a quarter as many numbers as 10853 rows"),
        ("encrypted-features", 10_854, ""),
        ("encrypted-logistic", 1, ""),
        ("logistic", 1, "its updates are not linear in the weights"),
    ],
)
def test_which_sums_can_single_rows_out(kind: str, rows: int, why: str) -> None:
    """401 weights of 400 features and the intercept: 80,601 products and 802 others, of 30 columns."""
    plan = default_plan(PredictionTask.CLASSIFICATION, 2, 30, kind)
    assert family_of(plan).singles_out(rows) == why
