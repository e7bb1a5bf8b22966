"""Whether a model has settled: whether more rounds would bring anything."""

from __future__ import annotations

from collections.abc import Sequence

from agents.learning.integers.aggregate import ServerState
from agents.learning.plans.base import Plan

LOOK_BACK = 5
"""Where only losses tell, so many new weights are compared with all before them."""

_SOMETHING = 0.01
"""Of the first loss: so much less is something learnt."""


def has_settled(plan: Plan, state: ServerState, losses: Sequence[float]) -> bool:
    """Whether the last sums brought less than the plan's `stop.settled` of all that was learnt.

    A strategy that solves its sums knows what the last one brought. Elsewhere the best loss of the last
    LOOK_BACK weights is held against the best before them, a share of `stop.settled` for each. A model that
    has learnt next to nothing has not settled: some are slow to begin.

    Args:
        plan: says which share is worth a round; with 0 nothing is ever settled.
        state: after the last new weights.
        losses: on the model owner's samples: of the first weights, then each time that there were new ones.
            Empty if it has no samples: then only the strategy can tell.
    """
    share = float(plan.stop.settled)
    if not share:
        return False
    if state.gain is not None:
        return state.gain < share
    if len(losses) <= LOOK_BACK:
        return False
    before, last = min(losses[:-LOOK_BACK]), min(losses[-LOOK_BACK:])
    learnt = losses[0] - min(before, last)
    return learnt > _SOMETHING * losses[0] and before - last <= LOOK_BACK * share * learnt
