"""Plain families whose results are masked: the sum is exact, and nothing else of it tells anything.

Rules: E18, E20, E27, P21, P22.
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from agents.core.errors import BadObject, BadPlan
from agents.learning.data.canonical import digest, pack, unpack
from agents.learning.data.subset import Subset
from agents.learning.families.gradient_descent import PlainFamily
from agents.learning.family import NO_KEYS, Cohort
from agents.learning.he.cohorts import cohort_facts
from agents.learning.integers.update import Update
from agents.learning.plans.base import DescentPlan
from agents.learning.plans.limits import Limits
from testing.ciphertexts import mask_keys, seed_of, uniformity
from testing.families import plain_family
from tests.agents.learning.conftest import PlanMaker, random_samples

COHORT = Cohort(b"a sum", (0, 1, 2))
SUBSETS = [
    Subset(index, random_samples(40 + index, seed=index), seed_of(f"secret {index}"), mask_keys(index, 3))
    for index in COHORT.members
]


def family_for(plan: DescentPlan) -> tuple[PlainFamily, bytes]:
    """The family, and its first weights as they are published."""
    family = plain_family(plan)
    return family, family.initial_weights().to_bytes()


def results_of(family: PlainFamily, published: bytes, cohort: Cohort = COHORT) -> list[bytes]:
    return [family.train(b"", published, SUBSETS[index], cohort) for index in cohort.members]


@pytest.mark.parametrize("name", ["linear", "ridge", "logistic", "network"])
def test_the_sum_is_that_of_single_results(make_plan: PlanMaker, name: str) -> None:
    family, published = family_for(make_plan(name, sums="dataset"))
    weights = family.initial_weights()
    found = family.update(weights, NO_KEYS, results_of(family, published)[::-1])
    expected = Update.total([family.local_update(weights, subset.samples) for subset in SUBSETS])
    assert found.samples == expected.samples == 123
    assert all((found.change[name] == expected.change[name]).all() for name in expected.change)


def test_sums_over_a_round_are_of_its_subsets(make_plan: PlanMaker) -> None:
    family, published = family_for(make_plan(sums="round"))
    found = family.update(
        family.initial_weights(), NO_KEYS, results_of(family, published, Cohort(b"round 3", (0, 2)))
    )
    assert found.samples == 40 + 42


def numbers(result: bytes) -> np.ndarray:
    return unpack(result, "the result")[0]["numbers"].astype(np.int64).view(np.uint64)


def test_a_single_result_and_a_part_of_the_cohort_are_uniform(make_plan: PlanMaker) -> None:
    wide = [
        Subset(one.index, random_samples(40, features=2_000, seed=one.index), one.secret, one.keys)
        for one in SUBSETS
    ]
    family, published = family_for(make_plan(features=2_000, sums="dataset"))
    first, second, third = (numbers(family.train(b"", published, one, COHORT)) for one in wide)
    for shown in (first, second, third, first + second, second + third):
        assert uniformity(shown, 2**64) > 1e-7
        assert shown[-1] > 10**6, "nor is the number of rows shown"
    assert uniformity(first + second + third, 2**64) < 1e-9


def test_replicas_make_the_same_bytes_and_other_jobs_others(make_plan: PlanMaker) -> None:
    family, published = family_for(make_plan(sums="dataset"))
    moved = family.local_steps(family.initial_weights(), SUBSETS[0].samples).to_bytes()
    one = SUBSETS[1]
    first = family.train(b"", published, one, COHORT)
    assert type(family)(family.plan).train(b"", published, one, COHORT) == first
    others = [
        family.train(b"", published, one, Cohort(b"another sum", COHORT.members)),
        family.train(b"", moved, one, COHORT),
        family.train(b"", published, replace(one, keys=mask_keys(1, 3)), Cohort(b"", COHORT.members)),
        family_for(make_plan(sums="dataset", rounds=7))[0].train(b"", published, one, COHORT),
    ]
    assert len({digest(result) for result in (first, *others)}) == 5


def test_a_part_of_a_cohort_adds_up_to_nothing(make_plan: PlanMaker) -> None:
    family, published = family_for(make_plan(sums="dataset"))
    results, weights = results_of(family, published), family.initial_weights()
    other = results_of(family, published, Cohort(b"another sum", COHORT.members))
    for some in (results[:2], [*results, results[0]], [*results[:2], other[2]]):
        with pytest.raises(BadObject, match="not those of one whole cohort"):
            family.update(weights, NO_KEYS, some)


@pytest.mark.parametrize(
    ("place", "value"), [(0, 2**62), (0, -(2**62)), (0, -(2**63)), (-1, 2**40), (-1, -500)]
)
def test_a_sum_that_no_rows_can_give_is_refused(make_plan: PlanMaker, place: int, value: int) -> None:
    family, published = family_for(make_plan(sums="dataset"))
    results = results_of(family, published)
    spoilt = numbers(results[0]).view(np.int64).copy()
    with np.errstate(over="ignore"):  # they are whole numbers modulo 2^64
        spoilt[place] += np.int64(value)
    results[0] = pack({"numbers": spoilt}, {"kind": "masked update"} | cohort_facts(COHORT, 0))
    family.check_result(results[0])
    with pytest.raises(BadObject, match="the sum of the results is none"):
        family.update(family.initial_weights(), NO_KEYS, results)


@pytest.mark.parametrize(
    ("numbers_", "facts", "message"),
    [
        (np.zeros(9, np.int64), {"kind": "moments"}, "of another kind"),
        (np.zeros(8, np.int64), {"kind": "masked update"}, "not 9 words"),
        (np.zeros(9, np.int32), {"kind": "masked update"}, "not 9 words"),
    ],
)
def test_a_result_of_another_form_is_refused(
    make_plan: PlanMaker, numbers_: np.ndarray, facts: dict[str, str], message: str
) -> None:
    family, _ = family_for(make_plan(sums="dataset"))
    with pytest.raises(BadObject, match=message):
        family.check_result(pack({"numbers": numbers_}, facts | cohort_facts(COHORT, 0)))
    with pytest.raises(BadObject, match="says nothing of its cohort"):
        family.check_result(pack({"numbers": np.zeros(9, np.int64)}, {"kind": "masked update"}))


def test_a_subset_without_mask_keys_gives_no_masked_result(make_plan: PlanMaker) -> None:
    family, published = family_for(make_plan(sums="dataset"))
    with pytest.raises(BadPlan, match="without the keys that hide a result"):
        family.train(b"", published, replace(SUBSETS[0], keys=None), COHORT)
    with pytest.raises(BadPlan, match="the cohort has only subset 0"):
        family_for(make_plan(sums="round"))[0].train(b"", published, SUBSETS[0], Cohort(b"", (0,)))


def test_at_crafted_weights_the_difference_of_two_sums_is_a_row(make_plan: PlanMaker) -> None:
    """So these families are for a data owner that asks for no secrecy, masks or not."""
    plan = make_plan(local_steps=1, weight_bits=24, clip=8, step=Fraction(1, 65), sums="dataset")
    family, unit = plain_family(plan), 31 * 2**24
    few = [replace(one, samples=one.samples.take(np.arange(9))) for one in SUBSETS]
    features = np.vstack([one.samples.features for one in few]) / 256
    heights = np.sort(features[np.abs(features[:, 1]) < 1, 1])
    gaps = np.diff(heights)
    place = int(np.argmax(np.minimum(gaps[:-1], gaps[1:])))
    sums = []
    for threshold in (heights[place : place + 2].mean(), heights[place + 1 : place + 3].mean()):
        crafted = family.initial_weights()
        crafted.tensors["output"][1] = [-unit, unit]
        crafted.tensors["output"][3] = [round(threshold * unit), -round(threshold * unit)]
        results = [family.train(b"", crafted.to_bytes(), one, COHORT) for one in few]
        sums.append(family.update(crafted, NO_KEYS, results).change["output"])
    found = (sums[1] - sums[0])[:3, 0].astype(float)
    (victim,) = features[features[:, 1] == heights[place + 1]]
    assert abs(found @ victim) > 0.99 * np.linalg.norm(found) * np.linalg.norm(victim)
    assert family.singles_out(10**9) == "its updates are not linear in the weights"
    assert plain_family(make_plan()).singles_out(10**9) == "", "there are no sums"


def test_sums_that_could_leave_int64_are_refused_before_any_work(make_plan: PlanMaker) -> None:
    """256 subsets of the most rows, whose weights all go from one end of their range to the other."""
    plan = make_plan(weight_bits=24, sums="dataset")
    plain_family(plan, Limits(rows=2**24 - 2**10))
    with pytest.raises(BadPlan, match=r"weight_bits is 24: the sum over 256 subsets .* over 2\^63"):
        plain_family(plan, Limits(rows=2**24))
