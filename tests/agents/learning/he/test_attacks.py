"""Attacks on results of encrypted training: they succeed on what is not protected, and fail on what is.

The victim is the affine map of a subset: its factors are a function of the rows' Gram matrix.

Rules: E18, E21.
"""

from __future__ import annotations

from fractions import Fraction
from math import prod

import numpy as np
import pytest

from agents.core.errors import BadPlan
from agents.learning.data.samples import FloatArray, Int64Array
from agents.learning.data.subset import Subset
from agents.learning.families.encrypted_linear import LinearFamily
from agents.learning.families.registry import family_of
from agents.learning.family import Cohort, KeyPair
from agents.learning.he.ring import Content, Residues
from agents.learning.he.seal import Context
from agents.learning.he.tensors import pack_residues
from agents.learning.integers.weights import Weights
from testing.ciphertexts import Integers, lift, mask_keys, phase, quotient, seed_of
from testing.families import encrypted_family
from testing.market_of_ciphertexts import EncryptedCouple, couple_of, naming, some_weights
from tests.agents.learning.conftest import SamplesMaker
from tests.agents.learning.he.conftest import make_plan

FEATURES = 20

SHIFT = 2**90
"""Of crafted weights: far over all that a result has added, with room for factors above."""


@pytest.fixture(scope="module")
def keys() -> KeyPair:
    return family_of(make_plan()).keys()


@pytest.fixture
def victims(keys: KeyPair, make_samples: SamplesMaker) -> EncryptedCouple:
    plan = make_plan("encrypted-ridge", features=FEATURES, weight_bits=16, l2=Fraction(1, 100))
    return couple_of(plan, [make_samples(rows, features=FEATURES) for rows in (40, 50, 60)], keys)


@pytest.fixture
def loner(keys: KeyPair, make_samples: SamplesMaker) -> EncryptedCouple:
    """The only subset of its dataset: nothing masks it, so the flood is on its own."""
    return couple_of(
        make_plan(features=FEATURES, weight_bits=16), [make_samples(40, features=FEATURES)], keys
    )


def family_and_truth(couple: EncryptedCouple) -> tuple[LinearFamily, Int64Array, Int64Array]:
    """The first subset's factors as a polynomial, and where they are in it."""
    family = couple.family
    assert isinstance(family, LinearFamily)
    factors = next(family.layout.factors(family.model.steps(couple.subsets[0].samples).factors))
    return family, factors, np.flatnonzero(factors)


def input_of(family: LinearFamily, encrypted: bytes) -> Content:
    return family.codec.weights(encrypted).ciphertexts[0]


def output_of(family: LinearFamily, result: bytes) -> Content:
    return family.codec.result(result).ciphertexts[0]


def bare_product(family: LinearFamily, keys: KeyPair, encrypted: bytes, subset: Subset) -> Content:
    encoded = family.cloud.encoded(family.model.steps(subset.samples))
    public, weights = family.codec.public(keys.public), family.codec.weights(encrypted)
    return family.context.content(next(family.cloud.products(public, weights, encoded)))


def recovered(found: Integers | FloatArray, truth: Int64Array, where: Int64Array) -> int:
    return int((found[where] == truth[where]).sum())


def first_prime(context: Context, residues: Residues) -> Integers:
    return lift(context, residues[:1])


# --- dividing, without any key ---


def test_dividing_a_bare_product_by_its_input_gives_the_factors(
    victims: EncryptedCouple, keys: KeyPair
) -> None:
    family, truth, where = family_and_truth(victims)
    encrypted = family.encrypt(keys, some_weights(family.plan))
    product = bare_product(family, keys, encrypted, victims.subsets[0])
    found = first_prime(family.context, quotient(family.context, product, input_of(family, encrypted)))
    assert recovered(found, truth, where) == where.size == (FEATURES + 1) ** 2


@pytest.mark.parametrize("couple", ["victims", "loner"])
def test_dividing_a_result_by_its_input_gives_none(
    couple: str, keys: KeyPair, request: pytest.FixtureRequest
) -> None:
    found_couple: EncryptedCouple = request.getfixturevalue(couple)
    family, truth, where = family_and_truth(found_couple)
    encrypted = family.encrypt(keys, some_weights(family.plan))
    result = output_of(family, found_couple.results(encrypted)[0])
    for scale in (1, family.context.primes[2]):
        quotients = quotient(family.context, result, input_of(family, encrypted))
        found = first_prime(family.context, quotients) * scale
        assert recovered(found, truth, where) == 0


