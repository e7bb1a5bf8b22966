"""A market's training in one process: the same trainer, aggregation and kind of draw, without agents."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from agents.learning.data.samples import Samples
from agents.learning.evaluate import loss
from agents.learning.families.registry import family_of
from agents.learning.integers.aggregate import ServerState
from agents.learning.integers.update import Update
from agents.learning.plans.base import Plan
from agents.learning.settling import has_settled


@dataclass(frozen=True)
class Training:
    """How a training went.

    Attributes:
        state: after the last round.
        rounds: how many there were.
        settled: whether more of them would have brought nothing.
    """

    state: ServerState
    rounds: int
    settled: bool


def simulate_to_end(
    plan: Plan, subsets: Sequence[Samples], drawn: int, seed: int, exposed: Samples
) -> Training:
    """Training until the model has settled, if its plan says so, or its rounds are over.

    Args:
        plan: of the training.
        subsets: of the dataset.
        drawn: how many a round.
        seed: of the draws.
        exposed: the model owner's samples, on which it sees whether the model gets better.
    """
    family = family_of(plan)
    state, losses = family.initial_state(), list[float]()
    if len(exposed):
        losses.append(loss(plan, state.weights, exposed))
    for round_, after in enumerate(simulate(plan, subsets, drawn, seed, state), start=1):
        if after is state:
            continue
        state = after
        if len(exposed):
            losses.append(loss(plan, state.weights, exposed))
        if family.learns_once or has_settled(plan, state, losses):
            return Training(state, round_, settled=True)
    return Training(state, plan.rounds, settled=False)


def simulate(
    plan: Plan, subsets: Sequence[Samples], drawn: int, seed: int, start: ServerState | None = None
) -> Iterator[ServerState]:
    """The state after each of the plan's rounds, `drawn` subsets a round, from the family's first one on.

    With sums over the dataset the state moves once all subsets have been drawn since it last did.
    """
    family = family_of(plan)
    state = start or family.initial_state()
    waiting: dict[int, Update] = {}
    for chosen in draws(len(subsets), drawn, plan.rounds, seed):
        for index in chosen:
            waiting[index] = family.local_update(state.asked, subsets[index])
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
