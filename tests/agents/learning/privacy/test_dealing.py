"""Who adds which noise: shares that add up to one draw, parts that add up to enough, keys bound to rows.

Rules: N8, N9, N12.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from pydantic import ValidationError
from scipy.stats import chisquare

from agents.core.errors import BadObject, BadPlan
from agents.learning.data.samples import Int64Array, Samples
from agents.learning.data.subset import Subset, SubsetNoise
from agents.learning.plans.noise import Mode, Noise
from agents.learning.privacy.dealing import deal, digest_of_rows, noise_of, release_of
from agents.learning.privacy.moments import MomentsForm
from testing.ciphertexts import mask_keys
from tests.agents.learning.conftest import random_samples

FORM = MomentsForm(columns=12, classes=2)
VARIANCE = 10**12
SAMPLES = random_samples(80, features=12)


def derive(purpose: bytes) -> bytes:
    return hashlib.sha256(b"a secret for " + purpose).digest()


def noise_with(mode: Mode, colluding: int = 0) -> Noise:
    return Noise(mode=mode, variance=VARIANCE, colluding=colluding)


def drawn(noise: Noise, subsets: int, samples: Samples = SAMPLES) -> list[Int64Array]:
    """What each subset's replicas add."""
    given = deal(FORM, noise, subsets, samples, derive)
    return [noise_of(one, FORM, noise, subsets) for one in given]


def total(parts: list[Int64Array]) -> Int64Array:
    """The sum modulo 2^64."""
    found = np.zeros(FORM.size, dtype=np.uint64)
    for part in parts:
        found = found + part.view(np.uint64)
    return found.view(np.int64)


def spread(values: Int64Array) -> float:
    """Mean square of the noise over the variance that it should have."""
    return float(np.mean(values.astype(float) ** 2 / np.array(FORM.variances(VARIANCE))))


@pytest.mark.parametrize("subsets", [1, 2, 5])
def test_dealt_shares_add_up_to_one_draw(subsets: int) -> None:
    found = total(drawn(noise_with("dealt"), subsets))
    assert 0.6 < spread(found) < 1.6
    assert np.abs(found).max() < 6 * VARIANCE**0.5


def test_all_shares_but_one_tell_nothing_of_the_draw() -> None:
    """Any of them, and any sum that is not of all, is uniform."""
    shares = drawn(noise_with("dealt"), 3)
    for left_out in range(3):
        known = total([share for index, share in enumerate(shares) if index != left_out])
        bits = np.unpackbits(known.view(np.uint8))
        assert chisquare(np.bincount(bits, minlength=2)).pvalue > 0.001
        assert np.abs(known).min() > 100 * VARIANCE**0.5


@pytest.mark.parametrize(("subsets", "colluding"), [(4, 0), (4, 1), (8, 3), (2, 2)])
def test_shared_parts_add_up_to_enough_without_those_that_collude(subsets: int, colluding: int) -> None:
    noise = noise_with("shared", colluding)
    honest = max(1, subsets - colluding)
    assert noise.of_subset(subsets) % 2 == 0
    assert 0 <= honest * noise.of_subset(subsets) - VARIANCE < 2 * honest
    assert noise.of_sum(subsets) == subsets * noise.of_subset(subsets)
    parts = drawn(noise, subsets)
    assert 0.6 < spread(total(parts[:honest])) < 1.6


def test_own_noise_is_all_of_it_in_each_subset() -> None:
    noise = noise_with("own")
    assert (noise.of_subset(4), noise.of_sum(4)) == (VARIANCE, 4 * VARIANCE)
    parts = drawn(noise, 4)
    assert all(0.6 < spread(part) < 1.6 for part in parts)
    assert len({part.tobytes() for part in parts}) == 4


@pytest.mark.parametrize("mode", ["dealt", "shared", "own"])
def test_the_draw_follows_from_the_rows_the_map_and_the_number_of_subsets(mode: Mode) -> None:
    noise = noise_with(mode)
    mixed = SAMPLES.take(np.random.default_rng(1).permutation(len(SAMPLES)).astype(np.int64))
    moved = SAMPLES.features.copy()
    moved[7, 3] += 1
    others = [
        drawn(noise, 3, Samples(moved, SAMPLES.target, 2)),
        drawn(noise, 3, SAMPLES.take(np.arange(len(SAMPLES) - 1))),
        drawn(noise, 4),
        drawn(Noise(mode=mode, variance=VARIANCE + 2), 3),
    ]
    first = drawn(noise, 3)
    for place in range(3):
        assert np.array_equal(first[place], drawn(noise, 3, mixed)[place])
        assert len({parts[place].tobytes() for parts in [first, *others]}) == 5


def test_rows_are_told_apart_by_their_target_too() -> None:
    target = SAMPLES.target.copy()
    target[0] = 1 - target[0]
    assert digest_of_rows(SAMPLES) != digest_of_rows(replace(SAMPLES, target=target))


def test_a_release_is_named_by_all_that_makes_another_map() -> None:
    noise = noise_with("dealt")
    named = {
        release_of(form, other, subsets)
        for form in (FORM, MomentsForm(12, 3), MomentsForm(13, 2))
        for other in (noise, noise_with("own"), Noise(mode="dealt", variance=VARIANCE + 2))
        for subsets in (3, 4)
    }
    assert len(named) == 18


@pytest.mark.parametrize("mode", ["dealt", "own"])
def test_without_the_right_noise_nothing_is_made(mode: Mode) -> None:
    noise = noise_with(mode)
    given = deal(FORM, noise, 3, SAMPLES, derive)[0]
    for bad, subsets, message in (
        (None, 3, "the subset came without noise: ask its data owner"),
        (given, 4, "noise for other sums than the plan's"),
        (SubsetNoise(given.release, given.secret + bytes(8)), 3, "bytes"),
    ):
        with pytest.raises(BadPlan, match=message):
            noise_of(bad, FORM, noise, subsets)


@pytest.mark.parametrize("mode", ["dealt", "shared"])
def test_noise_travels_in_the_package_and_is_not_shown(mode: Mode) -> None:
    given = deal(FORM, noise_with(mode), 3, SAMPLES, derive)[1]
    subset = Subset(1, SAMPLES, bytes(range(32)), mask_keys(1, 3), given)
    read = Subset.from_bytes(subset.to_bytes())
    assert read.noise == given
    assert read.to_bytes() == subset.to_bytes()
    assert "secret" not in repr(subset)
    assert subset.digest() != replace(subset, noise=None).digest()


def test_a_package_with_too_little_noise_is_refused() -> None:
    subset = Subset(0, SAMPLES, bytes(32), mask_keys(0, 1), SubsetNoise(bytes(32), bytes(28)))
    with pytest.raises(BadObject, match="the subset: 60 bytes of noise"):
        Subset.from_bytes(subset.to_bytes())


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"variance": 3}, "multiple of 2"),
        ({"variance": 0}, "greater than or equal to 2"),
        ({"variance": 2.0}, "valid integer"),
        ({"mode": "none"}, "dealt"),
        ({"colluding": 1}, "colluding goes with mode"),
    ],
)
def test_noise_that_is_none(fields: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Noise.model_validate({"mode": "dealt", "variance": 4} | fields)


def test_half_the_variance_off_the_diagonal_and_all_of_it_elsewhere() -> None:
    assert MomentsForm(2, 2).variances(8) == [8, 4, 8, *[8] * 6]
    assert MomentsForm(2, 0).variances(8) == [8, 4, 8, *[8] * 5]
    assert Fraction(MomentsForm(12, 2).size) == len(FORM.variances(2))