def crafted(family: LinearFamily) -> bytes:
    """Weights that are no encryption: their second polynomial is a large constant."""
    context = family.context
    numbers = np.zeros(context.degree, dtype=object)
    numbers[0] = SHIFT
    residues = np.stack([np.array(numbers % prime, dtype=np.uint64) for prime in context.primes])
    content = context.transformed(Content(np.stack([residues, residues]), ntt=False), ntt=True)
    return pack_residues(context, "encrypted weights", {"weights": content.residues}, {})


def shown(family: LinearFamily, second: Residues, shift: int) -> Integers:
    """What a second polynomial shows of the factors, if small numbers were all that was added to it."""
    numbers = lift(family.context, second)
    found: Integers = (2 * numbers + shift) // (2 * shift)
    return found


def test_crafted_weights_show_the_factors_of_a_bare_product(victims: EncryptedCouple, keys: KeyPair) -> None:
    family, truth, where = family_and_truth(victims)
    product = bare_product(family, keys, crafted(family), victims.subsets[0])
    values = family.context.transformed(product, ntt=False).residues[1]
    assert recovered(shown(family, values, SHIFT), truth, where) == where.size


@pytest.mark.parametrize("couple", ["victims", "loner"])
def test_crafted_weights_show_none_of_a_result(couple: str, request: pytest.FixtureRequest) -> None:
    """The model owner makes weights and keys, but what blinds the second polynomial is not its to choose."""
    found_couple: EncryptedCouple = request.getfixturevalue(couple)
    family, truth, where = family_and_truth(found_couple)
    result = output_of(family, found_couple.results(crafted(family))[0])
    switched = family.context.primes[2]
    assert recovered(shown(family, result.residues[1], SHIFT // switched), truth, where) == 0


# --- the noise, with the secret key ---


def noise_of(family: LinearFamily, keys: KeyPair, content: Content) -> Integers:
    """(degree,) the noise of a ciphertext, times the plaintext modulus, exactly."""
    context, t = family.context, family.context.plain_modulus
    phases = lift(context, phase(context, family.codec.secret(keys.secret), content))
    modulus = prod(context.primes[: content.residues.shape[1]])
    messages = (2 * phases * t + modulus) // (2 * modulus)
    noise: Integers = phases * t - messages * modulus
    return noise


def deconvolved(product: Integers, known: Integers) -> FloatArray:
    """The polynomial whose negacyclic product with the known one comes nearest to the product."""
    degree = len(known)
    twist = np.exp(-1j * np.pi * np.arange(degree) / degree)
    above, below = (np.fft.fft(values.astype(np.float64) * twist) for values in (product, known))
    found: FloatArray = np.rint((np.fft.ifft(above / below) / twist).real)
    return found


def test_the_noise_of_a_bare_product_gives_the_factors(victims: EncryptedCouple, keys: KeyPair) -> None:
    family, truth, where = family_and_truth(victims)
    encrypted = family.encrypt(keys, some_weights(family.plan))
    product = bare_product(family, keys, encrypted, victims.subsets[0])
    known = noise_of(family, keys, input_of(family, encrypted))
    found = deconvolved(noise_of(family, keys, product), known)
    assert recovered(found, truth, where) == where.size


def test_the_noise_of_a_result_gives_none_even_without_a_mask(loner: EncryptedCouple, keys: KeyPair) -> None:
    family, truth, where = family_and_truth(loner)
    encrypted = family.encrypt(keys, some_weights(family.plan))
    result = output_of(family, loner.results(encrypted)[0])
    known = noise_of(family, keys, input_of(family, encrypted))
    scale = family.context.primes[2]
    found = deconvolved(noise_of(family, keys, result) * scale, known)
    assert recovered(found, truth, where) == 0
    assert abs(np.corrcoef(found[where], truth[where].astype(np.float64))[0, 1]) < 0.2


# --- solving, with all that the model owner may decrypt ---


def probe(family: LinearFamily, number: int) -> Weights:
    """Weights of which one is 1 and all others 0."""
    matrix = np.zeros((family.plan.features + 1, family.plan.outputs), dtype=np.int64)
    matrix.flat[number % matrix.size] = 2**16
    return Weights({"output": matrix}, 16)


@pytest.fixture
def small(keys: KeyPair, make_samples: SamplesMaker) -> EncryptedCouple:
    plan = make_plan("encrypted-linear", features=2, weight_bits=16)
    return couple_of(plan, [make_samples(rows, features=2, seed=rows) for rows in (21, 30, 44)], keys)


def test_all_sums_over_the_dataset_are_the_same_whoever_holds_which_rows(
    small: EncryptedCouple, keys: KeyPair
) -> None:
    """More probes than (d + 1) m unknown columns, and not a bit about a single subset in them."""
    family = small.family
    assert isinstance(family, LinearFamily)
    moved = couple_of(family.plan, [small.subsets[index].samples for index in (2, 0, 1)], keys)
    probes = 3 * 3 + 1
    for number in range(probes):
        encrypted = family.encrypt(keys, probe(family, number))
        views = [family.decrypt(keys, couple.results(encrypted)) for couple in (small, moved)]
        assert np.array_equal(views[0].change["output"], views[1].change["output"])
        assert views[0].samples == views[1].samples == 95


def solved(probes: list[Weights], seen: list[Int64Array]) -> FloatArray:
    """The factors that come nearest to explaining the first output's changes."""
    known = np.array([[*weights.tensors["output"][:, 0], 2**16] for weights in probes], dtype=np.float64)
    changes = np.array([change[:, 0] for change in seen], dtype=np.float64)
    found: FloatArray = np.rint(np.linalg.lstsq(known, changes, rcond=None)[0][:-1].T)
    return found


def test_solving_for_a_subset_from_all_its_results_is_at_chance(
    small: EncryptedCouple, keys: KeyPair
) -> None:
    """The model owner decrypts each single result, against the protocol, and solves for the first subset."""
    family = small.family
    assert isinstance(family, LinearFamily)
    secret = family.codec.secret(keys.secret)
    truth = family.model.steps(small.subsets[0].samples).factors
    probes, seen = [some_weights(family.plan, seed=number) for number in range(3 * 3 + 1)], []
    for weights in probes:
        result = output_of(family, small.results(family.encrypt(keys, weights))[0])
        numbers = family.context.coefficients(family.context.decrypt(secret, result))
        seen.append(family.layout.results([numbers])[0])
    found = solved(probes, seen)
    assert (found == truth).sum() == 0
    assert np.median(np.abs(found)) > 1_000 * np.abs(truth).max()


def test_the_same_solving_succeeds_on_the_map_itself(small: EncryptedCouple) -> None:
    family = small.family
    assert isinstance(family, LinearFamily)
    truth = family.model.steps(small.subsets[0].samples)
    probes = [some_weights(family.plan, seed=number) for number in range(3 * 3 + 1)]
    seen = [truth.change(weights.tensors["output"]) for weights in probes]
    assert np.array_equal(solved(probes, seen), truth.factors)


def test_sums_over_rounds_can_be_differenced_to_a_single_subset(
    small: EncryptedCouple, keys: KeyPair
) -> None:
    """Why sums are over the dataset unless a plan says otherwise: three rounds with the same weights do."""
    plan = naming(make_plan("encrypted-linear", features=2, weight_bits=16, sums="round"), keys)
    family = encrypted_family(plan)
    rounds = EncryptedCouple(family, keys, small.subsets)
    weights = some_weights(plan)
    sums = {}
    for number, members in enumerate([(0, 1), (0, 2), (1, 2)]):
        cohort = rounds.cohort(b"round %d" % number, members)
        results = rounds.results(family.encrypt(keys, weights), cohort)
        sums[members] = family.decrypt(keys, results).change["output"]
    alone = (sums[0, 1] + sums[0, 2] - sums[1, 2]) // 2
    truth = family.local_update(weights, small.subsets[0].samples).change["output"]
    assert np.array_equal(alone, truth)


def test_sums_over_the_dataset_leave_no_such_rounds(small: EncryptedCouple, keys: KeyPair) -> None:
    family = small.family
    encrypted = family.encrypt(keys, some_weights(family.plan))
    for members in [(0, 1), (0, 2), (0,)]:
        with pytest.raises(BadPlan, match=r"over the dataset's 3 subsets|would not be hidden"):
            family.train(keys.public, encrypted, small.subsets[0], Cohort(b"label", members))


def test_a_partner_that_lies_about_the_dataset_is_no_way_around(
    small: EncryptedCouple, keys: KeyPair
) -> None:
    """A cohort larger than the dataset that the data owner made seeds for is refused."""
    family = small.family
    encrypted = family.encrypt(keys, some_weights(family.plan))
    subset = Subset(0, small.subsets[0].samples, seed_of("secret 0"), mask_keys(0, 3))
    with pytest.raises(BadPlan, match="not of a dataset of 3 subsets"):
        family.train(keys.public, encrypted, subset, Cohort(b"label", (0, 1, 2, 3)))
