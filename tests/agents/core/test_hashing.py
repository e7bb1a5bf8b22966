"""Receipts, commitments and seeds, against the vectors.

Rules: R1, R2, R3, R4, R5, R6, R7, R10, R11.
"""

from __future__ import annotations

from typing import Any

import pytest
from eth_utils.address import to_checksum_address

from agents.core import hashing
from agents.core.ids import Address, CoupleId, DatasetId, InstanceId
from testing.vectors import number, vectors


def _address(raw: bytes) -> Address:
    return Address(to_checksum_address(raw))


@pytest.mark.parametrize("vector", vectors("domains"))
def test_domain_binds_chain_and_market(vector: dict[str, Any]) -> None:
    assert hashing.receipt_domain(vector["chain_id"], _address(vector["market"])) == vector["domain"]


@pytest.mark.parametrize("vector", vectors("data_receipts"))
def test_data_receipt(vector: dict[str, Any]) -> None:
    receipt = hashing.data_receipt(
        vector["domain"],
        DatasetId(number(vector["ds"])),
        vector["subset"],
        _address(vector["cloud_owner"]),
        vector["digest"],
        vector["nonce"],
    )
    assert receipt == vector["receipt"]


@pytest.mark.parametrize("vector", vectors("training_receipts"))
def test_training_receipt_and_its_commitment(vector: dict[str, Any]) -> None:
    receipt = hashing.training_receipt(
        vector["domain"],
        CoupleId(number(vector["tc"])),
        vector["round"],
        InstanceId(number(vector["ci"])),
        _address(vector["cloud_owner"]),
        vector["digest"],
        vector["nonce"],
    )
    assert receipt == vector["receipt"]
    assert hashing.commitment(receipt, vector["nonce"]) == vector["commitment"]


@pytest.mark.parametrize("vector", vectors("final_hashes"))
def test_final_hash(vector: dict[str, Any]) -> None:
    tc = CoupleId(number(vector["tc"]))
    assert hashing.final_hash(vector["domain"], tc, vector["salt"], vector["model"]) == vector["hash"]


@pytest.mark.parametrize(
    ("chapter", "result"),
    [
        ("domains", "domain"),
        ("data_receipts", "receipt"),
        ("training_receipts", "receipt"),
        ("round_seeds", "seed"),
    ],
)
def test_every_input_matters(chapter: str, result: str) -> None:
    results = [vector[result] for vector in vectors(chapter)]
    assert len(set(results)) == len(results) > 1


@pytest.mark.parametrize("vector", vectors("seed_chains"))
def test_a_seed_chain_opens_link_by_link(vector: dict[str, Any]) -> None:
    length = vector["length"]
    links = [hashing.chain_link(vector["secret"], length, round_) for round_ in range(length + 1)]
    assert links == vector["links"]
    assert links[-1] == vector["secret"]
    assert [hashing.next_tip(link) for link in links[1:]] == links[:-1]


@pytest.mark.parametrize("round_", [-1, 4])
def test_refuses_a_round_that_the_chain_does_not_serve(round_: int) -> None:
    with pytest.raises(ValueError, match=f"a chain of 3 links has none for round {round_}"):
        hashing.chain_link(bytes(32), 3, round_)


@pytest.mark.parametrize("vector", vectors("round_seeds"))
def test_round_seed(vector: dict[str, Any]) -> None:
    tc = CoupleId(number(vector["tc"]))
    assert hashing.round_seed(vector["mo_seed"], vector["do_seed"], tc, vector["round"]) == vector["seed"]
