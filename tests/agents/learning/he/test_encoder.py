"""The encoder agrees with SEAL's where SEAL's is exact, and is built on correctly rounded roots of unity."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from tenseal import sealapi

from agents.learning.he.ckks.encoder import encode, roots
from agents.learning.he.plaintexts import constant, multiplier
from agents.learning.he.ring import Content, RlweSecretKey
from agents.learning.he.seal import Context
from testing.ciphertexts import lift

SCALE = 2.0**32


def seal_encoding(context: Context, values: list[float], scale: float) -> list[int]:
    """SEAL's own coefficients, taken out of a ciphertext without noise that they are added to."""
    plaintext, primes = sealapi.Plaintext(), len(context.primes)
    sealapi.CKKSEncoder(context.seal).encode(values, list(context.ids[primes]), scale, plaintext)
    empty = np.zeros((2, primes, context.degree), dtype=np.uint64)
    empty[1] = 1  # SEAL refuses a second polynomial of zeros
    carrier = context.load(Content(empty, ntt=True, scale=scale))
    context.evaluator.add_plain_inplace(carrier, plaintext)
    found = context.transformed(context.content(carrier), ntt=False)
    return [int(value) for value in lift(context, found.residues[0])]


def test_coefficients_are_those_of_seal(ckks: Context) -> None:
    values = np.random.default_rng(3).normal(size=(3, ckks.degree // 2))
    for row, mine in zip(values, encode(values, SCALE), strict=True):
        assert seal_encoding(ckks, row.tolist(), SCALE) == mine.tolist()


def test_seal_decodes_what_was_encoded(ckks: Context, ckks_secret: RlweSecretKey) -> None:
    values = np.random.default_rng(4).uniform(-8, 8, ckks.degree // 2)
    plaintext = multiplier(ckks, encode(values, 2.0**30), 2, 2.0**30)
    decrypted = ckks.decode(ckks.decrypt(ckks_secret, ckks.encrypt(ckks_secret, plaintext)))
    assert np.abs(decrypted - values).max() < 2.0**-18


def test_a_constant_is_in_all_slots(ckks: Context, ckks_secret: RlweSecretKey) -> None:
    minus_three = constant(ckks, -3 * 2**30, 2, 2.0**30)
    decrypted = ckks.decode(ckks.decrypt(ckks_secret, ckks.encrypt(ckks_secret, minus_three)))
    assert np.abs(decrypted + 3).max() < 2.0**-18


def test_shapes_are_kept() -> None:
    assert encode(np.zeros((2, 3, 8)), 1.0).shape == (2, 3, 16)
    assert encode(np.ones(8), 5.0).tolist() == [5] + 15 * [0]


def test_refuses_what_int64_does_not_hold() -> None:
    with pytest.raises(OverflowError, match=r"2\^62"):
        encode(np.ones(8), 2.0**62)


@pytest.mark.parametrize("order", [8, 64, 32768])
def test_roots_are_the_nearest_floats(order: int) -> None:
    cosines, sines = roots(order)
    angles = 2 * np.pi * np.arange(order) / order
    assert np.abs(cosines - np.cos(angles)).max() < 1e-15
    assert np.abs(sines - np.sin(angles)).max() < 1e-15
    for cosine, sine in zip(cosines[:: order // 8].tolist(), sines[:: order // 8].tolist(), strict=True):
        assert abs(Fraction(cosine) ** 2 + Fraction(sine) ** 2 - 1) < Fraction(1, 2**52)
    quarter = order // 4
    assert (cosines[0], cosines[quarter], sines[quarter], cosines[2 * quarter]) == (1.0, 0.0, 1.0, -1.0)
    assert np.array_equal(sines, np.roll(cosines, quarter))
