"""Accounts in rho, and what they come to: the figures of two libraries, and budgets that end.

`tests/privacy.json` is what OpenDP and dp-accounting say (`tools/make_privacy_vectors.py`).

Rules: N3, N4.
"""

from __future__ import annotations

import json
from fractions import Fraction
from math import sqrt
from pathlib import Path

import pytest

from agents.core.errors import BadInput
from agents.learning.privacy.accounting import (
    Account,
    Release,
    delta_digits,
    delta_of,
    epsilon_of,
    noise_factor,
    rho_for,
    variance_for,
)

FOUND_ELSEWHERE = json.loads((Path(__file__).parents[3] / "privacy.json").read_text())


@pytest.mark.parametrize("case", FOUND_ELSEWHERE)
def test_epsilon_is_what_opendp_finds_and_never_less_than_the_exact_one(case: dict[str, float]) -> None:
    found = epsilon_of(1 / (2 * case["factor"] ** 2), case["delta"])
    assert found == pytest.approx(case["zcdp"], rel=1e-6)
    assert case["exact"] < found < 1.12 * case["exact"]


@pytest.mark.parametrize(("epsilon", "factor"), [(0.5, 7.67), (1, 4.05), (2, 2.15), (4, 1.16), (8, 0.64)])
def test_noise_over_sensitivity(epsilon: float, factor: float) -> None:
    assert round(noise_factor(epsilon, 1e-5), 2) == factor


def test_the_lifetime_budgets() -> None:
    assert [round(float(rho_for(4, delta)), 2) for delta in (1e-5, 1e-6, 1e-7)] == [0.37, 0.31, 0.27]


@pytest.mark.parametrize("epsilon", [0.01, 0.5, 4, 30])
@pytest.mark.parametrize("delta", [1e-5, 1e-12])
def test_rho_is_the_largest_whole_millionth_that_keeps_epsilon(epsilon: float, delta: float) -> None:
    rho = rho_for(epsilon, delta)
    assert (rho * 10**6).denominator == 1
    assert delta_of(float(rho), epsilon) <= delta < delta_of(float(rho) + 1e-6, epsilon)
    assert epsilon_of(float(rho), delta) <= epsilon


def test_the_conversion_is_tighter_than_the_simple_one() -> None:
    assert delta_of(0.3, 0.3 + 2 * sqrt(0.3 * 11.5)) < 1e-5
    assert delta_of(5.0, 0.0) > 0.99


@pytest.mark.parametrize(
    ("rows", "digits"),
    [(1, 5), (370, 5), (1000, 5), (1001, 6), (1169, 6), (10_000, 6), (14_477, 7), (35_061, 7)],
)
def test_delta_is_a_power_of_ten_under_a_hundredth_of_a_row(rows: int, digits: int) -> None:
    assert delta_digits(rows) == digits


def test_what_has_no_meaning_is_refused() -> None:
    for found in (lambda: rho_for(0, 1e-5), lambda: rho_for(1, 1), lambda: epsilon_of(-1, 1e-5)):
        with pytest.raises(BadInput, match="above 0"):
            found()


def test_releases_add_up_until_the_budget_ends() -> None:
    account = Account(Fraction(37, 100))
    summary = Release("the summary", Fraction(120), 1200)
    assert summary.rho == Fraction(1, 20)
    account = account.after(summary)
    account = account.after(Release("the moments", Fraction(9, 2), 8))
    assert account.spent == Fraction(1, 20) + Fraction(9, 32)
    with pytest.raises(BadInput) as refused:
        account.after(summary)
    assert str(refused.value) == (
        "the summary would cost rho 0.0500, and of 0.3700 only 0.0387 are left: add more noise, or do without"
    )
    assert account.after(Release("the rest", Fraction(310), 4000)).spent == Fraction(37, 100)


@pytest.mark.parametrize("squared", [Fraction(9, 2), Fraction(2465, 512) * 4**24, Fraction(1, 10**9)])
def test_a_variance_is_the_least_even_number_that_the_budget_pays(squared: Fraction) -> None:
    rho = Fraction(317, 1000)
    variance = variance_for(squared, rho)
    assert variance % 2 == 0
    assert Release("", squared, variance).rho <= rho
    assert variance == 2 or Release("", squared, variance - 2).rho > rho
