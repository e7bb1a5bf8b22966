"""Default plans on real data split with skew: the market's model is as good as a centralised one.

Plans for ciphertexts are played in the clear, on the same integers.

Rules: P27.
"""

from __future__ import annotations

import pytest

from agents.learning.data.prepare import partition, strata_of
from agents.learning.data.split import split
from agents.learning.data.tables import load_table
from agents.learning.evaluate import centralised, score
from agents.learning.families.registry import default_plan
from agents.learning.simulate import simulate


def market_and_central(
    name: str, model: str, m: int, drawn: int, rounds: int, seed: int
) -> tuple[float, float]:
    data = partition(load_table(name), seed)
    parts = split(strata_of(data.train.target, data.train.task), m, seed)
    plan = default_plan(data.train.task, data.train.classes, data.train.features.shape[1], model, rounds)
    *_, last = simulate(plan, [data.train.take(rows) for rows in parts], drawn, seed)
    return score(plan, last.weights, data.test), centralised(plan, data.train, data.test).score


@pytest.mark.parametrize("seed", range(10))
def test_breast_cancer_from_subsets_of_a_single_class(seed: int) -> None:
    market, central = market_and_central("breast-cancer", "logistic", 4, 2, 8, seed)
    assert market >= central - 0.03
    assert market > 0.93


@pytest.mark.parametrize("m", [4, 8])
def test_digits(m: int) -> None:
    market, central = market_and_central("digits", "logistic", m, m // 2, 10, seed=0)
    assert market >= central - 0.03
    assert market > 0.92


@pytest.mark.parametrize("seed", range(5))
def test_diabetes(seed: int) -> None:
    market, central = market_and_central("diabetes", "ridge", 4, 2, 8, seed)
    assert market >= central - 0.03


def test_breast_cancer_with_a_network() -> None:
    market, central = market_and_central("breast-cancer", "network", 4, 2, 8, seed=0)
    assert market >= central - 0.03


@pytest.mark.parametrize("model", ["encrypted-linear", "encrypted-ridge", "encrypted-logistic"])
@pytest.mark.parametrize("seed", range(5))
def test_breast_cancer_on_ciphertexts(model: str, seed: int) -> None:
    market, central = market_and_central("breast-cancer", model, 4, 2, 8, seed)
    assert market >= central - 0.03
    assert market > 0.93


@pytest.mark.parametrize("model", ["encrypted-linear", "encrypted-ridge", "encrypted-logistic"])
def test_digits_on_ciphertexts(model: str) -> None:
    market, central = market_and_central("digits", model, 8, 4, 8, seed=0)
    assert market >= central - 0.03
    assert market > 0.92


@pytest.mark.parametrize("seed", range(5))
def test_diabetes_on_ciphertexts(seed: int) -> None:
    market, central = market_and_central("diabetes", "encrypted-ridge", 4, 2, 8, seed)
    assert market >= central - 0.03


@pytest.mark.parametrize("seed", range(5))
def test_breast_cancer_with_a_cubic_sigmoid_on_ciphertexts(seed: int) -> None:
    market, central = market_and_central("breast-cancer", "encrypted-cubic", 4, 2, 30, seed)
    assert market >= central - 0.03
    assert market > 0.94


def test_digits_with_a_cubic_sigmoid_on_ciphertexts() -> None:
    market, central = market_and_central("digits", "encrypted-cubic", 8, 4, 30, seed=0)
    assert market >= central - 0.03
    assert market > 0.9


@pytest.mark.parametrize("seed", range(5))
def test_breast_cancer_with_a_network_of_squares_on_ciphertexts(seed: int) -> None:
    market, _ = market_and_central("breast-cancer", "encrypted-network", 4, 2, 40, seed)
    assert market > 0.94
