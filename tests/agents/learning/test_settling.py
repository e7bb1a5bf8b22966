"""When training ends by itself.

Rules: P62.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from agents.learning.data.samples import PredictionTask, Samples
from agents.learning.families.registry import default_plan, family_of
from agents.learning.integers.aggregate import ServerState
from agents.learning.plans.defaults import MOST_ROUNDS, SETTLED
from agents.learning.settling import LOOK_BACK, has_settled
from agents.learning.simulate import simulate_to_end
from tests.agents.learning.conftest import SamplesMaker

PLAN = default_plan(PredictionTask.CLASSIFICATION, 2, 3, "logistic", rounds=None)
STATE = family_of(PLAN).initial_state()


def known(gain: float) -> ServerState:
    return ServerState(STATE.weights, STATE.velocity, gain=gain)


def test_without_rounds_a_plan_goes_on_until_it_has_settled() -> None:
    assert (PLAN.rounds, PLAN.stop.settled) == (MOST_ROUNDS, SETTLED)
    assert default_plan(PredictionTask.CLASSIFICATION, 2, 3, "logistic", 8).stop.settled == 0


def test_what_a_strategy_knows_decides() -> None:
    assert has_settled(PLAN, known(0.0), [])
    assert has_settled(PLAN, known(0.0009), [])
    assert not has_settled(PLAN, known(0.001), [])


def test_a_plan_of_so_many_rounds_never_settles() -> None:
    exact = PLAN.model_copy(update={"stop": PLAN.stop.model_copy(update={"settled": Fraction(0)})})
    assert not has_settled(exact, known(0.0), [])


def test_losses_decide_where_the_strategy_cannot_tell() -> None:
    falling = [1.0, 0.5, 0.4, 0.35, 0.3, 0.25, 0.2]
    assert not has_settled(PLAN, STATE, falling)
    assert has_settled(PLAN, STATE, [*falling, *[0.1999] * LOOK_BACK])
    assert not has_settled(PLAN, STATE, [*falling, *[0.19] * LOOK_BACK])


def test_losses_that_rise_have_settled() -> None:
    assert has_settled(PLAN, STATE, [1.0, 0.2, *[0.3] * LOOK_BACK])


@pytest.mark.parametrize("losses", [[1.0] * 20, [1.0, *[1.2] * 20], [1.0, *[0.995] * 20]])
def test_a_model_that_has_learnt_next_to_nothing_has_not_settled(losses: list[float]) -> None:
    assert not has_settled(PLAN, STATE, losses)


@pytest.mark.parametrize("losses", [[], [1.0] * LOOK_BACK])
def test_too_few_losses_tell_nothing(losses: list[float]) -> None:
    assert not has_settled(PLAN, STATE, losses)


def test_training_ends_when_it_has_settled_and_else_with_its_rounds(make_samples: SamplesMaker) -> None:
    subsets = [make_samples(50, seed=seed) for seed in (1, 2)]
    plan = default_plan(PredictionTask.CLASSIFICATION, 2, 3, rounds=None)
    found = simulate_to_end(plan, subsets, 1, 0, make_samples(20, seed=3))
    assert (found.settled, found.rounds) == (True, 2)
    never = simulate_to_end(
        default_plan(PredictionTask.CLASSIFICATION, 2, 3, rounds=6), subsets, 1, 0, make_samples(20, seed=3)
    )
    assert (never.settled, never.rounds) == (False, 6)


def test_without_samples_only_the_strategy_tells(make_samples: SamplesMaker) -> None:
    none = Samples(np.zeros((0, 3), np.int32), np.zeros(0, np.int32), 2)
    plain = PLAN.model_copy(update={"rounds": 7})
    assert not simulate_to_end(plain, [make_samples()], 1, 0, none).settled
