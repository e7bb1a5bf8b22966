"""The family of moments: exact sums with the noise that was dealt, and models solved from them.

Rules: N8, N10, N13, P22, P23.
"""

from __future__ import annotations

import json
from fractions import Fraction

import numpy as np
import pytest

from agents.core.errors import BadObject, BadPlan
from agents.learning.data.canonical import pack, unpack
from agents.learning.data.samples import PredictionTask, Samples
from agents.learning.data.subset import Subset
from agents.learning.evaluate import score
from agents.learning.families.moments import MOMENTS, MomentsFamily, MomentsPlan
from agents.learning.families.registry import default_plan, family_of, parse_plan
from agents.learning.family import NO_KEYS, Cohort
from agents.learning.integers.aggregate import ServerState
from agents.learning.integers.update import Update
from agents.learning.plans.noise import Mode, Noise
from agents.learning.privacy.moments import MomentsForm
from agents.learning.privacy.unit_rows import unit_numbers, unit_rows
from testing.privacy import offered, results_of, subsets_of, trained
from tests.agents.learning.conftest import random_samples

NO_NOISE = Noise(mode="own", variance=2)


def plan_for(classes: int, features: int = 4, **changes: object) -> MomentsPlan:
    task = PredictionTask.CLASSIFICATION if classes else PredictionTask.REGRESSION
    plan = default_plan(task, classes, features, "moments")
    assert isinstance(plan, MomentsPlan)
    return plan.model_copy(update=changes)


def solved(plan: MomentsPlan, samples: Samples) -> ServerState:
    """What a model owner makes of the exact moments."""
    family = family_of(plan)
    state = ServerState.initial(family.initial_weights())
    return family.aggregate(state, family.local_update(state.weights, samples))


@pytest.mark.parametrize("classes", [0, 2, 3])
def test_moments_are_the_sums_of_products_of_rows(classes: int) -> None:
    samples, form = random_samples(50, features=4, classes=classes), MomentsForm(4, classes)
    u = unit_rows(samples.features).astype(object)
    z = np.hstack([u, np.full((50, 1), 2**11, dtype=object)])
    products = (u.T @ u)[np.triu_indices(4)]
    if classes:
        goals = np.eye(classes, dtype=int)[samples.target].astype(object) * 2**12
        expected = [*products, *(z.T @ goals).ravel()]
    else:
        y = unit_numbers(samples.target).astype(object)
        expected = [*products, *(u.T @ y), y.sum() * 2**10, *(u.sum(axis=0) * 2**10)]
    assert form.of(samples).tolist() == expected
    moments = form.read(form.of(samples), len(samples))
    real = z.astype(float) / 2**12
    assert np.allclose(moments.gram, real.T @ real)
    goal = np.eye(classes)[samples.target] if classes else unit_numbers(samples.target)[:, None] / 2**12
    assert np.allclose(moments.cross, real.T @ goal)


@pytest.mark.parametrize("mode", ["dealt", "shared", "own"])
@pytest.mark.parametrize("table", ["wine", "diabetes"])
def test_the_sum_is_the_exact_one_with_noise_of_the_right_size(table: str, mode: Mode) -> None:
    made, plan = offered(table, noise=mode, epsilon=4)
    subsets, family = subsets_of(made), family_of(plan)
    results = results_of(plan, subsets)
    assert results == results_of(plan, subsets), "replicas make the same bytes"
    for result in results:
        family.check_result(result)
    weights = family.initial_weights()
    found = family.update(weights, NO_KEYS, results[::-1])
    exact = Update.total([family.local_update(weights, subset.samples) for subset in subsets])
    assert (found.samples, found.fraction_bits) == (exact.samples, exact.fraction_bits)
    assert found.change["subsets"] == exact.change["subsets"] == [4]
    difference = (found.change[MOMENTS] - exact.change[MOMENTS]).astype(float)
    assert isinstance(family, MomentsFamily)
    variances = np.array(family.form.variances(made.guarantee.noise.of_sum(4)), dtype=float)
    assert 0.6 < float(np.mean(difference**2 / variances)) < 1.6


