"""A linear model of random features on ciphertexts: exact, in one ciphertext, with two Galois keys.

Rules: E19, E23.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import prod
from typing import Any

import numpy as np
import pytest

from agents.core.errors import BadObject, BadPlan
from agents.learning.data.canonical import pack, unpack
from agents.learning.data.samples import Int64Array, Samples
from agents.learning.evaluate import score
from agents.learning.families.encrypted_features import EncryptedFeaturesPlan, FeaturesFamily
from agents.learning.families.registry import family_of
from agents.learning.family import KeyPair
from agents.learning.he.ring import Content, RlweSecretKey
from agents.learning.integers.affine_map import AffineMap
from agents.learning.integers.aggregate import strategy_of
from agents.learning.integers.update import Update
from agents.learning.plans.base import Stop
from agents.learning.plans.encrypted import Encryption
from agents.learning.simulate import simulate
from testing.ciphertexts import lift, phase, uniformity
from testing.families import initial_state
from testing.market_of_ciphertexts import EncryptedCouple, couple_of, some_weights
from tests.agents.learning.conftest import SamplesMaker


def plan_of(**changes: Any) -> EncryptedFeaturesPlan:
    fields: dict[str, Any] = {
        "features": 3,
        "classes": 3,
        "hidden": 12,
        "seed": 1,
        "weight_bits": 16,
        "fraction_bits": 8,
        "local_steps": 50,
        "step": Fraction(1, 50),
        "clip": 7,
        "l2": Fraction(1, 100),
        "rounds": 4,
        "stop": Stop(metric="accuracy" if changes.get("classes", 3) else "r2"),
        "encryption": Encryption(degree=16384, primes=(60, 60, 60, 60, 60), plain_bits=50),
    }
    return EncryptedFeaturesPlan(**(fields | changes))


@pytest.fixture(scope="module")
def keys() -> KeyPair:
    return family_of(plan_of()).keys()


def family_in(couple: EncryptedCouple) -> FeaturesFamily:
    assert isinstance(couple.family, FeaturesFamily)
    return couple.family


@pytest.mark.parametrize("classes", [0, 3])
def test_the_sum_is_that_of_the_integers_in_the_clear(
    keys: KeyPair, make_samples: SamplesMaker, classes: int
) -> None:
    samples = [make_samples(rows, classes=classes, seed=rows) for rows in (40, 51)]
    couple = couple_of(plan_of(classes=classes), samples, keys)
    weights = some_weights(couple.family.plan, largest=32)
    results = couple.results(couple.family.encrypt(keys, weights))
    assert couple.results(couple.family.encrypt(keys, weights)) != results
    found = couple.family.decrypt(keys, results)
    expected = Update.total([couple.family.local_update(weights, rows) for rows in samples])
    assert found.samples == expected.samples == 91
    assert np.array_equal(found.change["output"], expected.change["output"])


def product_of(couple: EncryptedCouple, encrypted: bytes, steps: AffineMap) -> Content:
    """A bare product."""
    family = family_in(couple)
    keys, weights = family.codec.public(couple.keys.public), family.codec.weights(encrypted)
    return family.context.content(next(family.cloud.products(keys, weights, family.cloud.encoded(steps))))


def decrypted(couple: EncryptedCouple, encrypted: bytes, steps: AffineMap) -> Int64Array:
    """The slots of a bare product."""
    family, content = family_in(couple), product_of(couple, encrypted, steps)
    return family.context.slots(family.context.decrypt(secret_of(couple), content))


def secret_of(couple: EncryptedCouple) -> RlweSecretKey:
    return family_in(couple).codec.secret(couple.keys.secret)


@pytest.mark.parametrize("zeros", [(), (3,), range(4, 8), (12,), range(12)])
def test_the_product_of_any_diagonals(
    keys: KeyPair, make_samples: SamplesMaker, zeros: Sequence[int]
) -> None:
    """SEAL refuses to multiply by zero: single diagonals, a giant step, the last, all but the last."""
    couple = couple_of(plan_of(), [make_samples(40, classes=3)], keys)
    family = family_in(couple)
    assert (family.layout.baby_steps, family.layout.giant_steps) == (4, 4)
    steps, rows = family.model.steps(couple.subsets[0].samples), np.arange(13)
    factors = steps.factors.copy()
    for number in zeros:
        factors[rows, (rows + number) % 13] = 0
    weights = some_weights(family.plan)
    found = decrypted(couple, family.encrypt(keys, weights), AffineMap(factors, steps.offsets, 40))
    product, count = family.layout.results([found])
    assert np.array_equal(product, factors @ weights.tensors["output"])
    assert count == 0
    assert not found[family.layout.unused(0)].any()


def test_factors_that_are_all_zero_are_a_result_as_well(keys: KeyPair) -> None:
    """No rows of real data come to this; a step of nearly nothing does."""
    plan = plan_of(step=Fraction(1, 999_999_999), local_steps=1, fraction_bits=0, l2=Fraction(0))
    rows = Samples(np.zeros((2, 3), np.int32), np.zeros(2, np.int32), 3)
    couple = couple_of(plan, [rows, rows], keys)
    weights = some_weights(plan)
    assert not family_in(couple).model.steps(rows).factors.any()
    found = couple.family.decrypt(keys, couple.results(couple.family.encrypt(keys, weights)))
    expected = couple.family.local_update(weights, rows).change["output"]
    assert np.array_equal(found.change["output"], 2 * expected)


def test_a_single_result_is_uniform(keys: KeyPair, make_samples: SamplesMaker) -> None:
    couple = couple_of(plan_of(), [make_samples(40, classes=3), make_samples(51, classes=3)], keys)
    family = family_in(couple)
    result = couple.results(family.encrypt(keys, some_weights(family.plan)))[0]
    content = family.codec.result(result).ciphertexts[0]
    found = phase(family.context, secret_of(couple), content)
    for row, prime in zip(found, family.context.primes, strict=False):
        assert uniformity(row, prime) > 1e-7


def test_the_bound_on_the_noise_holds(keys: KeyPair, make_samples: SamplesMaker) -> None:
    couple = couple_of(plan_of(), [make_samples(40, classes=3)], keys)
    family = family_in(couple)
    steps = family.model.steps(couple.subsets[0].samples)
    product = product_of(couple, family.encrypt(keys, some_weights(family.plan)), steps)
    phases = lift(family.context, phase(family.context, secret_of(couple), product))
    modulus, t = prod(family.context.primes), family.context.plain_modulus
    messages = (2 * phases * t + modulus) // (2 * modulus)
    noise = np.abs(phases - messages * modulus // t).max()
    bits = family.circuit.product.noise_bits(steps.factors)
    assert 2 ** (bits - 25) < noise < 2**bits


def test_features_are_standardised_and_the_plans_own(make_samples: SamplesMaker) -> None:
    rng = np.random.default_rng(0)
    table = np.rint(rng.normal(0, 256, (2000, 30))).astype(np.int32)
    samples = Samples(table, np.zeros(2000, np.int32), 3)
    rows = family_of(plan_of(features=30, hidden=40, clip=64, step=Fraction(1, 4097)))
    assert isinstance(rows, FeaturesFamily)
    found = rows.model.rows(samples)
    assert found.shape == (2000, 41)
    assert np.array_equal(found, np.rint(found))
    assert (found[:, -1] == 256).all()
    assert abs(found[:, :-1].mean()) < 0.2 * 256
    assert 0.8 * 256 < found[:, :-1].std() < 1.3 * 256
    other = family_of(plan_of(features=30, hidden=40, clip=64, step=Fraction(1, 4097), seed=2))
    assert isinstance(other, FeaturesFamily)
    assert not np.array_equal(other.model.rows(samples), found)


def test_a_training_on_what_no_line_divides(keys: KeyPair) -> None:
    """Two classes, inside a circle and outside: a linear model is at a loss, random features are not."""
    rng = np.random.default_rng(1)
    table = np.rint(rng.normal(0, 256, (400, 3))).astype(np.int32)
    inside = (table.astype(float) ** 2).sum(axis=1) < 2.37 * 256**2
    samples = [Samples(table[part], inside[part].astype(np.int32), 2) for part in np.split(np.arange(400), 2)]
    plan = plan_of(classes=2, hidden=60, clip=10, step=Fraction(1, 101), local_steps=2000)
    *_, last = simulate(plan, samples, 1, seed=0)
    assert score(plan, last.weights, samples[0]) > 0.85
    state = initial_state(plan)
    couple = couple_of(plan, samples, keys=family_of(plan).keys())
    for _ in range(2):
        encrypted = couple.family.encrypt(couple.keys, state.weights)
        update = couple.family.decrypt(couple.keys, couple.results(encrypted))
        state = strategy_of(plan).aggregate(state, update)
    assert state.weights == last.weights


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"hidden": 1024, "classes": 4}, "1024 hidden features times 4 columns do not fit degree 16384"),
        ({"encryption": {"plain_bits": 12}}, "plain_bits 12 are too few for slots at degree 16384"),
        ({"encryption": {"primes": (60, 60)}}, "leave no noise budget"),
    ],
)
def test_plans_that_cannot_work_are_refused(changes: dict[str, Any], message: str) -> None:
    usual = {"degree": 16384, "primes": (60, 60, 60, 60, 60), "plain_bits": 50}
    encryption = usual | changes.get("encryption", {})
    with pytest.raises(BadPlan, match=message):
        family_of(plan_of(**(changes | {"encryption": Encryption(**encryption)})))


def test_noise_that_the_flood_would_not_hide_is_refused(make_samples: SamplesMaker) -> None:
    encryption = Encryption(degree=16384, primes=(60, 60, 60, 60), plain_bits=50)
    couple = couple_of(plan_of(encryption=encryption), [make_samples(40, classes=3)])
    with pytest.raises(BadPlan, match="the noise budget is too small: the noise has up to 89 bits"):
        couple.results(couple.family.encrypt(couple.keys, some_weights(couple.family.plan)))


def test_refuses_keys_with_which_products_would_hide_nothing(
    keys: KeyPair, make_samples: SamplesMaker
) -> None:
    tensors, facts = unpack(keys.public, "the test's")
    zeros = {name: array if name == "zero" else np.zeros_like(array) for name, array in tensors.items()}
    bad = KeyPair(keys.secret, pack(zeros, facts))  # type: ignore[arg-type]
    couple = couple_of(plan_of(), [make_samples(20, features=3, classes=3) for _ in range(2)], bad)
    with pytest.raises(BadObject, match="of no use together"):
        couple.results(couple.family.encrypt(keys, some_weights(couple.family.plan)))
