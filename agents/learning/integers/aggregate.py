"""Aggregation at the model owner, exact: the round's step is written once, a strategy overrides one method.

The shape follows Flower's strategies. All numbers are integers: averages and factors round to the nearest
whole number, halves upward, so anybody can repeat the aggregation and get the same bytes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np

from agents.learning.data.samples import Int64Array
from agents.learning.integers.fixed import RANGE_BITS
from agents.learning.integers.update import Update
from agents.learning.integers.weights import Weights
from agents.learning.plans.base import DescentPlan

Tensors = dict[str, Int64Array]


@dataclass(frozen=True)
class ServerState:
    """What the model owner keeps between rounds.

    Attributes:
        weights: of the model.
        velocity: the last change, in the same units; zeros at first.
        memory: what a strategy keeps besides (`span.py`).
        gain: how much of all that is learnt the last sum brought, where a strategy can tell: 0 if no sum
            would bring more. Not kept.
    """

    weights: Weights
    velocity: Weights
    memory: Mapping[str, Int64Array] = field(default_factory=dict)
    gain: float | None = None

    @property
    def asked(self) -> Weights:
        """What cloud owners are given: the model, unless a strategy asks something else."""
        asked = self.memory.get("asked")
        return self.weights if asked is None else Weights({"output": asked}, self.weights.bits)

    @classmethod
    def initial(cls, weights: Weights) -> ServerState:
        """The state before the first round, of the family's initial weights."""
        still = {name: np.zeros_like(matrix) for name, matrix in weights.tensors.items()}
        return cls(weights, Weights(still, weights.bits))


class FedAvg:
    """Federated averaging (McMahan et al. 2017): moves by `step` times the sample-weighted average change."""

    def __init__(self, plan: DescentPlan) -> None:
        self.server = plan.server

    def aggregate(self, state: ServerState, update: Update) -> ServerState:
        """The state after an update."""
        divisor = update.samples << update.fraction_bits
        change = {name: divide(total, divisor) for name, total in update.change.items()}
        velocity = self.velocity(state, change)
        limit = 2 ** (state.weights.bits + RANGE_BITS)
        moved = {
            name: np.clip(matrix + scale(velocity[name], self.server.step), -limit, limit)
            for name, matrix in state.weights.tensors.items()
        }
        return ServerState(Weights(moved, state.weights.bits), Weights(velocity, state.weights.bits))

    def velocity(self, state: ServerState, change: Tensors) -> Tensors:
        """The direction to move in, from this round's average change: here, that change."""
        del state
        return change


class FedAvgM(FedAvg):
    """Federated averaging with server momentum (Hsu et al. 2019)."""

    def velocity(self, state: ServerState, change: Tensors) -> Tensors:
        """This round's change and a share of the last velocity."""
        last = state.velocity.tensors
        return {name: scale(last[name], self.server.momentum) + delta for name, delta in change.items()}


STRATEGIES: dict[str, type[FedAvg]] = {"fedavg": FedAvg, "fedavgm": FedAvgM}


def strategy_of(plan: DescentPlan) -> FedAvg:
    """The strategy that the plan names."""
    return STRATEGIES[plan.server.strategy](plan)


def divide(values: Int64Array, divisor: int) -> Int64Array:
    """Quotients values / divisor to the nearest whole number, halves upward; divisor > 0."""
    quotient: Int64Array = (2 * values + divisor) // (2 * divisor)
    return quotient


def scale(values: Int64Array, factor: Fraction) -> Int64Array:
    """Values times factor to the nearest whole number, halves upward.

    Exact in int64: a velocity is below 2^37 at the largest momentum, a plan's server factor has a numerator
        below 2^17.
    """
    return divide(values * factor.numerator, factor.denominator)
