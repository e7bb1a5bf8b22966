"""Approximate training on ciphertexts: sums are right within their precision, all else is refused."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from agents.core.errors import BadObject, BadPlan
from agents.learning.data.canonical import pack, unpack
from agents.learning.data.samples import Samples
from agents.learning.data.subset import Subset
from agents.learning.evaluate import outside
from agents.learning.families.registry import family_of
from agents.learning.family import Cohort, KeyPair
from agents.learning.he.ckks.circuit import ROW_COUNT_FACTOR
from agents.learning.he.ckks.family import ApproximateFamily
from agents.learning.he.ckks.headroom import PRECISION
from agents.learning.he.ring import total
from agents.learning.integers.update import Update
from agents.learning.integers.weights import Weights
from agents.learning.plans.encrypted import Encryption
from testing.approximate import ENCRYPTION, FAMILIES, SMALL, SMALL_ENCRYPTION, approximate_plan, small_family
from testing.ciphertexts import mask_keys, phase, seed_of, uniformity
from testing.families import initial_weights
from testing.market_of_ciphertexts import EncryptedCouple, couple_of, naming, some_weights
from tests.agents.learning.conftest import random_samples

ROWS = (40, 55, 31)
UNIT = 2.0**20


@pytest.fixture(scope="module")
def couples(approximate_keys: dict[str, KeyPair]) -> dict[str, EncryptedCouple]:
    samples = [random_samples(rows, features=3, seed=rows) for rows in ROWS]
    return {
        family: couple_of(approximate_plan(family), samples, approximate_keys[family]) for family in FAMILIES
    }


@pytest.fixture(scope="module", params=FAMILIES)
def couple(couples: dict[str, EncryptedCouple], request: pytest.FixtureRequest) -> EncryptedCouple:
    return couples[request.param]


@pytest.fixture(scope="module")
def weights(couple: EncryptedCouple) -> Weights:
    return some_weights(couple.family.plan, largest=0.3)


@pytest.fixture(scope="module")
def encrypted(couple: EncryptedCouple, weights: Weights) -> bytes:
    return couple.family.encrypt(couple.keys, weights)


@pytest.fixture(scope="module")
def results(couple: EncryptedCouple, encrypted: bytes) -> list[bytes]:
    return couple.results(encrypted)


def approximate(couple: EncryptedCouple) -> ApproximateFamily:
    assert isinstance(couple.family, ApproximateFamily)
    return couple.family


def errors_of(found: Update, expected: Update) -> np.ndarray[Any, np.dtype[np.float64]]:
    """In real units."""
    assert set(found.change) == set(expected.change)
    return np.concatenate([(found.change[n] - expected.change[n]).ravel() for n in found.change]) / UNIT


def sum_in_the_clear(couple: EncryptedCouple, weights: Weights) -> Update:
    return Update.total([couple.family.local_update(weights, subset.samples) for subset in couple.subsets])


# --- results ---


def test_the_sum_is_that_of_the_rows_in_the_clear(
    couple: EncryptedCouple, weights: Weights, results: list[bytes]
) -> None:
    found, expected = couple.family.decrypt(couple.keys, results[::-1]), sum_in_the_clear(couple, weights)
    assert found.samples == expected.samples == sum(ROWS)
    errors = errors_of(found, expected)
    assert np.abs(errors).max() < 6 * PRECISION * len(ROWS) ** 0.5
    assert errors.std() > PRECISION / 4, "the flood is in there"


@pytest.mark.parametrize(
    ("family", "changes"),
    [
        ("encrypted-cubic", {"classes": 3, "l2": Fraction(0)}),
        ("encrypted-cubic", {"features": 9, "rows": 700, "l2": Fraction(1, 999_999_999)}),
        ("encrypted-network", {"classes": 3}),
        ("encrypted-network", {"features": 9, "rows": 90}),
    ],
)
def test_it_is_right_for_other_forms_too(family: str, changes: dict[str, Any]) -> None:
    """Several outputs, several diagonals, no penalty; in the small ring, whose noise is 2^6 times larger."""
    small = small_family(family, **changes)
    assert "features" not in changes or small.ckks.layout.diagonals > 1
    keys = small.keys()
    small = SMALL[family](naming(small.plan, keys))
    shape = {"features": small.plan.features, "classes": small.plan.classes}
    samples = [random_samples(rows, seed=rows, **shape) for rows in (50, 64)]
    subsets = [
        Subset(index, rows, seed_of(f"{index}"), mask_keys(index, 2)) for index, rows in enumerate(samples)
    ]
    given = some_weights(small.plan, largest=0.2)
    encrypted = small.encrypt(keys, given)
    results = [small.train(keys.public, encrypted, subset, Cohort(b"", (0, 1))) for subset in subsets]
    found = small.decrypt(keys, results)
    expected = Update.total([small.local_update(given, rows) for rows in samples])
    assert found.samples == expected.samples == 114
    assert errors_of(found, expected).std() < 2**6 * PRECISION


def test_a_regression_by_a_network() -> None:
    small = small_family("encrypted-network", classes=0)
    samples = random_samples(64, features=3, classes=0, seed=5)
    weights = small.initial_weights()
    assert not weights.tensors["output"].any()
    change = small.local_update(weights, samples).change["output"][-1, 0]
    assert change == pytest.approx(samples.target.sum() / 2**16 / 5 * UNIT, abs=1)
    assert small.scores(weights, samples).shape == (64, 1)


def test_repeating_a_job_gives_the_same_bytes_and_nothing_else_does(
    couple: EncryptedCouple, encrypted: bytes, results: list[bytes], weights: Weights
) -> None:
    family, public, cohort = couple.family, couple.keys.public, couple.cohort()
    first = couple.subsets[0]
    assert family.train(public, encrypted, first, cohort) == results[0]
    another = Subset(0, first.samples, seed_of("another"), first.keys)
    fresh = family.encrypt(couple.keys, weights)
    others = [
        family.train(public, encrypted, first, couple.cohort(b"other")),
        family.train(public, encrypted, another, cohort),
        family.train(public, fresh, first, cohort),
    ]
    assert len({results[0], *others}) == 4


def test_a_single_result_is_uniform_to_the_model_owner(couple: EncryptedCouple, results: list[bytes]) -> None:
    family = approximate(couple)
    secret = family.codec.secret(couple.keys.secret)
    for content in family.codec.result(results[0]).ciphertexts:
        for part in (content.residues[0], phase(family.context, secret, content)):
            assert uniformity(part[0], family.context.primes[0]) > 1e-4


def test_unused_slots_of_a_sum_are_filled(couple: EncryptedCouple, results: list[bytes]) -> None:
    family = approximate(couple)
    secret, prime = family.codec.secret(couple.keys.secret), family.context.primes[0]
    parts = [family.codec.result(result).ciphertexts[0] for result in results]
    content = total(parts, family.context.primes)
    assert content.residues[0, 0, 0] == sum(int(part.residues[0, 0, 0]) for part in parts) % prime
    slots = family.context.decode(family.context.decrypt(secret, content))
    found = family.circuit.results
    unused = np.where(found.used[0], 2.0**40, np.abs(slots))
    assert np.quantile(unused, 0.01) > 2**12 * np.abs(slots[found.used[0]]).max()
    assert slots[found.row_count] == pytest.approx(ROW_COUNT_FACTOR * sum(ROWS), abs=1)


def test_scores_of_two_classes_are_opposite(couple: EncryptedCouple, weights: Weights) -> None:
    samples = couple.subsets[0].samples
    scores = couple.family.scores(weights, samples)
    assert scores.shape == (len(samples), 2)
    assert np.array_equal(scores[:, 0], -scores[:, 1])


def test_its_outside_yardstick_is_a_model_of_its_kind(couple: EncryptedCouple) -> None:
    samples = random_samples(80, features=3)
    kind = {"encrypted-cubic": "LogisticRegression", "encrypted-network": "MLPClassifier"}
    label = f"scikit-learn {kind[couple.family.name()]}"
    assert outside(couple.family.plan, samples, samples).label == label


def test_the_flood_hides_more_than_a_plan_may_show(couple: EncryptedCouple) -> None:
    family = approximate(couple)
    bounds, ciphertexts = family.circuit.bounds, family.circuit.results.ciphertexts
    distances = [
        family.ckks.headroom.distance(bounds.noise, bounds.largest, ciphertexts, members)
        for members in (2, 8)
    ]
    assert distances[0] < distances[1] < 2.0**-18


# --- results that do not add up ---


def test_refuses_what_is_not_a_whole_cohort(
    couple: EncryptedCouple, encrypted: bytes, results: list[bytes]
) -> None:
    other = couple.results(encrypted, couple.cohort(b"other"))
    for broken in ([], results[:2], [*results, results[0]], [*results[:2], other[2]]):
        with pytest.raises(BadObject, match="not those of one whole cohort"):
            couple.family.decrypt(couple.keys, broken)


def test_refuses_results_for_different_weights(
    couple: EncryptedCouple, weights: Weights, results: list[bytes]
) -> None:
    other = couple.results(couple.family.encrypt(couple.keys, weights))
    with pytest.raises(BadObject, match="does not decrypt"):
        couple.family.decrypt(couple.keys, [*results[:2], other[2]])


def changed(data: bytes, **facts: object) -> bytes:
    tensors, found = unpack(data, "the test's")
    merged = {name: value for name, value in (found | facts).items() if value is not None}
    return pack(tensors, merged)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("facts", "message"),
    [
        ({"scales": None}, "scales"),
        ({"scales": "fast"}, "says nothing of its scales"),
        ({"scales": "0x1.0p+70"}, "out of range"),
        ({"scales": "0x1p+99999"}, "says nothing of its scales"),
        ({"label": "xyz"}, "says nothing of its cohort"),
        ({"member": 7}, "its cohort is not in canonical form"),
        ({"members": "0 01 2"}, "its cohort is not in canonical form"),
        ({"more": 1}, "its cohort is not in canonical form"),
        ({"kind": "weights"}, "of another kind"),
    ],
)
def test_refuses_results_out_of_form(
    couple: EncryptedCouple, results: list[bytes], facts: dict[str, object], message: str
) -> None:
    with pytest.raises(BadObject, match=message):
        couple.family.check_result(changed(results[0], **facts))
    couple.family.check_result(results[0])


def test_refuses_scales_out_of_form(couple: EncryptedCouple, results: list[bytes]) -> None:
    scales = str(unpack(results[0], "the test's")[1]["scales"])
    with pytest.raises(BadObject, match="its scales are not in canonical form"):
        couple.family.check_result(changed(results[0], scales=scales.upper().replace("0X", "0x")))
    doubled = " ".join((2 * float.fromhex(scale)).hex() for scale in scales.split(" "))
    with pytest.raises(BadObject, match="of several scales"):
        couple.family.decrypt(couple.keys, [changed(results[0], scales=doubled), *results[1:]])


def test_refuses_encrypted_weights_out_of_form(couple: EncryptedCouple, encrypted: bytes) -> None:
    couple.family.check_published(encrypted)
    tensors, facts = unpack(encrypted, "the test's")
    with pytest.raises(BadObject, match="not in the form"):
        couple.family.check_published(changed(encrypted, more=1))
    short = pack({"weights": tensors["weights"][:, :, :2]}, facts)  # type: ignore[arg-type]
    with pytest.raises(BadObject, match="where the plan has"):
        couple.family.check_published(short)
    tensors["weights"][0, 1] = 0
    with pytest.raises(BadObject, match="not in the form"):
        couple.family.check_published(pack(tensors, facts))  # type: ignore[arg-type]


# --- refusals before any work ---


def test_refuses_other_keys_than_the_plans(couple: EncryptedCouple, encrypted: bytes) -> None:
    with pytest.raises(BadPlan, match="not those that the plan names"):
        couple.family.train(couple.keys.public + b" ", encrypted, couple.subsets[0], couple.cohort())


def test_refuses_keys_out_of_form() -> None:
    small = small_family("encrypted-cubic")
    keys = small.keys()
    encrypted = small.encrypt(keys, some_weights(small.plan, largest=0.1))
    samples = random_samples(20, features=3)
    subset = Subset(0, samples, seed_of("only"), mask_keys(0, 1))
    tensors, facts = unpack(keys.public, "the test's")
    few = {name: array for name, array in tensors.items() if name != "relin"}
    for broken, said, message in (
        (tensors, facts | {"more": 1}, "not in the form"),
        (few, facts, "where the plan has"),
    ):
        bad = KeyPair(keys.secret, pack(broken, said))  # type: ignore[arg-type]
        with pytest.raises(BadObject, match=message):
            SMALL["encrypted-cubic"](naming(small.plan, bad)).train(
                bad.public, encrypted, subset, Cohort(b"", (0,))
            )


def test_refuses_keys_with_which_products_would_hide_nothing() -> None:
    """A model owner may publish what it likes; a cloud owner says no and goes on."""
    small = small_family("encrypted-cubic")
    keys = small.keys()
    encrypted = small.encrypt(keys, some_weights(small.plan, largest=0.1))
    subset = Subset(0, random_samples(20, features=3), seed_of("only"), mask_keys(0, 1))
    tensors, facts = unpack(keys.public, "the test's")
    zeros = {name: array if name == "zero" else np.zeros_like(array) for name, array in tensors.items()}
    bad = KeyPair(keys.secret, pack(zeros, facts))  # type: ignore[arg-type]
    with pytest.raises(BadObject, match="of no use together"):
        SMALL["encrypted-cubic"](naming(small.plan, bad)).train(
            bad.public, encrypted, subset, Cohort(b"", (0,))
        )


def test_refuses_other_data(couple: EncryptedCouple, encrypted: bytes) -> None:
    first = couple.subsets[0]

    def train(samples: Samples) -> None:
        subset = Subset(0, samples, first.secret, first.keys)
        couple.family.train(couple.keys.public, encrypted, subset, couple.cohort())

    with pytest.raises(BadPlan, match="the plan is for 3 features"):
        train(random_samples(20, features=4))
    with pytest.raises(BadPlan, match="the plan has room for 64 rows, the subset has 65"):
        train(random_samples(65, features=3))
    assert couple.family.local_update(some_weights(couple.family.plan), random_samples(65)).samples == 65


def test_refuses_a_cohort_that_hides_nothing(couple: EncryptedCouple, encrypted: bytes) -> None:
    with pytest.raises(BadPlan, match="sums are over the dataset's 3 subsets"):
        couple.family.train(couple.keys.public, encrypted, couple.subsets[0], couple.cohort(members=(0, 1)))


@pytest.mark.parametrize(
    ("family", "changes", "message"),
    [
        ("encrypted-cubic", {"local_steps": 2}, "one local step, of all rows"),
        ("encrypted-network", {"batch": 8}, "one local step, of all rows"),
        ("encrypted-network", {"step": Fraction(1, 99_999)}, "step 1/99999 is too small to be encoded"),
        ("encrypted-cubic", {"rows": 20_000}, "20000 rows of 5 features for 1 columns do not fit into 8192"),
        ("encrypted-network", {"features": 1500}, "do not fit into 8192 slots"),
        (
            "encrypted-cubic",
            {"encryption": ENCRYPTION["encrypted-network"]},
            "8 primes: this family needs 2 for the result, 2 for products, one for data and one for keys",
        ),
        (
            "encrypted-cubic",
            {"encryption": Encryption(degree=16384, primes=(60, 60, 60, 52, 48, 60), scale_bits=53)},
            "a product's prime has other bits than the scale's 53",
        ),
        (
            "encrypted-cubic",
            {"encryption": Encryption(degree=16384, primes=(60, 60, 60, 53, 48, 59), scale_bits=53)},
            "the keys' prime, the last, must be the largest",
        ),
        (
            "encrypted-cubic",
            {"encryption": SMALL_ENCRYPTION["encrypted-cubic"]},
            "could reach .* over the modulus",
        ),
        (
            "encrypted-cubic",
            {"encryption": Encryption(degree=16384, primes=(60, 60, 60, 45, 48, 60), scale_bits=45)},
            "the result's scale is too small for its precision",
        ),
        (
            "encrypted-cubic",
            {"encryption": Encryption(degree=16384, primes=(60, 50, 46, 46, 46, 60), scale_bits=46)},
            "would tell something with probability",
        ),
    ],
)
def test_refuses_plans(family: str, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(BadPlan, match=message) as caught:
        family_of(approximate_plan(family, **changes))
    assert "\n" not in str(caught.value)


def test_a_network_refuses_a_step_over_one() -> None:
    with pytest.raises(ValueError, match="step 2 is over 1"):
        approximate_plan("encrypted-network", step=Fraction(2))


@pytest.mark.parametrize(
    ("family", "name", "place", "message"),
    [
        ("encrypted-cubic", "output", (0, 0), r"scores up to 32\.\d, over 24"),
        ("encrypted-network", "hidden", (0, 0), r"sums of hidden units up to \d+\.\d, over 4"),
        ("encrypted-network", "output", (-1, 0), r"outputs up to \d+\.\d, over 20"),
    ],
)
def test_does_not_encrypt_weights_out_of_range(
    couples: dict[str, EncryptedCouple], family: str, name: str, place: tuple[int, int], message: str
) -> None:
    couple = couples[family]
    weights = initial_weights(couple.family.plan)
    weights.tensors[name][place] = int(7.8 * UNIT) if family == "encrypted-cubic" else int(20 * UNIT)
    with pytest.raises(BadPlan, match=message):
        couple.family.encrypt(couple.keys, weights)


def test_does_not_encrypt_slopes_out_of_range(couples: dict[str, EncryptedCouple]) -> None:
    couple = couples["encrypted-network"]
    weights = initial_weights(couple.family.plan)
    weights.tensors["hidden"][:] = 0
    weights.tensors["hidden"][0] = int(0.1 * UNIT)
    weights.tensors["output"][0] = int(18 * UNIT)
    with pytest.raises(BadPlan, match=r"slopes up to 4\.\d, over 4"):
        couple.family.encrypt(couple.keys, weights)
