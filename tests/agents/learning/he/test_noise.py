"""Noise is what the formulas say, and a result's is not above what its family counts on."""

from __future__ import annotations

import numpy as np
import pytest

from agents.learning.data.samples import FloatArray
from agents.learning.family import KeyPair
from agents.learning.he.ckks import noise
from agents.learning.he.ckks.encoder import encode
from agents.learning.he.ckks.family import ApproximateFamily
from agents.learning.he.ring import Content, RlweSecretKey
from agents.learning.he.seal import Ciphertext, Context
from agents.learning.he.zero import load_zero, new_zero
from testing.approximate import FAMILIES, approximate_plan
from testing.ciphertexts import lift, phase
from testing.market_of_ciphertexts import couple_of, some_weights
from tests.agents.learning.conftest import random_samples


def slot_size(context: Context, secret: RlweSecretKey, content: Content) -> float:
    """Root mean square of the slots of a ciphertext whose message is zero, not divided by any scale."""
    coefficients = lift(context, phase(context, secret, content)).astype(np.float64)
    return float(np.sqrt((coefficients**2).sum()))


def near(found: float, expected: float, factor: float = 1.5) -> bool:
    return expected / factor < found < factor * expected


def test_fresh(ckks: Context, ckks_secret: RlweSecretKey) -> None:
    assert near(
        slot_size(ckks, ckks_secret, ckks.content(load_zero(ckks, new_zero(ckks, ckks_secret)))),
        noise.fresh(ckks),
    )


def test_rescaling(ckks: Context, ckks_secret: RlweSecretKey) -> None:
    zero = ckks.content(load_zero(ckks, new_zero(ckks, ckks_secret)))
    ciphertext = ckks.load(Content(zero.residues, ntt=True, scale=2.0**60))
    ckks.evaluator.rescale_to_next_inplace(ciphertext)
    assert near(slot_size(ckks, ckks_secret, ckks.content(ciphertext)), noise.rescaling(ckks))


@pytest.mark.parametrize("primes", [1, 2])
def test_switching(ckks: Context, ckks_secret: RlweSecretKey, primes: int) -> None:
    element = pow(3, 5, 2 * ckks.degree)
    galois = ckks.galois_keys(ckks.new_switching_keys(ckks_secret, (element,)))
    rotated = Ciphertext()
    zero = load_zero(ckks, new_zero(ckks, ckks_secret)[:, :primes])
    ckks.evaluator.rotate_vector(zero, 5, galois, rotated)
    expected = noise.combined(noise.fresh(ckks), noise.switching(ckks, primes))
    assert near(slot_size(ckks, ckks_secret, ckks.content(rotated)), expected, factor=4)


def test_encoding(ckks: Context) -> None:
    values = np.random.default_rng(1).normal(size=ckks.degree // 2)
    fine, coarse = encode(values, 2.0**50), encode(values, 2.0**20)
    rounding = fine * 2.0**-30 - coarse
    assert near(float(np.sqrt((rounding**2).sum())), noise.encoding(ckks))


@pytest.mark.parametrize("name", FAMILIES)
def test_a_results_noise_is_within_the_familys_bound(name: str, approximate_keys: dict[str, KeyPair]) -> None:
    samples = [random_samples(64, features=3, seed=1)]
    couple = couple_of(approximate_plan(name), samples, approximate_keys[name])
    family = couple.family
    assert isinstance(family, ApproximateFamily)
    weights = some_weights(family.plan, largest=0.5)
    encrypted = family.codec.weights(family.encrypt(couple.keys, weights))
    keys, secret = family.codec.public(couple.keys.public), family.codec.secret(couple.keys.secret)
    clear, encoded = family.local_update(weights, samples[0]), family.cloud.encoded(samples[0])
    results = family.cloud.evaluated(keys, encrypted, encoded)
    for matrix, parts in family.circuit.results.matrices.items():
        errors: list[FloatArray] = []
        for column, (index, where) in enumerate(parts):
            content = family.context.content(results[index])
            slots = family.context.decode(family.context.decrypt(secret, content)) + encoded.known[index]
            expected = clear.change[matrix][:, column : column + where.shape[1]] * 2.0**-20
            errors.append((slots[where] - expected).ravel())
        size = float(np.sqrt((np.concatenate(errors) ** 2).mean()))
        assert size < max(family.circuit.bounds.noise, 2.0**-20)
