"""What every result goes through: it stays right, it is the same at all replicas, and it is uniform alone.

Rules: E18, E21, E29.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal

import numpy as np
import pytest

from agents.core.errors import BadPlan
from agents.learning.data.mask_keys import keys_of
from agents.learning.data.samples import Int64Array, Samples
from agents.learning.data.subset import Subset
from agents.learning.family import Cohort
from agents.learning.he.protection import Flood, fill, flood_hides, rerandomise
from agents.learning.he.ring import Content, RlweSecretKey, total
from agents.learning.he.seal import Context
from agents.learning.he.secure_aggregation import JobStreams, mask
from agents.learning.he.zero import load_zero, new_zero
from testing.ciphertexts import lift, mask_keys, phase, seed_of, uniformity
from tests.agents.learning.he.conftest import make_plan

MEMBERS = (0, 1, 2)
COHORT = Cohort(b"couple 7", MEMBERS)
ENCRYPTED = b"encrypted weights"
FLOOD = Flood(72)


def subset_of(index: int, subsets: int = 3, name: str = "secret") -> Subset:
    rows = Samples(np.zeros((2, 2), np.int32), np.zeros(2, np.int32), 2)
    return Subset(index, rows, seed_of(f"{name} {index}"), mask_keys(index, subsets))


def streams_of(
    index: int,
    cohort: Cohort = COHORT,
    encrypted: bytes = ENCRYPTED,
    subset: Subset | None = None,
    **plan: Any,
) -> JobStreams:
    return JobStreams(make_plan(sums="round", **plan), "round", subset or subset_of(index), cohort, encrypted)


def numbers(context: Context, value: int) -> Int64Array:
    return np.full(context.degree, value, dtype=np.int64)


def protected(bfv: Context, secret: RlweSecretKey, index: int, value: int, *, masked: bool = True) -> Content:
    """A result of one subset, all of whose coefficients are `value`."""
    result = bfv.load(bfv.encrypt(secret, bfv.plaintext(numbers(bfv, value))))
    streams = streams_of(index)
    rerandomise(bfv, result, load_zero(bfv, new_zero(bfv, secret)), streams, 0, FLOOD)
    bfv.evaluator.mod_switch_to_next_inplace(result)
    content = bfv.content(result)
    if masked:
        mask(content, bfv.all_primes, streams, 0)
    return content


@pytest.mark.parametrize("ntt", [False, True])
def test_rerandomising_changes_all_but_the_message(
    bfv: Context, bfv_secret: RlweSecretKey, ntt: bool
) -> None:
    before = bfv.encrypt(bfv_secret, bfv.plaintext(numbers(bfv, -3)))
    result, zero = bfv.load(bfv.transformed(before, ntt=ntt)), load_zero(bfv, new_zero(bfv, bfv_secret))
    rerandomise(bfv, result, zero, streams_of(1), 0, FLOOD)
    after = bfv.content(result)
    assert after.ntt is before.ntt is False
    assert (after.residues != before.residues).mean() > 0.999
    plain = bfv.decrypt(bfv_secret, after)
    assert np.array_equal(bfv.coefficients(plain), numbers(bfv, -3))


def test_the_flood_is_as_large_as_it_says(bfv: Context, bfv_secret: RlweSecretKey) -> None:
    zero = load_zero(bfv, new_zero(bfv, bfv_secret))
    result = bfv.load(bfv.content(zero))
    rerandomise(bfv, result, zero, streams_of(1), 0, FLOOD)
    noise = lift(bfv, phase(bfv, bfv_secret, bfv.content(result)))
    assert 2.0**71.9 < noise.max() < 2**FLOOD.bits + 2**20
    assert noise.min() > -(2**20)


def test_ckks_is_rerandomised_alike(ckks: Context, ckks_secret: RlweSecretKey) -> None:
    zero = load_zero(ckks, new_zero(ckks, ckks_secret))
    result = ckks.load(Content(ckks.content(zero).residues, ntt=True, scale=2.0**30))
    rerandomise(ckks, result, zero, streams_of(1), 0, Flood(50))
    content = ckks.content(result)
    assert content.scale == 2.0**30
    noise = lift(ckks, phase(ckks, ckks_secret, content))
    assert 2.0**49.5 < noise.max() < 2**50 + 2**20


def test_when_a_flood_hides(bfv: Context) -> None:
    assert flood_hides(bfv, 19.0, 72)
    assert not flood_hides(bfv, 19.1, 72)


def test_replicas_make_the_same_bytes_and_nothing_else_does(bfv: Context, bfv_secret: RlweSecretKey) -> None:
    result = bfv.encrypt(bfv_secret, bfv.plaintext(numbers(bfv, 1)))
    zero = load_zero(bfv, new_zero(bfv, bfv_secret))

    def outcome(streams: JobStreams, index: int = 0) -> bytes:
        ciphertext = bfv.load(result)
        rerandomise(bfv, ciphertext, zero, streams, index, FLOOD)
        content = bfv.content(ciphertext)
        mask(content, bfv.all_primes, streams, index)
        return content.residues.tobytes()

    first = outcome(streams_of(1))
    assert outcome(streams_of(1)) == first
    others = [
        outcome(streams_of(1), index=1),
        outcome(streams_of(0)),
        outcome(streams_of(1, Cohort(b"couple 8", MEMBERS))),
        outcome(streams_of(1, Cohort(b"couple 7", (0, 1)))),
        outcome(streams_of(1, encrypted=b"other weights")),
    ]
    assert len({first, *others}) == 6


def test_all_randomness_is_bound_to_the_whole_job() -> None:
    """To the label, the members, the plan, the keys it names, the weights; its own to the subset as well."""
    own, keys = subset_of(1), make_plan().encryption.model_copy(update={"keys": "ab" * 32})
    others_keys = keys_of([seed_of(f"another key {index}") for index in MEMBERS])[1]
    others = {
        "label": streams_of(1, Cohort(b"couple 8", MEMBERS)),
        "members": streams_of(1, Cohort(b"couple 7", (0, 1))),
        "weights": streams_of(1, encrypted=b"other weights"),
        "plan": streams_of(1, local_steps=3),
        "keys": streams_of(1, encryption=keys),
        "mask keys": streams_of(1, subset=replace(own, keys=others_keys)),
        "rows": streams_of(1, subset=replace(own, samples=own.samples.take(np.array([1])))),
        "secret": streams_of(1, subset=replace(own, secret=seed_of("another"))),
    }
    for purpose in ("multiplier", "errors", "flood", "unused"):
        found = {
            streams.stream(purpose, 0).words(4).tobytes() for streams in (streams_of(1), *others.values())
        }
        assert len(found) == 1 + len(others)
    moduli = (97, 2**40 - 87)
    masks = {name: streams.masks(moduli, 9, 0).tobytes() for name, streams in others.items()}
    words = {name: streams.words(9).tobytes() for name, streams in others.items()}
    for found_by, first in ((masks, streams_of(1).masks(moduli, 9, 0)), (words, streams_of(1).words(9))):
        same = {name for name, found_ in found_by.items() if found_ == first.tobytes()}
        assert same == {"rows", "secret"}, "a pair's stream has to be the same at the other subset"


def test_whole_numbers_are_masked_alike() -> None:
    words = [streams_of(index).words(5_000) for index in MEMBERS]
    assert not (words[0] + words[1] + words[2]).any()
    for one in (*words, words[0] + words[1]):
        assert uniformity(one, 2**64) > 1e-7


def test_coefficients_that_carry_nothing_are_filled_with_uniform_numbers(bfv: Context) -> None:
    values, unused = numbers(bfv, 4), np.arange(bfv.degree) % 2 == 1
    fill(values, unused, bfv.plain_modulus, streams_of(1), 0)
    assert (values[~unused] == 4).all()
    assert uniformity(values[unused].astype(np.uint64), bfv.plain_modulus) > 1e-7
    again, other = numbers(bfv, 4), numbers(bfv, 4)
    fill(again, unused, bfv.plain_modulus, streams_of(1), 0)
    fill(other, unused, bfv.plain_modulus, streams_of(1), 1)
    assert np.array_equal(again, values)
    assert (other[unused] != values[unused]).all()


def test_a_single_result_is_uniform_to_whoever_has_the_secret_key(
    bfv: Context, bfv_secret: RlweSecretKey
) -> None:
    for index in MEMBERS:
        alone = protected(bfv, bfv_secret, index, 1000)
        for row, prime in zip(phase(bfv, bfv_secret, alone), bfv.primes, strict=False):
            assert uniformity(row, prime) > 1e-7
        plain = bfv.coefficients(bfv.decrypt(bfv_secret, alone))
        assert (plain == 1000).mean() < 0.01
        assert np.abs(plain).mean() > bfv.plain_modulus / 8


def test_without_the_mask_it_is_not(bfv: Context, bfv_secret: RlweSecretKey) -> None:
    bare = protected(bfv, bfv_secret, 0, 1000, masked=False)
    assert uniformity(phase(bfv, bfv_secret, bare)[0], bfv.primes[0]) < 1e-9


def test_only_the_sum_of_the_whole_cohort_decrypts(bfv: Context, bfv_secret: RlweSecretKey) -> None:
    results = [
        protected(bfv, bfv_secret, index, value) for index, value in zip(MEMBERS, (5, -70, 900), strict=True)
    ]
    found = bfv.coefficients(bfv.decrypt(bfv_secret, total(results, bfv.primes)))
    assert (found == 835).all()
    for some in (results[:2], results[1:], [results[0], results[2]]):
        part = total(some, bfv.primes)
        for row, prime in zip(phase(bfv, bfv_secret, part), bfv.primes, strict=False):
            assert uniformity(row, prime) > 1e-7


def test_masks_of_many_subsets_cancel(bfv: Context) -> None:
    members = tuple(range(60))
    cohort, plan = Cohort(b"large", members), make_plan()
    primes = bfv.primes[:2]
    moduli = np.array(primes, dtype=object)[:, None]
    parts = [
        JobStreams(plan, "dataset", subset_of(index, 60), cohort, ENCRYPTED)
        .masks(primes, 3, 0)
        .astype(object)
        for index in members
    ]
    assert not (sum(parts) % moduli).any()
    assert all((part < moduli).all() for part in parts)


def test_the_only_subset_of_a_dataset_goes_without_a_mask() -> None:
    streams = JobStreams(make_plan(), "dataset", subset_of(0, 1), Cohort(b"alone", (0,)), ENCRYPTED)
    assert not streams.masks((97, 89), 10, 0).any()


@pytest.mark.parametrize(
    ("sums", "index", "members", "message"),
    [
        ("dataset", 1, (0, 1), "over the dataset's 3 subsets, the cohort has 2"),
        ("round", 1, (1,), "has only subset 1: its result would not be hidden"),
        ("round", 1, (0, 2), "is not one of subset 1"),
        ("round", 1, (2, 1), "is not one of subset 1"),
        ("round", 1, (1, 1, 2), "is not one of subset 1"),
        ("round", 1, (), "is not one of subset 1"),
        ("round", 1, (1, 3), "not of a dataset of 3 subsets"),
        ("round", 1, (-1, 1), "not of a dataset of 3 subsets"),
    ],
)
def test_cohorts_that_hide_nothing_are_refused(
    sums: Literal["dataset", "round"], index: int, members: tuple[int, ...], message: str
) -> None:
    with pytest.raises(BadPlan, match=message):
        JobStreams(make_plan(sums=sums), sums, subset_of(index), Cohort(b"label", members), ENCRYPTED)


def test_a_subset_without_mask_keys_is_refused() -> None:
    bare = Subset(0, subset_of(0).samples, seed_of("secret 0"))
    with pytest.raises(BadPlan, match="without the keys that hide a result among others"):
        JobStreams(make_plan(), "dataset", bare, Cohort(b"label", (0,)), ENCRYPTED)