@pytest.mark.parametrize("mode", ["dealt", "shared"])
def test_a_single_result_is_uniform_and_a_part_of_the_cohort_adds_up_to_nothing(mode: Mode) -> None:
    made, plan = offered("wine", noise=mode, epsilon=4)
    results = results_of(plan, subsets_of(made))
    single = unpack(results[0], "a result")[0][MOMENTS]
    exact = family_of(plan).local_update(family_of(plan).initial_weights(), subsets_of(made)[0].samples)
    assert np.median(np.abs((single - exact.change[MOMENTS]).astype(float))) > 2**60
    weights = family_of(plan).initial_weights()
    for part in (results[:-1], [*results[:-1], results[0]]):
        with pytest.raises(BadObject, match="not those of one whole cohort"):
            family_of(plan).update(weights, NO_KEYS, part)
    others = results_of(plan, subsets_of(made), b"another sum")
    with pytest.raises(BadObject, match="not those of one whole cohort"):
        family_of(plan).update(weights, NO_KEYS, [*results[:-1], others[-1]])


def test_own_noise_lets_each_result_be_seen() -> None:
    made, plan = offered("wine", noise="own", epsilon=4)
    result = unpack(results_of(plan, subsets_of(made))[0], "a result")[0][MOMENTS]
    exact = family_of(plan).local_update(family_of(plan).initial_weights(), subsets_of(made)[0].samples)
    noise = (result - exact.change[MOMENTS]).astype(float)
    assert np.abs(noise).max() < 6 * made.guarantee.noise.variance**0.5
    assert (family_of(plan).sums, family_of(plan).carries_on) == ("", True)
    assert not family_of(plan).is_whole([0, 1], (0, 1, 2, 3))


def test_without_noise_it_is_ridge_regression() -> None:
    samples = random_samples(200, features=4, classes=3)
    plan = plan_for(3, noise=NO_NOISE)
    z = np.hstack([unit_rows(samples.features) / 2**12, np.full((200, 1), 0.5)])
    expected = np.linalg.lstsq(z, np.eye(3)[samples.target], rcond=None)[0]
    found = solved(plan, samples).weights.tensors["output"] * 2.0**-20
    assert np.allclose(found, expected, atol=1e-4)
    assert score(plan, solved(plan, samples).weights, samples) > 0.7


def test_the_linear_sigmoid_meets_its_own_condition() -> None:
    samples = random_samples(200, features=4, classes=2)
    plan = plan_for(2, noise=NO_NOISE, loss="logistic")
    z = np.hstack([unit_rows(samples.features) / 2**12, np.full((200, 1), 0.5)])
    weights = solved(plan, samples).weights.tensors["output"] * 2.0**-20
    gradient = z.T @ (0.5 + z @ weights / 4 - np.eye(2)[samples.target])
    assert np.abs(gradient).max() < 1e-3


def test_the_penalty_grows_with_the_noise_and_with_the_plans_own() -> None:
    samples = random_samples(200, features=4)

    def size(variance: int, l2: Fraction = Fraction(0)) -> float:
        plan = plan_for(2, noise=Noise(mode="dealt", variance=variance), l2=l2)
        return float(np.abs(solved(plan, samples).weights.tensors["output"]).sum())

    assert size(2**20) > size(2**60)
    assert size(2**20) > size(2**20, Fraction(1))


def test_noise_that_makes_no_covariance_is_mended() -> None:
    """All eigenvalues negative: the weights stay small, where an inverse would have turned their sign."""
    form = MomentsForm(2, 2)
    released = np.array([-(2**30), 0, -(2**30), 2**24, 0, 0, 2**24, 2**24, 2**24], dtype=np.int64)
    weights = form.read(released, 8).ridge(1.0)
    assert np.isfinite(weights).all()
    assert weights[0, 0] > 0


