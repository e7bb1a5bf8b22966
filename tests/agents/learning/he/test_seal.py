"""Contexts, contents of ciphertexts, plaintexts and keys."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from pydantic import ValidationError

from agents.core.errors import BadPlan
from agents.learning.he import seal_format
from agents.learning.he.plaintexts import multiplier
from agents.learning.he.ring import Content, RlweSecretKey
from agents.learning.he.seal import Ciphertext, Context
from agents.learning.he.zero import load_zero, new_zero
from agents.learning.plans.encrypted import Encryption
from testing.ciphertexts import lift, phase


def encryption(context: Context, secret: RlweSecretKey) -> Content:
    return context.encrypt(secret, context.plaintext(np.arange(-5, 20)))


def test_refuses_less_than_128_bit_security() -> None:
    weak = Encryption.model_construct(degree=4096, primes=(60, 60), plain_bits=20, scale_bits=0, keys="")
    with pytest.raises(BadPlan, match="plan: encryption: "):
        Context("BFV", weak, 2**20)


def test_refuses_a_prime_that_does_not_exist() -> None:
    impossible = Encryption(degree=32768, primes=(20, 20, 20, 20, 20, 20, 20, 20), plain_bits=10)
    with pytest.raises(BadPlan, match="plan: encryption: "):
        Context("BFV", impossible, 2**10)


def test_a_ciphertext_is_its_content(bfv: Context, bfv_secret: RlweSecretKey) -> None:
    content = encryption(bfv, bfv_secret)
    assert content.residues.shape == (2, 3, 8192)
    assert not content.ntt
    again = bfv.content(bfv.load(content))
    assert np.array_equal(again.residues, content.residues)


def test_the_transform_and_back(bfv: Context, bfv_secret: RlweSecretKey) -> None:
    content = encryption(bfv, bfv_secret)
    values = bfv.transformed(content, ntt=True)
    assert values.ntt
    assert not np.array_equal(values.residues, content.residues)
    assert bfv.transformed(values, ntt=True) is values
    assert np.array_equal(bfv.transformed(values, ntt=False).residues, content.residues)


def test_decrypts_negative_coefficients(bfv: Context, bfv_secret: RlweSecretKey) -> None:
    found = bfv.coefficients(bfv.decrypt(bfv_secret, encryption(bfv, bfv_secret)))
    assert np.array_equal(found[:25], np.arange(-5, 20))
    assert not found[25:].any()


def test_multipliers_of_both_schemes(
    bfv: Context, bfv_secret: RlweSecretKey, ckks: Context, ckks_secret: RlweSecretKey
) -> None:
    rotation = np.zeros(bfv.degree, dtype=np.int64)
    rotation[1] = -1
    ciphertext = bfv.load(bfv.transformed(encryption(bfv, bfv_secret), ntt=True))
    bfv.evaluator.multiply_plain_inplace(ciphertext, multiplier(bfv, rotation, 3))
    moved = bfv.transformed(bfv.content(ciphertext), ntt=False)
    assert np.array_equal(bfv.coefficients(bfv.decrypt(bfv_secret, moved))[1:26], -np.arange(-5, 20))
    one = np.zeros(ckks.degree, dtype=np.int64)
    one[0] = 1
    zero = load_zero(ckks, new_zero(ckks, ckks_secret))
    same = Ciphertext()
    ckks.evaluator.multiply_plain(zero, multiplier(ckks, one, 2), same)
    assert np.array_equal(ckks.content(same).residues, ckks.content(zero).residues)


def test_switching_keys_survive_their_bytes(ckks: Context, ckks_secret: RlweSecretKey) -> None:
    elements = (pow(3, 5, 2 * ckks.degree), pow(3, 1, 2 * ckks.degree))
    keys = ckks.new_switching_keys(ckks_secret, (*elements, 0))
    assert set(keys) == {*elements, 0}
    galois = ckks.galois_keys({element: keys[element] for element in elements})
    relin = ckks.relin_keys(keys[0])
    zero = load_zero(ckks, new_zero(ckks, ckks_secret))
    rotated, squared = Ciphertext(), Ciphertext()
    ckks.evaluator.rotate_vector(zero, 5, galois, rotated)
    ckks.evaluator.square(zero, squared)
    ckks.evaluator.relinearize_inplace(squared, relin)
    for result in (rotated, squared):
        assert result.size() == 2
        assert np.abs(lift(ckks, phase(ckks, ckks_secret, ckks.content(result)))).max() < 2**20


def test_no_keys_for_nothing(ckks: Context, ckks_secret: RlweSecretKey) -> None:
    assert ckks.new_switching_keys(ckks_secret, ()) == {}


def test_threads_do_not_mix_their_files(bfv: Context, bfv_secret: RlweSecretKey) -> None:
    contents = [bfv.encrypt(bfv_secret, bfv.plaintext(np.full(9, number))) for number in range(8)]

    def round_trip(number: int) -> bool:
        return all(
            np.array_equal(bfv.content(bfv.load(contents[number])).residues, contents[number].residues)
            for _ in range(4)
        )

    with ThreadPoolExecutor(8) as threads:
        assert all(threads.map(round_trip, range(8)))


def saved(compression: int) -> bytes:
    """What SEAL would write with a compression."""
    return seal_format.HEADER.pack(0xA15E, 16, 4, 3, compression, 0, 20) + b"rest"


def test_reads_what_seal_did_not_compress() -> None:
    assert seal_format.unframed(saved(0)) == b"rest"


def test_refuses_a_compression_that_it_does_not_know() -> None:
    with pytest.raises(RuntimeError, match="compression 1"):
        seal_format.unframed(saved(1))


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
