"""Aggregation: tiny arrays, one expected answer.

Rules: P26.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Literal

import numpy as np
import pytest

from agents.core.errors import BadObject
from agents.learning.integers.aggregate import FedAvg, FedAvgM, ServerState, divide, scale, strategy_of
from agents.learning.integers.update import Update
from agents.learning.integers.weights import TrainedModel, Weights
from agents.learning.plans.base import DescentPlan, Server
from testing.families import initial_state
from tests.agents.learning.conftest import PlanMaker


def weights(*values: int, bits: int = 20) -> Weights:
    return Weights({"output": np.array([values], dtype=np.int64)}, bits)


def state(*values: int, velocity: tuple[int, ...] = (0, 0)) -> ServerState:
    return ServerState(weights(*values), weights(*velocity))


def plan_with(make_plan: PlanMaker, step: str, momentum: str = "0") -> DescentPlan:
    kind: Literal["fedavg", "fedavgm"] = "fedavg" if momentum == "0" else "fedavgm"
    return make_plan(server=Server(strategy=kind, step=Fraction(step), momentum=Fraction(momentum)))


def moved(strategy: FedAvg, start: ServerState, results: Sequence[TrainedModel]) -> ServerState:
    """The state after these results."""
    return strategy.aggregate(start, Update.of(start.weights, results))


def test_fedavg_is_the_average_weighted_by_samples(make_plan: PlanMaker) -> None:
    results = [TrainedModel(weights(10, 100), 1), TrainedModel(weights(20, 0), 3)]
    after = moved(FedAvg(plan_with(make_plan, "1")), state(7, 7), results)
    assert after.weights == weights(18, 25)


def test_halves_round_upward(make_plan: PlanMaker) -> None:
    results = [TrainedModel(weights(1, -1), 1), TrainedModel(weights(0, 0), 1)]
    assert moved(FedAvg(plan_with(make_plan, "1")), state(0, 0), results).weights == weights(1, 0)
    assert divide(np.array([3, -3, 5, -5]), 2).tolist() == [2, -1, 3, -2]
    assert scale(np.array([10, -10]), Fraction(1, 3)).tolist() == [3, -3]


def test_the_server_step_goes_further(make_plan: PlanMaker) -> None:
    after = moved(FedAvg(plan_with(make_plan, "3/2")), state(10, 10), [TrainedModel(weights(20, 0), 5)])
    assert after.weights == weights(25, -5)


def test_momentum_keeps_a_share_of_the_last_change(make_plan: PlanMaker) -> None:
    strategy = FedAvgM(plan_with(make_plan, "2", "1/2"))
    first = moved(strategy, state(0, 0), [TrainedModel(weights(8, -8), 5)])
    assert (first.weights, first.velocity) == (weights(16, -16), weights(8, -8))
    second = moved(strategy, first, [TrainedModel(first.weights, 5)])
    assert (second.weights, second.velocity) == (weights(24, -24), weights(4, -4))


def test_the_order_of_results_does_not_matter(make_plan: PlanMaker) -> None:
    results = [TrainedModel(weights(n * 7, -n), n) for n in range(1, 6)]
    strategy = FedAvg(plan_with(make_plan, "1"))
    assert moved(strategy, state(1, 2), results) == moved(strategy, state(1, 2), results[::-1])


def test_the_largest_numbers_stay_exact(make_plan: PlanMaker) -> None:
    top = 2**29
    start = ServerState(weights(-top, top, bits=24), weights(0, 0, bits=24))
    results = [TrainedModel(weights(top, -top, bits=24), 2**22)] * 256
    assert moved(FedAvg(plan_with(make_plan, "1")), start, results).weights == weights(top, -top, bits=24)


def test_weights_saturate(make_plan: PlanMaker) -> None:
    after = moved(
        FedAvg(plan_with(make_plan, "100")), state(0, 0), [TrainedModel(weights(2**25, -(2**25)), 1)]
    )
    assert after.weights == weights(2**25, -(2**25))


@pytest.mark.parametrize(
    "result", [weights(1, 2, 3), weights(1, 2, bits=19), Weights({"hidden": np.zeros((1, 2), np.int64)}, 20)]
)
def test_refuses_a_result_of_another_form(make_plan: PlanMaker, result: Weights) -> None:
    with pytest.raises(BadObject, match=r"^a result does not have the weights' shape in 'output'$"):
        moved(FedAvg(plan_with(make_plan, "1")), state(0, 0), [TrainedModel(result, 1)])


def test_refuses_a_round_without_results(make_plan: PlanMaker) -> None:
    with pytest.raises(BadObject, match=r"^no results to aggregate$"):
        moved(FedAvg(plan_with(make_plan, "1")), state(0, 0), [])


def test_the_plan_names_the_strategy(make_plan: PlanMaker) -> None:
    assert type(strategy_of(plan_with(make_plan, "1"))) is FedAvg
    assert type(strategy_of(plan_with(make_plan, "1", "1/2"))) is FedAvgM


def test_the_first_state_stands_still(make_plan: PlanMaker) -> None:
    first = initial_state(make_plan("network"))
    assert first.weights.tensors["hidden"].any()
    assert not any(matrix.any() for matrix in first.velocity.tensors.values())
