"""Noise of whole numbers with the exact discrete Gaussian distribution, from a key: the same everywhere.

The chance of x is proportional to exp(-x^2 / (2 variance)). No float and no library function takes part: a
float's own rounding has given noise away (Mironov 2012), and replicas must draw the same. All randomness is
SHAKE-256 of a key and a label.

Source: Canonne, Kamath and Steinke, "The Discrete Gaussian for Differential Privacy", 2020, algorithms 1
to 3.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from hashlib import shake_256
from math import isqrt

import numpy as np

from agents.learning.data.samples import Int64Array

KEY_BYTES = 32

_BLOCK_BYTES = 8192
_WORD_BITS = 64


def discrete_gaussians(key: bytes, label: bytes, variances: Sequence[int]) -> Int64Array:
    """Independent draws, a different one for each key and each label.

    Args:
        key: 32 bytes that whoever sees noisy numbers must not have.
        label: what the draws are for.
        variances: of each draw; whole numbers from 1 up to 2^100.

    Returns:
        (len(variances),) int64.

    Raises:
        ValueError: a key of another length, or a variance that is not in this range.
    """
    if len(key) != KEY_BYTES:
        raise ValueError(f"a key has {KEY_BYTES} bytes, not {len(key)}")
    if any(not 1 <= variance <= 2**100 for variance in variances):
        raise ValueError("a variance is a whole number from 1 to 2^100")
    sampler = Sampler(key, label)
    return np.array([sampler.gaussian(variance) for variance in variances], dtype=np.int64)


class Sampler:
    """A stream of random words, and exact draws from it.

    Args:
        key, label: see `discrete_gaussians`.
    """

    def __init__(self, key: bytes, label: bytes) -> None:
        self._next = _words(key, label).__next__

    def gaussian(self, variance: int) -> int:
        """A discrete Gaussian of this variance, 1 or more (algorithm 3)."""
        scale = isqrt(variance) + 1
        below = 2 * variance * scale * scale
        while True:
            drawn = self.laplace(scale)
            if self.happens_exp((abs(drawn) * scale - variance) ** 2, below):
                return drawn

    def laplace(self, scale: int) -> int:
        """A discrete Laplace: the chance of x is proportional to exp(-|x| / scale) (algorithm 2)."""
        while True:
            rest = self.below(scale)
            if not self.happens_exp(rest, scale):
                continue
            size = rest
            while self.happens_exp(1, 1):
                size += scale
            negative = self._next() & 1
            if size or not negative:
                return -size if negative else size

    def below(self, limit: int) -> int:
        """A whole number below this limit, each as likely: what is not below it is drawn again."""
        bits = (limit - 1).bit_length()
        words = -(-bits // _WORD_BITS)
        while True:
            drawn = 0
            for _ in range(words):
                drawn = drawn << _WORD_BITS | self._next()
            drawn >>= words * _WORD_BITS - bits
            if drawn < limit:
                return drawn

    def happens(self, above: int, below: int) -> bool:
        """True with a chance of exactly above / below, a fraction from 0 to 1.

        Compares a uniform number with the fraction, 64 binary digits at a time; one comparison nearly always
        decides.
        """
        while True:
            digit, above = divmod(above << _WORD_BITS, below)
            drawn = self._next()
            if drawn != digit:
                return drawn < digit

    def happens_exp(self, above: int, below: int) -> bool:
        """True with a chance of exactly exp(-above / below), for any fraction from 0 up (algorithm 1)."""
        while above > below:
            if not self._happens_exp_of_part(1, 1):
                return False
            above -= below
        return self._happens_exp_of_part(above, below)

    def _happens_exp_of_part(self, above: int, below: int) -> bool:
        """The same for a fraction from 0 to 1: the series of the exponential, term by term."""
        terms = 1
        while self.happens(above, below * terms):
            terms += 1
        return terms % 2 == 1


def _words(key: bytes, label: bytes) -> Iterator[int]:
    """An endless stream of words of 64 bits."""
    start = b"holdfast discrete gaussian" + key + len(label).to_bytes(8, "little") + label
    block = 0
    while True:
        data = shake_256(start + block.to_bytes(8, "little")).digest(_BLOCK_BYTES)
        yield from np.frombuffer(data, dtype="<u8").tolist()
        block += 1
