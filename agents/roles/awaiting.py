"""For what of others a party waits, in words: whoever runs an agent that does nothing sees why."""

from __future__ import annotations

from collections.abc import Iterable

from agents.core.assets import Couple, Dataset
from agents.core.enums import CouplePhase, Role
from agents.core.ids import Address
from agents.core.market import Market

_OF_OTHERS = {
    CouplePhase.REQUESTED: "the data owner's answer to its request",
    CouplePhase.DRAWING: "the data owner's seed in round {round}",
    CouplePhase.TRAINING: "the cloud owners' results in round {round}",
}


NOTHING = "nothing: "
"""So begins what is told of a couple that is over."""


def in_couple(market: Market, couple: Couple, now: int) -> str:
    """What a model owner waits for in its couple."""
    phase = market.phase_of(couple, now)
    if phase.is_over:
        return f"{NOTHING}couple {couple.id:x} is {phase.name.lower()}, and the agent may be stopped"
    return _OF_OTHERS.get(phase, "").format(round=couple.round)


def for_replicas(market: Market, dataset: Dataset) -> str:
    """What keeps a dataset from being trained on; empty if nothing does."""
    covered, subsets = market.covered(dataset.id), dataset.terms.subsets
    if covered == subsets:
        return ""
    return f"cloud owners: {covered} of the {subsets} subsets of dataset {dataset.id:x} have a replica"


def for_members(market: Market, owners: Iterable[Address]) -> str:
    """Which of those that a data owner names are not there yet; empty if all are."""
    away = [owner for owner in dict.fromkeys(owners) if market.role_of(owner) is Role.NONE]
    return f"cloud owners to register: {', '.join(away)}" if away else ""
