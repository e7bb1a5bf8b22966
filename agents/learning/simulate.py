"""A market's training in one process: the same trainer, aggregation and kind of draw, without agents."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from agents.learning.aggregate import ServerState, strategy_of
from agents.learning.plan import Plan
from agents.learning.samples import Samples
from agents.learning.train import local_steps
from agents.learning.update import Update
from agents.learning.weights import TrainedModel


def simulate(plan: Plan, subsets: Sequence[Samples], drawn: int, seed: int) -> Iterator[ServerState]:
    """The state after each of the plan's rounds, `drawn` subsets a round."""
    strategy, state = strategy_of(plan), ServerState.initial(plan)
    for chosen in draws(len(subsets), drawn, plan.rounds, seed):
        results = [
            TrainedModel(local_steps(plan, state.weights, subsets[index]), len(subsets[index]))
            for index in chosen
        ]
        state = strategy.aggregate(state, Update.of(state.weights, results))
        yield state


def draws(m: int, drawn: int, rounds: int, seed: int) -> Iterator[tuple[int, ...]]:
    """Subsets of each round, without replacement: each is drawn once in every ceil(m / drawn) rounds.

    As in the market, a round that finds fewer than `drawn` left takes those and ends the epoch.
    """
    rng = np.random.default_rng(seed)
    undrawn: list[int] = []
    for _ in range(rounds):
        undrawn = undrawn or [int(index) for index in rng.permutation(m)]
        yield tuple(sorted(undrawn[:drawn]))
        undrawn = undrawn[drawn:]
