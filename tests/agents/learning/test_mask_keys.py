"""What any two subsets agree on for masks, and which public keys of others are of no use.

Rules: E14, E25, E26.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from agents.core.errors import BadObject, BadPlan
from agents.learning.data.description import parse_description
from agents.learning.data.mask_keys import MaskKeys, check_public, keys_of, pair_seed, public_half
from testing.ciphertexts import mask_keys, seed_of
from testing.vectors import vectors
from testing.workers import a_description

LABEL = b"a sum"
PRIME = 2**255 - 19
LOW_ORDER = [
    0,
    1,
    325606250916557431795983626356110631294008115727848805560023387167927233504,
    39382357235489614581723060781553021112529911719440698176882885853963445705823,
]
"""Of the points of order 2, 4 and 8 on the curve (RFC 7748, 7; Bernstein's list)."""

ON_THE_TWIST = 2


def encoded(x: int) -> bytes:
    return x.to_bytes(32, "little")


@pytest.mark.parametrize("vector", vectors("mask_seeds"))
def test_a_seed_is_that_of_the_vectors_at_either_end(vector: dict[str, Any]) -> None:
    keys, (one, other) = keys_of(vector["privates"]), vector["subsets"]
    assert list(keys[0].public) == vector["publics"]
    assert pair_seed(keys[one], one, other, vector["label"]) == vector["seed"]
    assert pair_seed(keys[other], other, one, vector["label"]) == vector["seed"]


def test_two_subsets_agree_and_no_third_does() -> None:
    keys = keys_of([seed_of(f"private {place}") for place in range(4)])
    seeds = {
        (one, other): pair_seed(keys[one], one, other, LABEL)
        for one in range(4)
        for other in range(4)
        if one != other
    }
    assert all(seeds[one, other] == seeds[other, one] for one, other in seeds)
    assert len(set(seeds.values())) == 6
    assert all(len(seed) == 32 for seed in seeds.values())


def test_a_seed_is_bound_to_the_sum_both_keys_and_both_places() -> None:
    keys = mask_keys(0, 3)
    first = pair_seed(keys, 0, 1, LABEL)
    anew = keys_of([keys.private, seed_of("another"), seed_of("third")])[0]
    twins = replace(keys, public=(keys.public[0], keys.public[1], keys.public[1]))
    others = [
        pair_seed(keys, 0, 1, b"another sum"),
        pair_seed(anew, 0, 1, LABEL),
        pair_seed(twins, 0, 2, LABEL),
    ]
    assert len({first, *others}) == 4


@pytest.mark.parametrize("x", LOW_ORDER)
def test_nothing_is_agreed_on_with_a_key_of_low_order(x: int) -> None:
    keys = MaskKeys(seed_of("private"), (public_half(seed_of("private")), encoded(x)))
    with pytest.raises(BadPlan, match="the mask key of subset 1 is of low order"):
        pair_seed(keys, 0, 1, LABEL)


@pytest.mark.parametrize(
    ("key", "message"),
    [
        *((encoded(x), "subset 1 is of low order") for x in LOW_ORDER),
        (encoded(ON_THE_TWIST), "subset 1 is no point of the curve"),
        (encoded(PRIME - 1), "subset 1 is"),
        (encoded(PRIME), "subset 1 is no point of the curve"),
        (encoded(9 + PRIME), "subset 1 is no point of the curve"),
        (encoded(9 + 2**255), "subset 1 is no point of the curve"),
        (bytes(31), "subset 1 has 31 bytes, not 32"),
        (mask_keys(0, 2).public[0], "two subsets have the same mask key"),
    ],
)
def test_a_description_with_a_bad_key_is_refused_in_one_line(key: bytes, message: str) -> None:
    good = mask_keys(0, 2).public[0]
    with pytest.raises(ValueError, match=message):
        check_public([good, key])
    spoilt = a_description(2).replace(mask_keys(1, 2).public[1].hex().encode(), key.hex().encode())
    with pytest.raises(BadObject, match="the dataset's description is of no use") as refused:
        parse_description(spoilt)
    assert "\n" not in str(refused.value)


def test_good_keys_pass() -> None:
    check_public(mask_keys(0, 256).public)
    assert parse_description(a_description(3)).public_keys == mask_keys(0, 3).public
