"""The two attacks on a product of data and weights, on CKKS: they succeed on a bare one and fail on results.

The victim is the plaintext that a family's last product is made of: a subset's rows, times a known factor.
"""

from __future__ import annotations

import numpy as np
import pytest

from agents.learning.data.samples import Int64Array
from agents.learning.data.subset import Subset
from agents.learning.family import Cohort, KeyPair
from agents.learning.he.ckks.arithmetic import Arithmetic
from agents.learning.he.ckks.encoder import encode
from agents.learning.he.ckks.family import ApproximateFamily
from agents.learning.he.ckks.model import real_rows
from agents.learning.he.ring import Content, Residues
from agents.learning.he.seal import Ciphertext, Context, Plaintext
from agents.learning.he.secure_aggregation import JobStreams
from testing.approximate import FAMILIES, approximate_plan
from testing.ciphertexts import Integers, coefficients, lift, mask_keys, phase, quotient, seed_of
from testing.market_of_ciphertexts import EncryptedCouple, couple_of, some_weights
from tests.agents.learning.conftest import random_samples


class Victim:
    """A product with a subset's rows, before and after protection."""

    def __init__(self, name: str, keys: KeyPair) -> None:
        self.couple: EncryptedCouple = couple_of(
            approximate_plan(name), [random_samples(50, features=3)], keys
        )
        family = self.couple.family
        assert isinstance(family, ApproximateFamily)
        self.family, self.context, self.scheme = family, family.context, family.ckks
        self.weights = family.codec.weights(
            family.encrypt(self.couple.keys, some_weights(family.plan, largest=0.3))
        )
        self.keys = family.codec.public(self.couple.keys.public)
        self.arithmetic = Arithmetic(self.context, self.scheme.layout, self.keys)
        self.secret = family.codec.secret(self.couple.keys.secret)
        self.input = self.arithmetic.lowered(self._encryption(), self.scheme.levels.left)
        samples = self.couple.subsets[0].samples
        factors: Plaintext = family.cloud.encoded(samples).backward[0, 0]
        self.product = Ciphertext()
        self.context.evaluator.multiply_plain(self.input, factors, self.product)
        data = real_rows(family.plan, samples) * float(family.circuit.backward_factor)
        diagonal = self.scheme.layout.towards_features(data)[0]
        self.truth: Int64Array = encode(diagonal, 2.0**self.scheme.levels.gradient_bits)

    def _encryption(self) -> Ciphertext:
        """Numbers of about 1, at the scale that a family's last product meets."""
        scale, primes = self.scheme.headroom.last_product_scale, len(self.context.primes)
        numbers = np.random.default_rng(2).normal(size=self.scheme.layout.slots)
        plaintext = self.scheme.plaintext(numbers, primes, scale)
        return self.context.load(self.context.encrypt(self.secret, plaintext))

    def protected(self, subsets: int) -> Content:
        """The product as a result of the first subset of so many."""
        cohort = Cohort(b"couple", tuple(range(subsets)))
        subset = Subset(0, self.couple.subsets[0].samples, seed_of("s"), mask_keys(0, subsets))
        streams = JobStreams(self.family.plan, "dataset", subset, cohort, self.weights.digest)
        product = self.context.load(self.context.content(self.product))
        nothing = np.zeros(self.scheme.layout.slots)
        return self.family.cloud.protected(product, self.keys.zero, nothing, streams, 0, subsets)

    def input_with(self, primes: int) -> Content:
        return self.context.content(self.arithmetic.lowered(self.input, primes))


@pytest.fixture(scope="module", params=FAMILIES)
def victim(request: pytest.FixtureRequest, approximate_keys: dict[str, KeyPair]) -> Victim:
    return Victim(request.param, approximate_keys[request.param])


def share_of(found: Integers, truth: Int64Array) -> float:
    return float((found == truth).mean())


def first_prime(context: Context, residues: Residues) -> Integers:
    return lift(context, residues[:1])


def divided(context: Context, above: Residues, below: Residues) -> Residues:
    """The polynomial that takes one to the other, modulo the first prime, from their coefficients."""
    prime = context.all_primes[0]
    values = []
    for row in (above, below):
        carrier = Content(np.stack([row[:1], row[:1]]), ntt=False)
        values.append(context.transformed(carrier, ntt=True).residues[0, 0])
    inverse = [pow(int(value), -1, prime) if value else 0 for value in values[1]]
    ratio = values[0].astype(object) * np.array(inverse, dtype=object) % prime
    return coefficients(context, ratio.astype(np.uint64)[None])


def test_dividing_a_bare_product_by_its_input_gives_the_rows(victim: Victim) -> None:
    """Without any key."""
    found = quotient(
        victim.context, victim.context.content(victim.product), victim.input_with(victim.scheme.levels.left)
    )
    assert share_of(first_prime(victim.context, found), victim.truth) == 1.0


@pytest.mark.parametrize("subsets", [1, 3])
def test_dividing_a_result_by_its_input_gives_nothing(victim: Victim, subsets: int) -> None:
    found = quotient(victim.context, victim.protected(subsets), victim.input_with(1))
    numbers = first_prime(victim.context, found).astype(np.float64)
    assert share_of(first_prime(victim.context, found), victim.truth) < 0.001
    assert abs(np.corrcoef(numbers, victim.truth)[0, 1]) < 0.05


def test_whoever_has_the_key_divides_a_bare_products_phase(victim: Victim) -> None:
    """Message and noise of a bare product are those of the input times the rows, exactly."""
    content = victim.context.content(victim.product)
    above = phase(victim.context, victim.secret, content)
    below = phase(victim.context, victim.secret, victim.input_with(victim.scheme.levels.left))
    found = first_prime(victim.context, divided(victim.context, above, below))
    assert share_of(found, victim.truth) == 1.0


@pytest.mark.parametrize("subsets", [1, 3])
def test_the_phase_of_a_result_gives_nothing(victim: Victim, subsets: int) -> None:
    """Not even that of a dataset of one subset, which has no mask: the flood and the filler are left."""
    above = phase(victim.context, victim.secret, victim.protected(subsets))
    below = phase(victim.context, victim.secret, victim.input_with(1))
    found = first_prime(victim.context, divided(victim.context, above, below))
    assert share_of(found, victim.truth) < 0.001
    assert abs(np.corrcoef(found.astype(np.float64), victim.truth)[0, 1]) < 0.05


def test_nor_does_solving_for_the_rows_by_least_squares(victim: Victim) -> None:
    """In real numbers instead of residues, for which a modulus switch is no more than a factor."""
    degree = victim.context.degree
    twist = np.exp(-1j * np.pi * np.arange(degree) / degree)

    def values(content: Content) -> np.ndarray[tuple[int], np.dtype[np.complex128]]:
        numbers = lift(victim.context, phase(victim.context, victim.secret, content)).astype(np.float64)
        return np.fft.fft(numbers * twist)

    bare = values(victim.context.content(victim.product))
    known = values(victim.input_with(victim.scheme.levels.left))
    result = values(victim.protected(1))
    for seen, succeeds in ((bare, True), (result, False)):
        found = (np.fft.ifft(seen / known) / twist).real
        agreement = abs(float(np.corrcoef(found, victim.truth)[0, 1]))
        assert agreement > 0.99 if succeeds else agreement < 0.05
