"""Floods of an Irwin-Hall distribution: their size, and that they hide as much as their docstring says."""

from __future__ import annotations

from math import sqrt

import numpy as np
import pytest

from agents.learning.data.samples import FloatArray
from agents.learning.he.protection import Flood, rerandomise
from agents.learning.he.randomness import Stream
from agents.learning.he.ring import Content, Residues, RlweSecretKey
from agents.learning.he.seal import Context
from agents.learning.he.secure_aggregation import JobStreams
from agents.learning.he.zero import load_zero, new_zero
from testing.ciphertexts import lift, phase, seed_of
from tests.agents.learning.he.conftest import make_plan
from tests.agents.learning.he.test_protection import COHORT, subset_of

PRIMES = (2**40 - 87, 2**50 - 27)


def stream(name: str = "a") -> Stream:
    return Stream(seed_of(name), b"irwin_hall")


def signed(residues: Residues) -> FloatArray:
    """(count,) numbers below half the first prime in magnitude."""
    values = residues[0].astype(np.int64)
    centred: FloatArray = np.where(values > PRIMES[0] // 2, values - PRIMES[0], values).astype(np.float64)
    return centred


def test_residues_are_of_one_number_around_zero() -> None:
    found = stream().irwin_hall(30, PRIMES, 20_000)
    numbers = signed(found)
    assert np.array_equal(found[1].astype(np.int64), numbers.astype(np.int64) % PRIMES[1])
    assert np.abs(numbers).max() <= 3 * 2**29
    assert abs(numbers.mean()) < 2**29 / 30
    assert numbers.std() == pytest.approx(2**29, rel=0.02)


@pytest.mark.parametrize("bits", [3, 30, 60])
def test_integers_have_the_same_shape(bits: int) -> None:
    numbers = stream().irwin_hall_integers(bits, 20_000).astype(np.float64)
    assert np.abs(numbers).max() <= 3 * 2.0 ** (bits - 1)
    assert abs(numbers.mean() + 1.5) < 2.0 ** (bits - 1) / 30 + 0.1
    assert numbers.std() == pytest.approx(2.0 ** (bits - 1), rel=0.02)


def test_streams_of_other_secrets_differ() -> None:
    first = stream().irwin_hall_integers(40, 8)
    assert np.array_equal(stream().irwin_hall_integers(40, 8), first)
    assert not np.array_equal(stream("b").irwin_hall_integers(40, 8), first)


@pytest.mark.parametrize(("shift", "count"), [(1, 1), (3, 100), (1, 10_000)])
def test_a_shift_is_hidden_as_well_as_it_says(shift: int, count: int) -> None:
    """The exact affinity of the distribution with its shift, for `count` numbers shifted alike."""
    bits = 10
    uniform = np.full(2**bits, 2.0**-bits)
    density = np.convolve(np.convolve(uniform, uniform), uniform)
    moved = np.concatenate([np.zeros(shift), density])
    affinity = float(np.sqrt(np.concatenate([density, np.zeros(shift)]) * moved).sum())
    distance = sqrt(1 - affinity ** (2 * count))  # the statistical distance is at most that
    assert distance < 1.07 * shift * sqrt(count) / 2**bits * 1.01


def test_a_result_is_flooded_so_where_it_is_asked_for(ckks: Context, ckks_secret: RlweSecretKey) -> None:
    zero = load_zero(ckks, new_zero(ckks, ckks_secret))
    result = ckks.load(Content(ckks.content(zero).residues, ntt=True, scale=2.0**30))
    streams = JobStreams(make_plan(sums="round"), "round", subset_of(1), COHORT, b"weights")
    rerandomise(ckks, result, zero, streams, 0, Flood(50, irwin_hall=True))
    noise = lift(ckks, phase(ckks, ckks_secret, ckks.content(result))).astype(np.float64)
    assert noise.std() == pytest.approx(2.0**49, rel=0.05)
    assert abs(noise.mean()) < 2.0**49 / 10
