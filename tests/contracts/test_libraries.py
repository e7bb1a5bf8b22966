"""The libraries in Solidity against tests/vectors.json, and against the agents' Python on many draws.

Rules: D6, R1, R2, R3, R4, R6, R7, R8, R9, R10.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from eth_utils.crypto import keccak

from agents.core.hashing import draw, full_set, receipt_domain
from agents.core.ids import Address
from testing.contracts.chain import chain
from testing.contracts.harness import deploy
from testing.contracts.reverts import panics
from testing.vectors import number, vectors

if TYPE_CHECKING:  # assurance.mutation calls these tests where no Brownie project is loaded
    from testing.contracts.market import LiveMarket

BATCH = 250  # as many draws as Ganache makes in a few seconds


@pytest.fixture(scope="module")
def libraries(isolated_module: None) -> Any:
    return deploy("Libraries")


def word(label: str) -> int:
    """256 bits that nobody chose."""
    return number(keccak(text=label))


SETS = [word(f"set {i}") for i in range(30)]
SETS += [word(f"sparse {i}") & word(f"mask {i}") & word(f"another mask {i}") for i in range(30)]
SETS += [1 << i for i in range(256)] + [full_set(size) for size in range(1, 257)] + [5 << 253, 2**255 + 1]


# --- Ids ---


def test_ids(libraries: Any) -> None:
    for vector in vectors("ids"):
        asset, serial = number(vector["id"]), vector["serial"]
        owner = "0x" + vector["owner"].hex()
        assert libraries.make(owner, vector["kind"], serial) == asset
        assert libraries.ownerOf(asset).lower() == owner
        assert libraries.serialOf(asset) == serial


def test_instances(libraries: Any) -> None:
    for vector in vectors("instances"):
        ds, ci = number(vector["ds"]), number(vector["ci"])
        assert libraries.instance(ds, vector["subset"], vector["replica"]) == ci
        assert libraries.datasetOf(ci) == ds
        assert (libraries.subsetOf(ci), libraries.replicaOf(ci)) == (vector["subset"], vector["replica"])
        assert libraries.ownerOf(ci) == libraries.ownerOf(ds)


# --- Receipt ---


def test_domain_is_of_this_chain_and_this_contract(libraries: Any, market: LiveMarket) -> None:
    for contract, domain in (
        (libraries, libraries.domain()),
        (market.contract, market.contract.receiptDomain()),
    ):
        assert bytes(domain) == receipt_domain(chain().id, Address(contract.address))


def test_data_receipts(libraries: Any) -> None:
    for vector in vectors("data_receipts"):
        *values, receipt = vector.values()
        assert bytes(libraries.data(*values)) == receipt


def test_training_receipts_and_commitments(libraries: Any) -> None:
    for vector in vectors("training_receipts"):
        *values, receipt, committed = vector.values()
        assert bytes(libraries.training(*values)) == receipt
        assert bytes(libraries.commitment(receipt, vector["nonce"])) == committed


# --- SeedChain ---


def test_each_link_opens_the_one_before_and_no_other(libraries: Any) -> None:
    for vector in vectors("seed_chains"):
        links = vector["links"]
        for tip_round, tip in enumerate(links):
            for link_round, link in enumerate(links):
                assert libraries.opens(tip, link) == (link_round == tip_round + 1)


def test_round_seeds(libraries: Any) -> None:
    for vector in vectors("round_seeds"):
        *values, seed = vector.values()
        assert bytes(libraries.roundSeed(*values)) == seed


# --- Lottery ---


def test_pop_count(libraries: Any) -> None:
    assert list(libraries.popCounts([0, *SETS])) == [0, *(single.bit_count() for single in SETS)]


def test_full(libraries: Any) -> None:
    assert list(libraries.fulls(list(range(1, 257)))) == [full_set(size) for size in range(1, 257)]


def test_lowest_index(libraries: Any) -> None:
    assert list(libraries.lowestIndices(SETS)) == [(single & -single).bit_length() - 1 for single in SETS]


def test_there_is_no_lowest_of_none(libraries: Any) -> None:
    with panics("Integer overflow"):
        libraries.lowestIndices([0])


@pytest.mark.parametrize("single", [SETS[0], SETS[30], full_set(256), 2**255 + 1], ids=hex)
def test_nth_set_bit(libraries: Any, single: int) -> None:
    bits = [1 << i for i in range(256) if single >> i & 1]
    assert list(libraries.nthSetBits([single] * len(bits), list(range(len(bits))))) == bits


def test_draws(libraries: Any) -> None:
    expected = vectors("draws")
    drawn = libraries.draws(
        [vector["seed"] for vector in expected],
        [number(vector["pool"]) for vector in expected],
        [vector["count"] for vector in expected],
    )
    assert list(drawn) == [number(vector["drawn"]) for vector in expected]


def test_the_last_ticket_counts_where_none_is_rejected(libraries: Any) -> None:
    seed = keccak(text="edge 64760")  # searched for: its first ticket is 65,535
    assert list(libraries.draws([seed], [0b1111], [1])) == [0b1000] == [draw(seed, 0b1111, 1)]


def test_the_last_ticket_is_rejected_where_it_would_favour_the_first(libraries: Any) -> None:
    seed = keccak(text="edge 64760")  # its first ticket is 65,535, one too many for five equal parts
    counted = 1 << 65_535 % 5
    assert list(libraries.draws([seed], [0b11111], [1])) == [draw(seed, 0b11111, 1)] != [counted]


def test_rounds_of_epochs(libraries: Any) -> None:
    for vector in vectors("epochs"):
        everything, over = full_set(vector["subsets"]), 0
        for expected in vector["rounds"]:
            pool = everything & ~over or everything
            count = min(vector["per_round"], pool.bit_count())
            (drawn,) = libraries.draws([expected["seed"]], [pool], [count])
            assert drawn == number(expected["drawn"])
            over = everything & ~pool | drawn
            assert over == number(expected["drawn_this_epoch"])


@pytest.mark.parametrize("batch", range(4))
def test_draws_as_the_agents_do(libraries: Any, batch: int) -> None:
    seeds = [keccak(text=f"draw {batch} {i}") for i in range(BATCH)]
    pools = [word(f"pool {batch} {i}") | 1 for i in range(BATCH)]
    counts = [word(f"count {batch} {i}") % 4 + 1 for i in range(BATCH)]
    drawn = libraries.draws(seeds, pools, counts)
    assert list(drawn) == [draw(*ticket) for ticket in zip(seeds, pools, counts, strict=True)]


def test_more_than_there_are_cannot_be_drawn(libraries: Any) -> None:
    with panics("Division or modulo by zero"):
        libraries.draws([bytes(32)], [0b101], [3])
