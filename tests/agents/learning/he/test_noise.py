"""Noise is what the formulas say, and a result's is not above what its family counts on."""

from __future__ import annotations

import numpy as np
import pytest

from agents.learning.data.samples import FloatArray
from agents.learning.family import KeyPair
from agents.learning.he import noise
from agents.learning.he.circuit import Circuit
from agents.learning.he.ckks import ApproximateFamily
from agents.learning.he.encoder import encode
from agents.learning.he.seal import Ciphertext, Content, Context, Residues
from testing.approximate import FAMILIES, approximate_plan
from testing.ciphertexts import lift, phase
from testing.market_of_ciphertexts import couple_of, some_weights
from tests.agents.learning.conftest import random_samples


def slot_size(context: Context, secret: Residues, content: Content) -> float:
    """Root mean square of the slots of a ciphertext whose message is zero, not divided by any scale."""
    coefficients = lift(context, phase(context, secret, content)).astype(np.float64)
    return float(np.sqrt((coefficients**2).sum()))


def near(found: float, expected: float, factor: float = 1.5) -> bool:
    return expected / factor < found < factor * expected


def test_fresh(ckks: Context, ckks_secret: Residues) -> None:
    assert near(
        slot_size(ckks, ckks_secret, ckks.content(ckks.zero(ckks.new_zero(ckks_secret)))), noise.fresh(ckks)
    )


def test_rescaling(ckks: Context, ckks_secret: Residues) -> None:
    zero = ckks.content(ckks.zero(ckks.new_zero(ckks_secret)))
    ciphertext = ckks.load(Content(zero.residues, ntt=True, scale=2.0**60))
    ckks.evaluator.rescale_to_next_inplace(ciphertext)
    assert near(slot_size(ckks, ckks_secret, ckks.content(ciphertext)), noise.rescaling(ckks))


@pytest.mark.parametrize("primes", [1, 2])
def test_switching(ckks: Context, ckks_secret: Residues, primes: int) -> None:
    element = pow(3, 5, 2 * ckks.degree)
    galois = ckks.galois_keys(ckks.new_switching_keys(ckks_secret, (element,)))
    turned = Ciphertext()
    ckks.evaluator.rotate_vector(ckks.zero(ckks.new_zero(ckks_secret)[:, :primes]), 5, galois, turned)
    expected = noise.together(noise.fresh(ckks), noise.switching(ckks, primes))
    assert near(slot_size(ckks, ckks_secret, ckks.content(turned)), expected, factor=4)


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
    encrypted = family._encrypted(family.encrypt(couple.keys, weights))
    circuit = Circuit(family.context, family.layout, family._public_keys(couple.keys.public))
    secret, clear = family._secret(couple.keys), family.local_update(weights, samples[0])
    prepared = family._prepare(samples[0])
    results = family._evaluate(circuit, encrypted, prepared)
    for matrix, parts in family.places.items():
        errors: list[FloatArray] = []
        for column, (index, places) in enumerate(parts):
            content = family.context.content(results[index])
            slots = family.context.decode(family.context.decrypt(secret, content)) + prepared.known[index]
            expected = clear.change[matrix][:, column : column + places.shape[1]] * 2.0**-20
            errors.append((slots[places] - expected).ravel())
        size = float(np.sqrt((np.concatenate(errors) ** 2).mean()))
        assert size < max(family._noise(), 2.0**-20)
