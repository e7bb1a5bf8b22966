"""What a table can afford follows from its size, and is told in plain words.

Rules: N5.
"""

from __future__ import annotations

import pytest

from agents.core.errors import BadInput
from agents.learning.privacy.rule_of_thumb import choose_epsilon, noise_ratio


@pytest.mark.parametrize(
    ("rows", "columns", "ratio"),
    [(370, 30, 1.5), (115, 13, 1.4), (1169, 64, 1.7), (288, 10, 0.4), (4137, 8, 0.02), (14_477, 24, 0.03)],
)
def test_noise_over_what_is_to_be_learnt(rows: int, columns: int, ratio: float) -> None:
    assert noise_ratio(rows, columns, 4) == pytest.approx(ratio, rel=0.05, abs=0.005)


@pytest.mark.parametrize(
    ("rows", "columns", "epsilon"), [(4137, 8, 1), (1000, 10, 1), (500, 10, 2), (288, 10, 4), (370, 30, 4)]
)
def test_the_least_epsilon_that_the_table_affords(rows: int, columns: int, epsilon: int) -> None:
    assert choose_epsilon(rows, columns) == epsilon


def test_people_with_many_rows_have_more_noise() -> None:
    assert noise_ratio(4137, 8, 1, rows_of_a_person=3) == pytest.approx(3 * noise_ratio(4137, 8, 1))
    assert choose_epsilon(4137, 8, rows_of_a_person=10) == 2


def test_a_table_that_is_too_small_is_refused_in_plain_words() -> None:
    with pytest.raises(BadInput) as refused:
        choose_epsilon(60, 13)
    assert str(refused.value) == (
        "60 rows of 13 columns: at epsilon 4 the noise would be larger than what is to be learnt. Take fewer"
        " columns, offer more rows, join a federation, or publish at level `dataset`, which has no such"
        " guarantee."
    )
