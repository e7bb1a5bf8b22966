"""A market's training in one process: the same trainer, aggregation and kind of draw, without agents."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from agents.learning.data.samples import Samples
from agents.learning.integers.aggregate import ServerState, strategy_of
from agents.learning.integers.update import Update
from agents.learning.local import local_update
from agents.learning.plans.encrypted import EncryptedPlan
from agents.learning.plans.plan import Plan


def simulate(plan: Plan, subsets: Sequence[Samples], drawn: int, seed: int) -> Iterator[ServerState]:
    """The state after each of the plan's rounds, `drawn` subsets a round.

    With sums over the dataset the state moves once all subsets have been drawn since it last did.
    """
    strategy, state = strategy_of(plan), ServerState.initial(plan)
    whole = isinstance(plan, EncryptedPlan) and plan.sums == "dataset"
    waiting: dict[int, Update] = {}
    for chosen in draws(len(subsets), drawn, plan.rounds, seed):
        for index in chosen:
            waiting[index] = local_update(plan, state.weights, subsets[index])
        if not whole or len(waiting) == len(subsets):
            state = strategy.aggregate(state, Update.total(list(waiting.values())))
            waiting.clear()
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
