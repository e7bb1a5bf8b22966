"""Streams: known answers, independence, distributions."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
from Crypto.Cipher import AES
from scipy.stats import chisquare

from agents.learning.he.randomness import Stream

SECRET = bytes(range(32))
PRIMES = (1152921504606748673, 288230376150876161, 0xFFFFFDC001)


def test_a_stream_is_aes_keyed_by_shake() -> None:
    name = b"".join(len(part).to_bytes(8, "little") + part for part in (SECRET, b"mask", b"\x01"))
    key = hashlib.shake_256(b"holdfast stream" + name).digest(32)
    zeros = AES.new(key, AES.MODE_CTR, nonce=b"", initial_value=0).encrypt(bytes(64))
    stream = Stream(SECRET, b"mask", b"\x01")
    assert stream.words(3).astype("<u8").tobytes() + stream.words(5).astype("<u8").tobytes() == zeros


def test_paths_are_told_apart_however_they_are_cut() -> None:
    paths = [(), (b"",), (b"", b""), (b"ab",), (b"a", b"b"), (b"b", b"a"), (b"ab", b"")]
    first = [int(Stream(SECRET, *path).words(1)[0]) for path in paths]
    first += [int(Stream(b"\x01" + SECRET[1:], b"ab").words(1)[0])]
    assert len(set(first)) == len(first)


@pytest.mark.parametrize("modulus", [3, 5, 2**59 + 1, 2**60 - 1])
def test_numbers_below_a_modulus_are_uniform(modulus: int) -> None:
    """Of 2^59 + 1 nearly every second draw is repeated."""
    values = Stream(SECRET, b"below").below(modulus, 60_000)
    assert int(values.max()) < modulus
    bins = min(modulus, 30)
    counts = np.bincount((values.astype(object) * bins // modulus).astype(int), minlength=bins)
    assert chisquare(counts).pvalue > 1e-4


def test_residues_of_each_prime() -> None:
    residues = Stream(SECRET, b"residues").residues(PRIMES, 1000)
    assert residues.shape == (3, 1000)
    for row, prime in zip(residues, PRIMES, strict=True):
        assert 0.9 * prime < int(row.max()) < prime


def test_ternary_numbers() -> None:
    values = Stream(SECRET, b"ternary").ternary(30_000)
    assert chisquare(np.bincount(values + 1, minlength=3)).pvalue > 1e-4


def test_small_numbers_have_the_deviation_of_fresh_errors() -> None:
    values = Stream(SECRET, b"small").small(60_000)
    assert np.abs(values).max() <= 21
    assert abs(values.mean()) < 0.06
    assert values.std() == pytest.approx(10.5**0.5, rel=0.02)


@pytest.mark.parametrize("bits", [1, 40, 64, 71, 72, 106, 160])
def test_a_flood_is_one_number_in_all_its_residues(bits: int) -> None:
    residues = Stream(SECRET, b"flood").flood(bits, PRIMES, 4000)
    product = PRIMES[0] * PRIMES[1] * PRIMES[2]
    numbers = [
        sum(
            int(row[at]) * (product // prime) * pow(product // prime, -1, prime)
            for row, prime in zip(residues, PRIMES, strict=True)
        )
        % product
        for at in range(4000)
    ]
    if bits <= product.bit_length() - 1:
        assert max(numbers) < 2**bits
        bins = min(2**bits, 16)
        counts = np.bincount([number * bins >> bits for number in numbers], minlength=bins)
        assert chisquare(counts).pvalue > 1e-4
    assert all((row < prime).all() for row, prime in zip(residues, PRIMES, strict=True))
