"""Exact arithmetic on integers in float64.

Rules: P5, P20.
"""

from __future__ import annotations

import math

import numpy as np
import pytest

from agents.learning.integers.fixed import exact_matmul, exp, saturate, softmax


def test_the_product_is_that_of_whole_numbers() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.integers(-(2**20), 2**20, (40, 300)), rng.integers(-(2**20), 2**20, (300, 30))
    assert (exact_matmul(a.astype(float), b.astype(float)).astype(np.int64) == a @ b).all()


def test_the_product_may_come_just_below_the_limit_but_not_reach_it() -> None:
    below = np.array([[2.0**26]])
    assert exact_matmul(below, below - 1) == [[2.0**52 - 2.0**26]]
    wide = np.full((1, 2), 2.0**26)
    with pytest.raises(OverflowError, match=r"could reach 9\.01e\+15"):
        exact_matmul(wide, wide.T)


def test_saturate_cuts_at_32() -> None:
    assert saturate(np.array([-1e9, -3.0, 1e9]), 4).tolist() == [-512.0, -3.0, 512.0]


def test_exp_is_the_exponential_of_what_is_not_positive() -> None:
    x = -np.linspace(0, 40, 2001)
    assert np.allclose(exp(x), np.exp(x), rtol=1e-6, atol=0)
    assert exp(np.array([0.0])).tolist() == [1.0]
    assert exp(np.array([-1e6]))[0] < 1e-17


def test_softmax_gives_probabilities_in_units() -> None:
    found = softmax(np.array([[1.0, 0.0], [-50.0, 50.0]]))
    assert found[0, 0] == round(2**16 / (1 + math.exp(-1)))
    assert found[1].tolist() == [0.0, 65536.0]
