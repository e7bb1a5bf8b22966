"""Canonical bytes of residues: one spelling, of one scheme's parameters.

Rules: E22.
"""

from __future__ import annotations

import numpy as np
import pytest

from agents.core.errors import BadObject
from agents.learning.data.canonical import Array, pack
from agents.learning.he.ring import RlweSecretKey
from agents.learning.he.seal import Context
from agents.learning.he.tensors import pack_residues, unpack_residues
from agents.learning.he.zero import new_zero

KIND = "test"


def test_canonical_bytes_round_trip(ckks: Context, ckks_secret: RlweSecretKey) -> None:
    zero = new_zero(ckks, ckks_secret)
    data = pack_residues(ckks, KIND, {"zero": zero}, {"ntt": True})
    tensors, facts = unpack_residues(ckks, data, KIND, "the keys")
    assert np.array_equal(tensors["zero"], zero)
    assert facts == {"ntt": True}
    assert pack_residues(ckks, KIND, tensors, {"ntt": True}) == data


def test_bytes_of_other_parameters_or_kinds_are_refused(bfv: Context, ckks: Context) -> None:
    data = pack_residues(bfv, KIND, {"x": np.zeros((2, 3, 8192), dtype=np.uint64)}, {})
    for context, kind in [(bfv, "other"), (ckks, KIND)]:
        with pytest.raises(BadObject, match="of another kind, or of other encryption parameters"):
            unpack_residues(context, data, kind, "the result")


def test_residues_that_are_not_reduced_are_refused(bfv: Context) -> None:
    for row, prime in enumerate(bfv.primes):
        residues = np.zeros((2, 3, 8192), dtype=np.uint64)
        residues[1, row, 77] = prime - 1
        assert unpack_residues(bfv, pack_residues(bfv, KIND, {"x": residues}, {}), KIND, "the result")
        residues[1, row, 77] = prime
        with pytest.raises(BadObject, match="the result: 'x' has a residue that is not below its prime"):
            unpack_residues(bfv, pack_residues(bfv, KIND, {"x": residues}, {}), KIND, "the result")
    residues[1, row, 77] = 2**64 - 1
    with pytest.raises(BadObject, match="not below its prime"):
        unpack_residues(bfv, pack_residues(bfv, KIND, {"x": residues}, {}), KIND, "the result")


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.zeros((2, 3, 4096), np.int64), "not residues of degree 8192"),
        (np.zeros((3, 8192), np.int64), "not residues of degree 8192"),
        (np.zeros((2, 3, 8192), np.int32), "not residues of degree 8192"),
        (np.zeros((2, 5, 8192), np.int64), "has 5 primes"),
    ],
)
def test_other_arrays_are_refused(bfv: Context, array: Array, message: str) -> None:
    data = pack({"x": array}, {"kind": KIND, "parameters": bfv.fingerprint})
    with pytest.raises(BadObject, match=message):
        unpack_residues(bfv, data, KIND, "the result")


def test_bytes_that_are_not_canonical_are_refused(bfv: Context) -> None:
    data = pack_residues(bfv, KIND, {"x": np.zeros((2, 1, 8192), dtype=np.uint64)}, {})
    with pytest.raises(BadObject, match="the result: "):
        unpack_residues(bfv, data + b"\0", KIND, "the result")
