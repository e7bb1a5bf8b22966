"""Figures that default plans share.

They were chosen by measurement on scikit-learn's data sets, split with skew into 4 to 12 subsets of which a
quarter to a half are drawn a round. Subsets pull the weights in different directions, the more so the longer
they train alone: so each moves only a little, with the largest step that is safe, and the model owner goes
further along their average, smoothed by momentum.
"""

from __future__ import annotations

from fractions import Fraction
from math import ceil, sqrt

from agents.core.errors import BadPlan
from agents.learning.data.samples import FEATURE_BITS, FEATURE_LIMIT
from agents.learning.plans.base import Server, Stop

CLIP = 8
"""Norm to which rows are cut for a classification; a standardised row of 30 features has about 5.5."""

ROWS = 256
"""Room for the rows of a subset on CKKS: with more of it, fewer features are multiplied at once."""


MOST_ROUNDS = 40
"""Training that goes on until the model has settled ends here in any case; coins are locked for so many."""

SETTLED = Fraction(1, 1000)
"""A model has settled when new weights bring a smaller share than this of all that was learnt."""

SOLVED = Server(strategy="span")
"""Sums over the dataset of exact families are solved."""


def roomy_clip(features: int) -> int:
    """Half as much again as a usual row's norm: values are proportional to rows, so few should be cut."""
    return min(64, max(4, ceil(1.5 * sqrt(features))))


def whole_clip(features: int) -> int:
    """The norm that a row has if all its columns are at their limit: with up to 256 of them none is cut."""
    limit = FEATURE_LIMIT >> FEATURE_BITS
    return min(64, ceil(limit * sqrt(features)))


def safe_step(clip: int) -> Fraction:
    """The largest local step that cannot diverge, for rows of this norm."""
    return Fraction(1, clip**2 + 1)


def momentum(step: str, share: str) -> Server:
    """An aggregation that goes so far along the average, and keeps this share of its last change."""
    return Server(strategy="fedavgm", step=Fraction(step), momentum=Fraction(share))


def never_early(classes: int) -> Stop:
    """No stop before the last round."""
    return Stop(metric="accuracy" if classes else "r2")


def check_classes(classes: int) -> None:
    """Checks that there are classes, as logistic regression needs them.

    Raises:
        BadPlan: there are none.
    """
    if not classes:
        raise BadPlan(
            "logistic regression needs classes, and the target is a number: "
            "choose linear, ridge or network, or encrypted-ridge"
        )
