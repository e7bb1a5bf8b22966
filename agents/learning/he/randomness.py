"""Randomness that the replicas of a subset share: streams from a secret, the same on every machine.

A stream is AES-256 in counter mode, keyed by SHAKE-256 of a secret and of all that tells the stream from
others. AES has hardware support nearly everywhere: it was measured twice as fast as SHAKE-256 itself.
"""

from __future__ import annotations

from functools import lru_cache
from hashlib import shake_256

import numpy as np
import numpy.typing as npt
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.ciphers.modes import CTR

from agents.learning.data.samples import Int64Array

Words = npt.NDArray[np.uint64]

_BINOMIAL_BITS = 21
"""Of each side of the centred binomial, whose deviation is the root of half of it: 3.24."""


class Stream:
    """An endless stream of bits.

    Args:
        secret: 32 bytes or more that the model owner must not have.
        path: what the stream is for; streams of different paths are independent.
    """

    def __init__(self, secret: bytes, *path: bytes) -> None:
        parts = (secret, *path)
        name = b"".join(len(part).to_bytes(8, "little") + part for part in parts)
        key = shake_256(b"holdfast stream" + name).digest(32)
        self._cipher = Cipher(AES256(key), CTR(bytes(16))).encryptor()

    def words(self, count: int) -> Words:
        """(count,) uint64, uniform."""
        return np.frombuffer(self._cipher.update(bytes(8 * count)), dtype="<u8").astype(np.uint64, copy=False)

    def below(self, modulus: int, count: int) -> Words:
        """(count,) uint64, exactly uniform below the modulus: what is not below it is drawn again."""
        bound = np.uint64(modulus)
        shift = np.uint64(64 - (modulus - 1).bit_length())
        values = self.words(count) >> shift
        missed = np.flatnonzero(values >= bound)
        while missed.size:
            values[missed] = self.words(missed.size) >> shift
            missed = missed[values[missed] >= bound]
        return values

    def residues(self, primes: tuple[int, ...], count: int) -> Words:
        """(primes, count) uint64, each exactly uniform modulo its prime."""
        return np.stack([self.below(prime, count) for prime in primes])

    def ternary(self, count: int) -> Int64Array:
        """(count,) int64 of -1, 0 and 1, uniform up to 2^-62."""
        thirds: Int64Array = (self.words(count) % np.uint64(3)).astype(np.int64) - 1
        return thirds

    def small(self, count: int) -> Int64Array:
        """(count,) int64 of a centred binomial distribution of deviation 3.24, as fresh errors have."""
        words = self.words(count)
        side = np.uint64(2**_BINOMIAL_BITS - 1)
        plus = np.bitwise_count(words & side).astype(np.int64)
        minus = np.bitwise_count(words >> np.uint64(_BINOMIAL_BITS) & side).astype(np.int64)
        difference: Int64Array = plus - minus
        return difference

    def flood(self, bits: int, primes: tuple[int, ...], count: int) -> Words:
        """(primes, count) residues of (count,) whole numbers, uniform below 2^bits.

        Args:
            bits: 1 to 160.
            primes: below 2^60.
            count: of the numbers.
        """
        low = self.words(count) >> np.uint64(max(0, 64 - bits))
        residues = np.stack([low % np.uint64(prime) for prime in primes])
        for shift in range(64, bits, 8):
            width = min(8, bits - shift)
            digits = np.frombuffer(self._cipher.update(bytes(count)), dtype=np.uint8) >> (8 - width)
            for row, prime in zip(residues, primes, strict=True):
                row += _multiples(shift, prime)[digits]
        return residues % np.array(primes, dtype=np.uint64)[:, None]

    def irwin_hall(self, bits: int, primes: tuple[int, ...], count: int) -> Words:
        """(primes, count) residues of whole numbers around zero, of deviation 2^(bits - 1).

        Each is the sum of three that are uniform below 2^bits, less 3 * 2^(bits - 1): a centred Irwin-Hall
        distribution. A shift by a vector of length d changes the distribution of all of them together by at
        most 1.07 d / 2^bits, where uniform numbers would change by the sum of the shifts: half the root of
        the Fisher information, 4.53 / 4^bits.
        """
        moduli = np.array(primes, dtype=np.uint64)[:, None]
        total = np.array([-3 * 2 ** (bits - 1) % prime for prime in primes], dtype=np.uint64)[:, None]
        for _ in range(3):
            total = (total + self.flood(bits, primes, count)) % moduli
        return total

    def irwin_hall_integers(self, bits: int, count: int) -> Int64Array:
        """(count,) int64 of the same distribution as `irwin_hall`, for up to 60 bits."""
        words = self.words(3 * count).reshape(3, count) >> np.uint64(64 - bits)
        total: Int64Array = words.astype(np.int64).sum(axis=0) - 3 * 2 ** (bits - 1)
        return total


@lru_cache(maxsize=256)
def _multiples(shift: int, prime: int) -> Words:
    """(256,) uint64: digit times 2^shift modulo the prime."""
    return np.array([(digit << shift) % prime for digit in range(256)], dtype=np.uint64)
