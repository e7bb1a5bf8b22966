"""Training: the mathematics, the cuts, the refusals.

Rules: P23, P24.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from agents.core.errors import BadPlan
from agents.learning.data.samples import Samples
from agents.learning.data.subset import Subset
from agents.learning.evaluate import score
from agents.learning.integers.design_matrix import design_matrix
from agents.learning.integers.fixed import PROBABILITY_BITS
from agents.learning.integers.residual import goals
from agents.learning.integers.weights import Weights
from agents.learning.plans.limits import Limits
from testing.families import initial_weights, local_steps, plain_family, train
from tests.agents.learning.conftest import PlanMaker, SamplesMaker


def test_one_step_of_least_squares_by_hand(make_plan: PlanMaker) -> None:
    samples = Samples(np.array([[256], [-512]], np.int32), np.array([2**16, -(2**16)], np.int32), 0)
    plan = make_plan("linear", features=1, classes=0, local_steps=1, step=Fraction(1, 17))
    trained = local_steps(plan, initial_weights(plan), samples).tensors["output"]
    slope = round((1 * 1 + 2 * 1) / 2 / 17 * 2**20)
    assert trained.tolist() == [[slope], [0]]


def test_the_penalty_shrinks_weights_and_spares_the_intercept(make_plan: PlanMaker) -> None:
    samples = Samples(np.zeros((2, 1), np.int32), np.array([2**16, 2**16], np.int32), 0)
    plan = make_plan("ridge", features=1, classes=0, local_steps=1, step=Fraction(1, 17), l2=Fraction(1, 2))
    start = Weights({"output": np.array([[3400], [2**20]], np.int64)}, 20)
    assert local_steps(plan, start, samples).tensors["output"].tolist() == [[3300], [2**20]]


@pytest.mark.parametrize("activation", ["relu", "square"])
@pytest.mark.parametrize("classes", [0, 3])
def test_gradients_of_a_network_are_those_of_its_loss(
    make_plan: PlanMaker, make_samples: SamplesMaker, activation: str, classes: int
) -> None:
    plan = make_plan("network", classes=classes, activation=activation)
    samples = make_samples(rows=20, classes=classes)
    rng = np.random.default_rng(5)
    weights = {
        name: np.rint(rng.uniform(-0.5, 0.5, m.shape) * 2**20)
        for name, m in initial_weights(plan).tensors.items()
    }
    rows, goal = design_matrix(samples.features, 4), goals(samples)
    found = plain_family(plan).gradients(weights, rows, goal)
    for name, matrix in weights.items():
        for cell in [(0, 0), (2, 1 if name == "hidden" else 0), (matrix.shape[0] - 1, 0)]:
            slope = central_difference(weights, name, cell, rows, goal, activation, classes)
            gradient, bits = found[name]
            assert gradient[cell] / 2.0**bits == pytest.approx(slope, rel=0.02, abs=0.02)


def central_difference(
    weights: dict[str, np.ndarray], name: str, cell: tuple[int, int], rows: np.ndarray, goal: np.ndarray,
    activation: str, classes: int,
) -> float:  # fmt: skip
    """The slope of the loss, in floats, written apart from the code under test."""

    def loss(shift: float) -> float:
        real = {key: matrix / 2**20 for key, matrix in weights.items()}
        real[name][cell] += shift
        inputs = rows / 256 @ real["hidden"]
        active = np.maximum(inputs, 0) if activation == "relu" else inputs**2
        scores = np.hstack([active, np.ones((len(rows), 1))]) @ real["output"]
        wanted = goal / 2**PROBABILITY_BITS
        if not classes:
            return float(((scores - wanted) ** 2).sum() / 2)
        return float((np.log(np.exp(scores).sum(axis=1)) - (scores * wanted).sum(axis=1)).sum())

    return (loss(1e-5) - loss(-1e-5)) / 2e-5


@pytest.mark.parametrize(
    ("family", "classes"),
    [(f, c) for f in ("linear", "ridge", "logistic", "network") for c in (0, 2, 3) if c or f != "logistic"],
)
def test_training_learns(make_plan: PlanMaker, make_samples: SamplesMaker, family: str, classes: int) -> None:
    plan = make_plan(family, classes=classes, local_steps=300)
    samples = make_samples(rows=200, classes=classes)
    before = initial_weights(plan)
    assert score(plan, local_steps(plan, before, samples), samples) > max(0.7, score(plan, before, samples))


def test_a_long_row_is_cut_to_the_norm_towards_zero() -> None:
    cut = design_matrix(np.array([[300, -400], [3, 4]], np.int32), 1)
    assert cut.tolist() == [[153, -204, 256], [3, 4, 256]]


def test_errors_of_a_value_are_cut(make_plan: PlanMaker) -> None:
    samples = Samples(np.array([[256]], np.int32), np.array([0], np.int32), 0)
    plan = make_plan("linear", features=1, classes=0, local_steps=1, step=Fraction(1, 17))
    far = Weights({"output": np.array([[2**25], [0]], np.int64)}, 20)
    moved = 2**25 - local_steps(plan, far, samples).tensors["output"][0, 0]
    assert moved == round(8 / 17 * 2**20)


def test_weights_saturate(make_plan: PlanMaker, make_samples: SamplesMaker) -> None:
    plan = make_plan("network", step=Fraction(1), local_steps=200, activation="square")
    trained = local_steps(plan, initial_weights(plan), make_samples())
    assert max(np.abs(matrix).max() for matrix in trained.tensors.values()) <= 2**25


def test_batches_move_on_and_their_start_follows_the_weights(
    make_plan: PlanMaker, make_samples: SamplesMaker
) -> None:
    samples = make_samples()
    plan = make_plan(batch=7)
    start = initial_weights(plan)
    trained = local_steps(plan, start, samples)
    assert trained == local_steps(plan, start, samples)
    assert trained != local_steps(make_plan(), start, samples)
    assert local_steps(make_plan(batch=60), start, samples) == local_steps(make_plan(), start, samples)


def test_a_job_reports_its_samples_and_leaves_the_weights_alone(make_plan: PlanMaker, subset: Subset) -> None:
    plan = make_plan()
    start = initial_weights(plan)
    result = train(plan, start, subset)
    assert result.samples == 60
    assert not start.tensors["output"].any()
    assert result.weights == local_steps(plan, start, subset.samples)


def test_the_secret_and_the_index_do_not_change_the_result(make_plan: PlanMaker, subset: Subset) -> None:
    plan = make_plan()
    other = Subset(9, subset.samples, bytes(32))
    assert (
        train(plan, initial_weights(plan), subset).digest()
        == train(plan, initial_weights(plan), other).digest()
    )


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"features": 4}, "the plan is for 4 features and 2 classes, the data have 3 and 2"),
        ({"classes": 3}, "the plan is for 3 features and 3 classes, the data have 3 and 2"),
    ],
)
def test_refuses_a_plan_for_other_data(
    make_plan: PlanMaker, subset: Subset, changes: dict[str, int], message: str
) -> None:
    plan = make_plan(**changes)
    with pytest.raises(BadPlan, match=f"^{message}$"):
        train(plan, initial_weights(plan), subset)


def test_refuses_more_rows_than_the_limits(make_plan: PlanMaker, subset: Subset) -> None:
    plan = make_plan()
    with pytest.raises(BadPlan, match=r"^60 rows; this agent trains on 1 to 59$"):
        train(plan, initial_weights(plan), subset, Limits(rows=59))
