"""How much privacy a table can afford, from its size alone: nobody looks at a row to know it.

The noise of the moments is compared with what they are: q is its spectral norm over the mean eigenvalue of
the sum of uu'. Measured on seven tables: up to a tenth it costs a hundredth of accuracy at most, up to a half
a hundredth or two (of R2 a tenth), from 1 to 2 up to .08 of accuracy and half of R2 or more.
"""

from __future__ import annotations

from math import sqrt

from agents.core.errors import BadInput
from agents.learning.privacy.accounting import delta_digits, noise_factor

EPSILONS = (1, 2, 4)
"""A data owner's choices; 4 is the most for a table's lifetime."""

AFFORDABLE = 0.5
"""q up to which the least epsilon is chosen."""

HOPELESS = 2.0
"""q beyond which there is nothing to learn as a rule."""

_SENSITIVITY = 2.12
"""Of one row (`sensitivity.py`)."""


def noise_ratio(rows: int, columns: int, epsilon: float, rows_of_a_person: int = 1) -> float:
    """The q of a table of so many training rows and columns.

    With one-hot targets and moments alone: a summary and regressions have a little more noise.
    """
    deviation = _SENSITIVITY * rows_of_a_person * noise_factor(epsilon, 10.0 ** -delta_digits(rows))
    return sqrt(2) * deviation * columns * sqrt(columns) / rows


def choose_epsilon(rows: int, columns: int, rows_of_a_person: int = 1) -> int:
    """The least epsilon of `EPSILONS` that the table affords, or else the largest.

    Raises:
        BadInput: in plain words, that even the largest would leave nothing to learn.
    """
    ratios = {epsilon: noise_ratio(rows, columns, epsilon, rows_of_a_person) for epsilon in EPSILONS}
    largest = EPSILONS[-1]
    if ratios[largest] > HOPELESS:
        raise BadInput(refusal(rows, columns, largest))
    return next((epsilon for epsilon, ratio in ratios.items() if ratio <= AFFORDABLE), largest)


def refusal(rows: int, columns: int, epsilon: int) -> str:
    """What a data owner is told whose table is too small."""
    return (
        f"{rows} rows of {columns} columns: at epsilon {epsilon} the noise would be larger than what is to be"
        " learnt. Take fewer columns, offer more rows, join a federation, or publish at level `dataset`,"
        " which has no such guarantee."
    )
