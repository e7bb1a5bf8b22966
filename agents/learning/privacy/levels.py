"""The levels at which a data owner offers a dataset, each said by what it guarantees."""

from __future__ import annotations

from typing import Literal

Secrecy = Literal["private", "dataset", "round", "none"]
"""What a data owner keeps from a model owner that breaks the rules, the most first."""

LEVELS: tuple[Secrecy, ...] = ("none", "round", "dataset", "private")
"""From the least to the most."""

GUARANTEES: dict[Secrecy, str] = {
    "private": (
        "Nobody's row changes what all model owners together can see by more than epsilon and delta allow."
    ),
    "dataset": (
        "A model owner sees exact sums over the whole dataset, and so few numbers that they tell no rows"
        " apart. Who knows all rows but one has that one."
    ),
    "round": (
        "A model owner sees exact sums over the subsets of a round, and from enough of them each subset's"
        " own. Who knows all rows of a subset but one has that one."
    ),
    "none": "Nothing is kept from a model owner: one who breaks the rules can have single rows.",
}
"""What holds, in words for whoever's rows they are."""

LEARNS: dict[Secrecy, dict[str, str]] = {
    "private": {
        "a model owner": "one sum over the dataset and one over held-out rows, both with noise; no row",
        "a cloud owner": "the rows of its subsets, in plain; no model",
        "anyone": "how many rows there are; public ranges of the columns; with noise, where these lie",
    },
    "dataset": {
        "a model owner": "exact sums over all rows; the exposed rows, whole",
        "a cloud owner": "the rows of its subsets, in plain; not the model",
        "anyone": "how many rows and columns there are",
    },
    "round": {
        "a model owner": "exact sums over the subsets of each round; the exposed rows, whole",
        "a cloud owner": "the rows of its subsets, in plain; not the model",
        "anyone": "how many rows and columns there are",
    },
    "none": {
        "a model owner": "what a plan shows, in plain text each subset's own result; the exposed rows, whole",
        "a cloud owner": "the rows of its subsets, in plain; in plain plans the model too",
        "anyone": "how many rows and columns there are",
    },
}
"""Who can learn what."""


def keeps_less(shown: Secrecy, asked: Secrecy) -> bool:
    """Whether the first level keeps less than the second."""
    return LEVELS.index(shown) < LEVELS.index(asked)
