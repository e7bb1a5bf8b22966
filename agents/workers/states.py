"""What a model owner keeps of a couple, by name, and when it has had enough of it."""

from __future__ import annotations

from agents.core.ids import CoupleId
from agents.learning.plans.base import Plan


def should_stop(plan: Plan, rounds: int, scores: list[float], *, begun: bool = False) -> bool:
    """The plan's stop criterion.

    Args:
        plan: says how many rounds, which score is enough and how long to wait for a better one.
        rounds: in which something was settled so far.
        scores: of each time that a sum was whole, on the model owner's samples.
        begun: whether a sum over the dataset waits for the rest of its results: it is finished first.
    """
    if (rounds >= plan.rounds and not begun) or (scores and scores[-1] >= plan.stop.target < 1):
        return True
    since_best = len(scores) - 1 - scores.index(max(scores)) if scores else 0
    return 0 < plan.stop.patience <= since_best


def result_file(found: bytes) -> str:
    """Where a result is kept, by its digest."""
    return f"results/{found.hex()}"


def state_file(tc: CoupleId, round_: int, part: str) -> str:
    """Where the ``weights``, ``velocity`` or ``memory`` after a round are kept, or what was ``published``."""
    return f"states/{tc:x}/{round_}.{part}"


def salt_file(tc: CoupleId) -> str:
    """Where the salt of the hash that ends the couple is kept, in hexadecimal digits."""
    return f"states/{tc:x}/final.salt"


def losses_file(tc: CoupleId) -> str:
    """Where the losses of each round's weights are noted."""
    return f"states/{tc:x}/losses.json"


def scores_file(tc: CoupleId) -> str:
    """Where the scores of each round's weights are noted."""
    return f"states/{tc:x}/scores.json"
