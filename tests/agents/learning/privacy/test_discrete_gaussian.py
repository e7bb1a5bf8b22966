"""The noise: its distribution is exact, and its draws are the same on every machine.

Rules: N1, N2.
"""

from __future__ import annotations

import hashlib
from fractions import Fraction
from math import exp, sqrt
from statistics import NormalDist

import numpy as np
import pytest
from scipy.stats import chisquare

from agents.learning.privacy.discrete_gaussian import Sampler, discrete_gaussians

KEY = bytes(range(32))

VECTORS = {
    (2, 8): [0, -1, -2, -1, 1, 2, -2, -1],
    (2**20, 8): [579, 1450, -2851, -888, 1117, -1267, -1122, 916],
    (10**15, 4): [9486972, -18186145, 7895647, 38601371],
}
"""By variance and number of draws, of KEY and the label `a vector`."""

DIGESTS = {
    1: "d46f912d06f14690882d8983e326de6a304d2f65c20a4f2c33fa3b93d5ff5a1d",
    1000: "beeb07034bb4ad7b90a968fa4f66912a7c537727037118c49c0c922056d477ed",
    2**50: "83cdc4662b368772b369506efea7a21f20abef6a6ce27a8da012cff50b7f449f",
    2**100: "de398b42feae23307d7239203b840fcc781ac3231b8cf096733e8be6ebc5f67b",
}
"""SHA-256 of a thousand draws as little-endian words."""


@pytest.mark.parametrize(("variance", "count"), VECTORS)
def test_draws_are_what_they_were(variance: int, count: int) -> None:
    assert discrete_gaussians(KEY, b"a vector", [variance] * count).tolist() == VECTORS[variance, count]


@pytest.mark.parametrize("variance", DIGESTS)
def test_a_thousand_draws_are_what_they_were(variance: int) -> None:
    drawn = discrete_gaussians(KEY, b"a vector", [variance] * 1000)
    assert hashlib.sha256(drawn.astype("<i8").tobytes()).hexdigest() == DIGESTS[variance]


def test_each_key_and_each_label_has_draws_of_its_own() -> None:
    def drawn(key: bytes, label: bytes) -> list[int]:
        return list(discrete_gaussians(key, label, [10**6] * 4))

    assert drawn(KEY, b"a") == drawn(KEY, b"a")
    others = [drawn(KEY, b"a"), drawn(KEY, b"b"), drawn(KEY, b"a\0"), drawn(bytes(32), b"a")]
    assert len({tuple(other) for other in others}) == 4


@pytest.mark.parametrize("variance", [1, 2, 3, 50])
def test_the_distribution_is_the_exact_one(variance: int) -> None:
    drawn = discrete_gaussians(KEY, b"chi square", [variance] * 20_000)
    reach = int(4 * sqrt(variance))
    weights = {x: exp(-(x**2) / (2 * variance)) for x in range(-100, 101)}
    total = sum(weights.values())
    expected = [20_000 * weights[x] / total for x in range(-reach, reach + 1)]
    observed = [int((drawn == x).sum()) for x in range(-reach, reach + 1)]
    rest_seen, rest_due = 20_000 - sum(observed), 20_000 - sum(expected)
    kept = [at for at, due in enumerate(expected) if due >= 5]
    small = [at for at, due in enumerate(expected) if due < 5]
    seen = [observed[at] for at in kept] + [rest_seen + sum(observed[at] for at in small)]
    due = [expected[at] for at in kept] + [rest_due + sum(expected[at] for at in small)]
    assert chisquare(seen, due).pvalue > 0.01


def test_at_the_size_of_real_noise_it_is_the_bell_curve() -> None:
    """A deviation of 2^26: the sum over each of 50 equally likely parts is the normal's up to 2^-26."""
    normal = NormalDist(0, 2.0**26)
    drawn = discrete_gaussians(KEY, b"bell", [4**26] * 10_000)
    edges = [normal.inv_cdf(part / 50) for part in range(1, 50)]
    assert chisquare(np.bincount(np.searchsorted(edges, drawn), minlength=50)).pvalue > 0.01


@pytest.mark.parametrize(
    ("above", "below"), [(0, 1), (1, 7), (1, 1), (5, 3), (1 << 70, 1 << 69), (3**50, 3**50 * 4)]
)
def test_chances_of_exponentials(above: int, below: int) -> None:
    sampler = Sampler(KEY, b"exponential")
    chance = exp(-above / below)
    happened = sum(sampler.happens_exp(above, below) for _ in range(20_000))
    assert abs(happened - 20_000 * chance) <= 4 * sqrt(20_000 * chance * (1 - chance))


def test_a_comparison_goes_on_where_the_first_digits_are_equal() -> None:
    """The word is the fraction's first 64 binary digits: the next one decides."""
    above, below = 1, 3
    first = (above << 64) // below

    def with_words(*words: int) -> bool:
        sampler = Sampler(KEY, b"")
        sampler._next = iter(words).__next__
        return sampler.happens(above, below)

    assert with_words(first - 1)
    assert not with_words(first + 1)
    assert with_words(first, first - 1)
    assert not with_words(first, first + 1)
    assert with_words(first, first, 0)


def test_numbers_below_a_limit_are_all_drawn_and_wide_ones_too() -> None:
    sampler = Sampler(KEY, b"below")
    seen = [sampler.below(5) for _ in range(2_000)]
    assert chisquare(np.bincount(seen, minlength=5)).pvalue > 0.01
    assert sampler.below(1) == 0
    wide = [Fraction(sampler.below(3**60), 3**60) for _ in range(200)]
    assert 0.4 < float(sum(wide, Fraction(0)) / 200) < 0.6


@pytest.mark.parametrize(
    ("key", "variances", "message"),
    [
        (bytes(31), [2], "a key has 32 bytes, not 31"),
        (KEY, [2, 0], "a variance is a whole number from 1"),
        (KEY, [2**100 + 1], "a variance is a whole number from 1"),
    ],
)
def test_what_cannot_be_drawn(key: bytes, variances: list[int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        discrete_gaussians(key, b"", variances)
