"""A market's training in one process: the same trainer, aggregation and kind of draw, without agents."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from agents.learning.data.samples import Samples
from agents.learning.families.registry import family_of
from agents.learning.integers.aggregate import ServerState
from agents.learning.integers.update import Update
from agents.learning.plans.base import Plan


def simulate(plan: Plan, subsets: Sequence[Samples], drawn: int, seed: int) -> Iterator[ServerState]:
    """The state after each of the plan's rounds, `drawn` subsets a round.

    With sums over the dataset the state moves once all subsets have been drawn since it last did.
    """
    family = family_of(plan)
    state = ServerState.initial(family.initial_weights())
    waiting: dict[int, Update] = {}
    for chosen in draws(len(subsets), drawn, plan.rounds, seed):
        for index in chosen:
            waiting[index] = family.local_update(state.weights, subsets[index])
        if family.is_whole(waiting, family.members(chosen, len(subsets))):
            state = family.aggregate(state, Update.total(list(waiting.values())))
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
