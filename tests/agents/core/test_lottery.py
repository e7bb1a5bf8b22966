"""The lottery in Python.

Solidity makes the same draws (tests/contracts/test_libraries.py): what is shown of one holds for the other.

Rules: R8, R9, R10.
"""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Iterator
from itertools import combinations, product
from math import ceil, comb, factorial
from typing import Any

import pytest
from eth_utils.crypto import keccak
from scipy.stats import chisquare

from agents.core import hashing
from agents.core.hashing import chain_link, draw, draw_round, full_set, round_seed, set_bits
from agents.core.ids import CoupleId
from testing.vectors import number, vectors

DRAWS = 20_000
REJECTED_BELOW = 0.001  # the seeds are fixed: a lottery that passes once passes always


def seeds(label: str, many: int) -> Iterator[bytes]:
    return (keccak(text=f"{label} {i}") for i in range(many))


# --- sets ---


def test_members_are_the_set_bits_ascending() -> None:
    assert set_bits(0) == ()
    assert set_bits(0b1011) == (0, 1, 3)
    assert set_bits(full_set(256)) == tuple(range(256))
    assert set_bits(1 << 255) == (255,)


def test_full_set() -> None:
    assert [full_set(size) for size in (1, 2, 3, 256)] == [0b1, 0b11, 0b111, 2**256 - 1]


# --- vectors ---


@pytest.mark.parametrize("vector", vectors("draws"))
def test_draw(vector: dict[str, Any]) -> None:
    pool, drawn = number(vector["pool"]), number(vector["drawn"])
    assert draw(vector["seed"], pool, vector["count"]) == drawn
    assert drawn.bit_count() == vector["count"]
    assert drawn & ~pool == 0


def test_the_vectors_hold_every_place_of_a_rejected_ticket() -> None:
    rejected = {place for vector in vectors("draws") for place in vector["rejected"]}
    assert {0, 15, 16} <= rejected
    assert any(len(vector["rejected"]) > 1 for vector in vectors("draws"))


@pytest.mark.parametrize("vector", vectors("epochs"))
def test_epochs(vector: dict[str, Any]) -> None:
    tc, over, length = CoupleId(number(vector["tc"])), 0, len(vector["rounds"])
    for round_, expected in enumerate(vector["rounds"], start=1):
        mo_seed = chain_link(vector["mo_secret"], length, round_)
        do_seed = chain_link(vector["do_secret"], length, round_)
        seed = round_seed(mo_seed, do_seed, tc, round_)
        drawn, over = draw_round(seed, over, vector["subsets"], vector["per_round"])
        assert (mo_seed, do_seed, seed) == (expected["mo_seed"], expected["do_seed"], expected["seed"])
        assert (drawn, over) == (number(expected["drawn"]), number(expected["drawn_this_epoch"]))


# --- edges ---


def test_drawing_none_draws_nothing() -> None:
    assert draw(bytes(32), 0b111, 0) == 0


@pytest.mark.parametrize(("pool", "count"), [(0, 1), (0b101, 3)])
def test_refuses_to_draw_more_than_there_are(pool: int, count: int) -> None:
    with pytest.raises(ValueError, match=f"cannot draw {count} of {pool.bit_count()}"):
        draw(bytes(32), pool, count)


# --- uniform: proved ---


@pytest.fixture
def own_tickets(monkeypatch: pytest.MonkeyPatch) -> None:
    """A seed is taken for its own tickets, so that a test can deal them."""
    monkeypatch.setattr(
        hashing, "_tickets", lambda seed: (ticket for (ticket,) in struct.iter_unpack(">H", seed))
    )


@pytest.mark.usefixtures("own_tickets")
@pytest.mark.parametrize("size", [1, 2, 3, 5, 6, 7])
def test_every_member_has_equally_many_tickets(size: int) -> None:
    spare = (0).to_bytes(2, "big")  # read if the first ticket is rejected
    hits: Counter[int] = Counter()
    for ticket in range(2**16):
        dealt = ticket.to_bytes(2, "big")
        rejected = ticket >= 2**16 - 2**16 % size
        drawn = draw(dealt + spare, full_set(size), 1)
        if rejected:
            assert drawn == 1, "the spare ticket decides"
        else:
            hits[drawn] += 1
    assert hits == dict.fromkeys((1 << i for i in range(size)), 2**16 // size)


@pytest.mark.usefixtures("own_tickets")
@pytest.mark.parametrize(("size", "count"), [(m, k) for m in range(1, 7) for k in range(1, m + 1)])
def test_every_set_comes_of_equally_many_ranks(size: int, count: int) -> None:
    ranks = product(*(range(size - pick) for pick in range(count)))
    hits = Counter(draw(struct.pack(f">{count}H", *dealt), full_set(size), count) for dealt in ranks)
    sets = [sum(1 << i for i in chosen) for chosen in combinations(range(size), count)]
    assert hits == dict.fromkeys(sets, factorial(count))


# --- uniform: measured ---


@pytest.mark.parametrize(("size", "count"), [(m, k) for m in range(1, 7) for k in range(1, m + 1)])
def test_every_set_is_drawn(size: int, count: int) -> None:
    drawn = {draw(seed, full_set(size), count) for seed in seeds(f"{size} {count}", 400)}
    assert len(drawn) == comb(size, count)


@pytest.mark.parametrize(("size", "count"), [(3, 1), (5, 2), (6, 3), (12, 5), (100, 1)])
def test_draws_are_uniform(size: int, count: int) -> None:
    hits = Counter(draw(seed, full_set(size), count) for seed in seeds(f"{size} {count}", DRAWS))
    observed = list(hits.values()) + [0] * (comb(size, count) - len(hits))
    assert chisquare(observed).pvalue > REJECTED_BELOW


def test_the_measure_catches_a_lottery_that_reads_eight_bits_without_rejection() -> None:
    hits = Counter(keccak(seed)[0] % 100 for seed in seeds("biased", DRAWS))
    assert chisquare([hits[i] for i in range(100)]).pvalue < REJECTED_BELOW


# --- coverage ---


@pytest.mark.parametrize("subsets", range(1, 41))
def test_every_subset_is_drawn_within_its_epoch(subsets: int) -> None:
    for per_round in range(1, subsets + 1):
        over = 0
        for epoch in range(2):
            seen = 0
            for seed in seeds(f"{subsets} {per_round} {epoch}", ceil(subsets / per_round)):
                drawn, over = draw_round(seed, over, subsets, per_round)
                assert drawn & seen == 0, "without replacement"
                seen |= drawn
                assert over == seen
            assert seen == full_set(subsets)
