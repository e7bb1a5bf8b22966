"""Contexts, contents and canonical bytes of ciphertexts and keys.

Rules: E22.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from agents.core.errors import BadObject, BadPlan
from agents.learning.data.canonical import Array, pack
from agents.learning.he import seal
from agents.learning.he.seal import Ciphertext, Content, Context, Residues
from agents.learning.plans.encrypted import Encryption
from testing.ciphertexts import lift, phase

KIND = "test"


def encryption(context: Context, secret: Residues) -> Content:
    return context.encrypt(secret, context.plaintext(np.arange(-5, 20)))


def test_refuses_less_than_128_bit_security() -> None:
    weak = Encryption.model_construct(degree=4096, primes=(60, 60), plain_bits=20, scale_bits=0, keys="")
    with pytest.raises(BadPlan, match="plan: encryption: "):
        Context("BFV", weak, 2**20)


def test_refuses_a_prime_that_does_not_exist() -> None:
    impossible = Encryption(degree=32768, primes=(20, 20, 20, 20, 20, 20, 20, 20), plain_bits=10)
    with pytest.raises(BadPlan, match="plan: encryption: "):
        Context("BFV", impossible, 2**10)


def test_a_ciphertext_is_its_content(bfv: Context, bfv_secret: Residues) -> None:
    content = encryption(bfv, bfv_secret)
    assert content.residues.shape == (2, 3, 8192)
    assert not content.ntt
    again = bfv.content(bfv.load(content))
    assert np.array_equal(again.residues, content.residues)


def test_the_transform_and_back(bfv: Context, bfv_secret: Residues) -> None:
    content = encryption(bfv, bfv_secret)
    values = bfv.transformed(content, ntt=True)
    assert values.ntt
    assert not np.array_equal(values.residues, content.residues)
    assert bfv.transformed(values, ntt=True) is values
    assert np.array_equal(bfv.transformed(values, ntt=False).residues, content.residues)


def test_decrypts_negative_coefficients(bfv: Context, bfv_secret: Residues) -> None:
    found = bfv.coefficients(bfv.decrypt(bfv_secret, encryption(bfv, bfv_secret)))
    assert np.array_equal(found[:25], np.arange(-5, 20))
    assert not found[25:].any()


def test_multipliers_of_both_schemes(
    bfv: Context, bfv_secret: Residues, ckks: Context, ckks_secret: Residues
) -> None:
    rotation = np.zeros(bfv.degree, dtype=np.int64)
    rotation[1] = -1
    ciphertext = bfv.load(bfv.transformed(encryption(bfv, bfv_secret), ntt=True))
    bfv.evaluator.multiply_plain_inplace(ciphertext, bfv.multiplier(rotation, 3))
    moved = bfv.transformed(bfv.content(ciphertext), ntt=False)
    assert np.array_equal(bfv.coefficients(bfv.decrypt(bfv_secret, moved))[1:26], -np.arange(-5, 20))
    one = np.zeros(ckks.degree, dtype=np.int64)
    one[0] = 1
    zero = ckks.zero(ckks.new_zero(ckks_secret))
    same = Ciphertext()
    ckks.evaluator.multiply_plain(zero, ckks.multiplier(one, 2), same)
    assert np.array_equal(ckks.content(same).residues, ckks.content(zero).residues)


def test_a_zero_is_one_and_its_second_polynomial_nobodys_choice(
    bfv: Context, bfv_secret: Residues, ckks: Context, ckks_secret: Residues
) -> None:
    for context, secret in ((bfv, bfv_secret), (ckks, ckks_secret)):
        first, other = (context.content(context.zero(context.new_zero(secret))) for _ in range(2))
        assert np.array_equal(first.residues[1], context.common)
        assert np.array_equal(other.residues[1], context.common)
        assert (first.residues[0] != other.residues[0]).mean() > 0.999
        assert 0 < np.abs(lift(context, phase(context, secret, first))).max() < 2**5
    again = Context(
        "CKKS", Encryption(degree=ckks.degree, primes=tuple(p.bit_length() for p in ckks.all_primes))
    )
    assert np.array_equal(again.common, ckks.common)


def test_canonical_bytes_round_trip(ckks: Context, ckks_secret: Residues) -> None:
    zero = ckks.new_zero(ckks_secret)
    data = ckks.to_bytes(KIND, {"zero": zero}, {"ntt": True})
    tensors, facts = ckks.from_bytes(data, KIND, "the keys")
    assert np.array_equal(tensors["zero"], zero)
    assert facts == {"ntt": True}
    assert ckks.to_bytes(KIND, tensors, {"ntt": True}) == data


def test_bytes_of_other_parameters_or_kinds_are_refused(bfv: Context, ckks: Context) -> None:
    data = bfv.to_bytes(KIND, {"x": np.zeros((2, 3, 8192), dtype=np.uint64)}, {})
    for context, kind in [(bfv, "other"), (ckks, KIND)]:
        with pytest.raises(BadObject, match="of another kind, or of other encryption parameters"):
            context.from_bytes(data, kind, "the result")


def test_residues_that_are_not_reduced_are_refused(bfv: Context) -> None:
    for row, prime in enumerate(bfv.primes):
        residues = np.zeros((2, 3, 8192), dtype=np.uint64)
        residues[1, row, 77] = prime - 1
        assert bfv.from_bytes(bfv.to_bytes(KIND, {"x": residues}, {}), KIND, "the result")
        residues[1, row, 77] = prime
        with pytest.raises(BadObject, match="the result: 'x' has a residue that is not below its prime"):
            bfv.from_bytes(bfv.to_bytes(KIND, {"x": residues}, {}), KIND, "the result")
    residues[1, row, 77] = 2**64 - 1
    with pytest.raises(BadObject, match="not below its prime"):
        bfv.from_bytes(bfv.to_bytes(KIND, {"x": residues}, {}), KIND, "the result")


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
        bfv.from_bytes(data, KIND, "the result")


def test_bytes_that_are_not_canonical_are_refused(bfv: Context) -> None:
    data = bfv.to_bytes(KIND, {"x": np.zeros((2, 1, 8192), dtype=np.uint64)}, {})
    with pytest.raises(BadObject, match="the result: "):
        bfv.from_bytes(data + b"\0", KIND, "the result")


def test_switching_keys_survive_their_bytes(ckks: Context, ckks_secret: Residues) -> None:
    elements = (pow(3, 5, 2 * ckks.degree), pow(3, 1, 2 * ckks.degree))
    keys = ckks.new_switching_keys(ckks_secret, (*elements, 0))
    assert set(keys) == {*elements, 0}
    galois = ckks.galois_keys({element: keys[element] for element in elements})
    relin = ckks.relin_keys(keys[0])
    zero = ckks.zero(ckks.new_zero(ckks_secret))
    turned, squared = Ciphertext(), Ciphertext()
    ckks.evaluator.rotate_vector(zero, 5, galois, turned)
    ckks.evaluator.square(zero, squared)
    ckks.evaluator.relinearize_inplace(squared, relin)
    for result in (turned, squared):
        assert result.size() == 2
        assert np.abs(lift(ckks, phase(ckks, ckks_secret, ckks.content(result)))).max() < 2**20


def test_no_keys_for_nothing(ckks: Context, ckks_secret: Residues) -> None:
    assert ckks.new_switching_keys(ckks_secret, ()) == {}


def test_threads_do_not_mix_their_files(bfv: Context, bfv_secret: Residues) -> None:
    contents = [bfv.encrypt(bfv_secret, bfv.plaintext(np.full(9, number))) for number in range(8)]

    def round_trip(number: int) -> bool:
        return all(
            np.array_equal(bfv.content(bfv.load(contents[number])).residues, contents[number].residues)
            for _ in range(4)
        )

    with ThreadPoolExecutor(8) as threads:
        assert all(threads.map(round_trip, range(8)))


class Saved:
    """A stand-in for one of SEAL's objects, saved with a compression."""

    def __init__(self, compression: int) -> None:
        self.compression = compression

    def save(self, path: str) -> None:
        Path(path).write_bytes(seal._HEADER.pack(0xA15E, 16, 4, 3, self.compression, 0, 20) + b"rest")


def test_reads_what_seal_did_not_compress() -> None:
    assert seal._save(Saved(0)) == b"rest"


def test_refuses_a_compression_that_it_does_not_know() -> None:
    with pytest.raises(RuntimeError, match="compression 1"):
        seal._save(Saved(1))


@pytest.mark.parametrize(
    ("degree", "primes", "message"),
    [
        (2048, (20, 20), "degree 2048: choose one of 4096, 8192, 16384, 32768"),
        (8192, (60,), "primes are at least two, of 20 to 60 bits each"),
        (8192, (60, 61), "primes are at least two, of 20 to 60 bits each"),
        (8192, (19, 60), "primes are at least two, of 20 to 60 bits each"),
        (8192, (60, 60, 60, 39), "219 bits of primes at degree 8192: over 218, less than 128-bit security"),
    ],
)
def test_parameters_that_are_not_safe_are_no_plan(degree: int, primes: tuple[int, ...], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Encryption(degree=degree, primes=primes)