def test_values_are_predicted_within_the_targets_range() -> None:
    plan = plan_for(0, noise=NO_NOISE)
    samples = random_samples(60, features=4, classes=0)
    state = solved(plan, samples)
    huge = ServerState(
        type(state.weights)({"output": state.weights.tensors["output"] * 9}, 20), state.velocity
    )
    assert np.abs(family_of(plan).scores(huge.weights, samples)).max() == 1.0


def test_the_model_is_never_published_and_other_weights_are_refused() -> None:
    made, plan = offered("wine", epsilon=4)
    family, subsets = family_of(plan), subsets_of(made)
    state = trained(plan, subsets)
    published = family.publish(NO_KEYS, state.weights)
    assert published == family.publish(NO_KEYS, family.initial_weights())
    family.check_published(published)
    for crafted in (state.weights.to_bytes(), b"something else"):
        with pytest.raises(BadObject, match="other than zeros"):
            family.train(b"", crafted, subsets[0], Cohort(b"", (0, 1, 2, 3)))


def test_a_job_is_refused_before_anything_of_the_rows_is_made() -> None:
    made, plan = offered("wine", epsilon=4)
    subset, whole = subsets_of(made)[0], Cohort(b"", (0, 1, 2, 3))
    bare = Subset(0, subset.samples, subset.secret, subset.keys)
    other = plan.with_noise(Noise(mode="dealt", variance=2))
    for refused, one, cohort, message in (
        (plan, bare, whole, "the subset came without noise"),
        (other, subset, whole, "noise for other sums"),
        (plan, subset, Cohort(b"", (0, 1)), "the plan's sums are over the dataset's 4 subsets"),
        (plan_for(2), subset, whole, "the plan is for 4 features"),
    ):
        family = family_of(refused)
        published = family.publish(NO_KEYS, family.initial_weights())
        with pytest.raises(BadPlan, match=message):
            family.train(b"", published, one, cohort)


@pytest.mark.parametrize(
    ("tensors", "facts", "message"),
    [
        ({"other": np.zeros(9, np.int64)}, {}, "of another kind"),
        ({MOMENTS: np.zeros(9, np.int64)}, {"kind": "result"}, "of another kind"),
        ({MOMENTS: np.zeros(8, np.int64)}, {}, "not 9 words"),
        ({MOMENTS: np.zeros(9, np.int32)}, {}, "int32"),
        ({MOMENTS: np.zeros(9, np.int64)}, {"samples": 0}, "0 samples"),
        ({MOMENTS: np.zeros(9, np.int64)}, {"member": 2}, "canonical"),
    ],
)
def test_results_of_another_form_are_refused(
    tensors: dict[str, np.ndarray[tuple[int], np.dtype[np.int64]]], facts: dict[str, object], message: str
) -> None:
    usual = {"kind": "moments", "samples": 5, "label": "", "members": "0 1", "member": 1}
    with pytest.raises(BadObject, match=message):
        family_of(plan_for(2, features=2)).check_result(pack(tensors, usual | facts))  # type: ignore[arg-type]


def test_plans_are_read_and_refused() -> None:
    plan = plan_for(3)
    assert parse_plan(plan.canonical_bytes()) == plan
    document = json.loads(plan.canonical_bytes())
    for changes, message in (
        ({"clip": 4}, "plan: clip: Extra inputs are not permitted"),
        (
            {"noise": {"mode": "dealt", "variance": 3}},
            "plan: noise.variance: Input should be a multiple of 2",
        ),
        ({"loss": "hinge"}, "plan: loss: Input should be 'squares' or 'logistic'"),
    ):
        with pytest.raises(BadPlan) as refused:
            parse_plan(json.dumps(document | changes).encode())
        assert str(refused.value) == message


def test_what_no_model_can_be_made_of_is_refused() -> None:
    with pytest.raises(BadPlan, match='loss "logistic" needs classes'):
        family_of(plan_for(0, loss="logistic"))
    with pytest.raises(BadPlan, match="this agent makes moments of 1024 at most"):
        family_of(plan_for(2, features=1025))
    with pytest.raises(BadPlan, match="only a plan of moments is for those"):
        default_plan(PredictionTask.CLASSIFICATION, 2, 4, "ridge").with_noise(NO_NOISE)
