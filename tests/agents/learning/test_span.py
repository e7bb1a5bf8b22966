"""Sums that are solved: the model owner gets to the optimum, and classes are read as discriminants.

Rules: P27, P60, P61.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from agents.learning.data.prepare import partition, strata_of
from agents.learning.data.samples import FloatArray, Samples
from agents.learning.data.split import split
from agents.learning.data.tables import load_table
from agents.learning.evaluate import forecast, outside, score
from agents.learning.families.registry import default_plan, family_of
from agents.learning.integers.aggregate import ServerState
from agents.learning.integers.design_matrix import design_matrix
from agents.learning.integers.update import Update
from agents.learning.plans.base import Plan, Server, Stop
from agents.learning.plans.encrypted import ExactPlan
from agents.learning.simulate import Training, simulate, simulate_to_end
from tests.agents.learning.conftest import PlanMaker, SamplesMaker
from tests.agents.learning.he.conftest import make_plan as encrypted_plan

SOLVED = {"local_steps": 1, "server": Server(strategy="span"), "fraction_bits": 18}


def solved_plan(family: str = "encrypted-ridge", **changes: object) -> ExactPlan:
    plan = encrypted_plan(family, **({"features": 3, "classes": 0, "rounds": 20} | SOLVED | changes))
    assert isinstance(plan, ExactPlan)
    return plan


def after_sums(plan: Plan, subsets: list[Samples], sums: int) -> ServerState:
    family = family_of(plan)
    state = family.initial_state()
    for _ in range(sums):
        parts = [family.local_update(state.asked, samples) for samples in subsets]
        state = family.aggregate(state, Update.total(parts))
    return state


def real(state: ServerState) -> FloatArray:
    numbers: FloatArray = state.weights.tensors["output"].astype(np.float64) * 2.0**-state.weights.bits
    return numbers


def optimum(samples: list[Samples], l2: float) -> FloatArray:
    rows = np.vstack([design_matrix(one.features, 4) for one in samples]) / 2.0**8
    goals = np.concatenate([one.target for one in samples]) / 2.0**16
    penalty = l2 * len(rows) * np.diag([1.0] * (rows.shape[1] - 1) + [0.0])
    found: FloatArray = np.linalg.solve(rows.T @ rows + penalty, rows.T @ goals).astype(np.float64)
    return found


def test_the_optimum_is_reached_once_the_directions_span_the_space(make_samples: SamplesMaker) -> None:
    subsets = [make_samples(rows, classes=0, seed=rows) for rows in (40, 57)]
    plan = solved_plan(l2=Fraction(1, 50))
    state = after_sums(plan, subsets, 5)
    assert real(state)[:, 0] == pytest.approx(optimum(subsets, 0.02), abs=1e-3)
    assert state.gain == 0.0


def test_one_sum_is_enough_where_all_columns_fit(make_samples: SamplesMaker) -> None:
    subsets = [make_samples(rows, classes=0, seed=rows) for rows in (40, 57)]
    state = after_sums(solved_plan(probes=4, l2=Fraction(1, 50)), subsets, 1)
    assert real(state)[:, 0] == pytest.approx(optimum(subsets, 0.02), abs=1e-3)
    assert state.gain == 0.0


def test_each_sum_brings_less_loss_and_asks_something_new(make_samples: SamplesMaker) -> None:
    samples = make_samples(90, features=8, classes=0, seed=1)
    plan = solved_plan(features=8)
    gains = [after_sums(plan, [samples], sums).gain for sums in range(2, 11)]
    assert all(gain is not None and gain >= -1e-9 for gain in gains)
    assert gains[0] == pytest.approx(1.0)
    assert gains[-1] == 0.0
    asked = [after_sums(plan, [samples], sums).asked.tensors["output"] for sums in range(1, 9)]
    assert np.linalg.matrix_rank(np.hstack(asked)) == 8


def test_the_market_is_training_in_one_place_to_the_rounding(make_samples: SamplesMaker) -> None:
    whole = make_samples(97, features=8, classes=0, seed=4)
    halves = [whole.take(np.arange(0, 40)), whole.take(np.arange(40, 97))]
    plan = solved_plan(features=8, l2=Fraction(1, 1000))
    together, apart = after_sums(plan, [whole], 4), after_sums(plan, halves, 4)
    assert real(together) == pytest.approx(real(apart), abs=1e-3)


def test_a_first_sum_without_room_for_directions_has_not_settled(make_samples: SamplesMaker) -> None:
    samples = make_samples(90, features=8, classes=0, seed=1)
    first = after_sums(solved_plan(features=8), [samples], 1)
    assert not first.weights.tensors["output"].any()
    assert first.gain == 1.0


def test_columns_of_zeros_and_doubled_ones_do_no_harm(make_samples: SamplesMaker) -> None:
    samples = make_samples(60, features=3, classes=0)
    features = np.hstack([samples.features, samples.features[:, :1], np.zeros((60, 1), np.int32)])
    doubled = Samples(features.astype(np.int32), samples.target, 0)
    plan = solved_plan("encrypted-linear", features=5, probes=6)
    assert score(plan, after_sums(plan, [doubled], 2).weights, doubled) > 0.99


def test_a_target_that_nothing_tells_gives_zeros(make_samples: SamplesMaker) -> None:
    samples = Samples(make_samples().features, np.zeros(60, np.int32), 0)
    state = after_sums(solved_plan(probes=4), [samples], 2)
    assert not state.weights.tensors["output"].any()


# --- classes ---


def classes_between(rows: int = 300) -> Samples:
    """Three classes in a row: a fit of indicators never says the middle one."""
    rng = np.random.default_rng(0)
    target = np.arange(rows) % 3
    features = np.stack([(target - 1) * 300 + rng.normal(0, 60, rows), rng.normal(0, 100, rows)], axis=1)
    return Samples(np.rint(features).astype(np.int32), target.astype(np.int32), 3)


def test_a_class_between_two_others_is_found() -> None:
    samples = classes_between()
    plain = solved_plan("encrypted-logistic", features=2, classes=3, probes=3)
    read = plain.model_copy(update={"readout": "discriminant"})
    assert score(plain, after_sums(plain, [samples], 3).weights, samples) < 0.75
    assert score(read, after_sums(read, [samples], 3).weights, samples) > 0.98


@pytest.mark.parametrize("family", ["encrypted-linear", "encrypted-ridge", "encrypted-logistic"])
def test_scores_are_those_of_linear_discriminants(family: str) -> None:
    samples = classes_between(200)
    plan = solved_plan(family, features=2, classes=3, probes=3, clip=16, step=Fraction(1, 257))
    plan = plan.model_copy(update={"readout": "discriminant"})
    state = after_sums(plan, [samples], 3)
    chances = forecast(plan, state.weights, samples).chances
    peer = LinearDiscriminantAnalysis().fit(samples.features / 256, samples.target)
    assert chances is not None
    assert chances == pytest.approx(peer.predict_proba(samples.features / 256), abs=0.02)


def rare() -> Samples:
    rng = np.random.default_rng(1)
    target = (np.arange(400) % 20 == 0).astype(np.int32)
    features = np.rint(rng.normal(0, 256, (400, 2)) + 256 * target[:, None]).astype(np.int32)
    return Samples(np.clip(features, -1024, 1024), target, 2)


def test_balanced_scores_say_the_rare_class_more_often() -> None:
    samples, said = rare(), {}
    for readout in ("discriminant", "balanced"):
        plan = solved_plan("encrypted-logistic", features=2, classes=2, probes=3)
        plan = plan.model_copy(update={"readout": readout})
        told = forecast(plan, after_sums(plan, [samples], 3).weights, samples).said
        said[readout] = int((told == 1).sum())
    assert said["discriminant"] < 20 < 80 < said["balanced"] < 200


def test_scores_over_the_range_of_weights_are_made_smaller_all_alike() -> None:
    samples = classes_between()
    narrow = Samples(
        np.sign(samples.features - 1).astype(np.int32) * (samples.target - 1)[:, None] ** 2, samples.target, 3
    )
    plan = solved_plan("encrypted-logistic", features=2, classes=3, probes=3, readout="discriminant")
    state = after_sums(plan, [narrow], 3)
    assert np.abs(real(state)).max() <= 32


# --- real tables ---


@pytest.fixture
def trained() -> Callable[[str], tuple[Plan, Training, Samples, Samples]]:
    """A built-in table by default settings, until it has settled."""

    def train(name: str) -> tuple[Plan, Training, Samples, Samples]:
        data = partition(load_table(name), 0)
        parts = [data.train.take(r) for r in split(strata_of(data.train.target, data.train.task), 4, 0)]
        form = data.train
        plan = default_plan(form.task, form.classes, form.features.shape[1], rounds=None, rows=len(form))
        return plan, simulate_to_end(plan, parts, 2, 0, data.validation), form, data.test

    return train


@pytest.mark.parametrize("name", ["breast-cancer", "wine", "digits", "diabetes"])
def test_real_tables_settle_near_scikit_learn(
    name: str, trained: Callable[[str], tuple[Plan, Training, Samples, Samples]]
) -> None:
    plan, training, train, test = trained(name)
    assert training.settled
    assert training.rounds <= 20
    assert score(plan, training.state.weights, test) > outside(plan, train, test).score - 0.06


def test_a_round_that_makes_no_sum_leaves_the_state_as_it_is(make_samples: SamplesMaker) -> None:
    subsets = [make_samples(rows, classes=0, seed=rows) for rows in (40, 57)]
    plan = solved_plan(rounds=4)
    first, second, third, fourth = simulate(plan, subsets, 1, seed=0)
    assert first is not second is third is not fourth


# --- plans ---


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"local_steps": 2}, "one local step"),
        ({"sums": "round"}, "sums over the dataset"),
        ({"readout": "balanced"}, "readout is for classes"),
        ({"server": Server(), "probes": 1}, 'probes and readout go with strategy "span"'),
    ],
)
def test_a_plan_that_cannot_be_solved_is_refused(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        solved_plan(**changes)


def test_only_exact_families_are_solved(make_plan: PlanMaker) -> None:
    with pytest.raises(ValidationError, match="is for exact encrypted families"):
        make_plan(server=Server(strategy="span"))


def test_a_solved_plan_has_no_step_of_the_server() -> None:
    with pytest.raises(ValidationError, match="leave step at 1"):
        Server(strategy="span", step=Fraction(2))


def test_settled_is_a_share() -> None:
    with pytest.raises(ValidationError, match="settled is a share below 1"):
        Stop(metric="r2", settled=Fraction(1))
