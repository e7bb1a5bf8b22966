"""What an exact family is made of: numbers in plaintexts, their layout, and a product with the weights."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from agents.learning.data.samples import Int64Array
from agents.learning.he.bfv.budget import Budget
from agents.learning.he.keys import PublicKeys
from agents.learning.he.ring import Content
from agents.learning.he.seal import Ciphertext, Context, Plaintext

Factors: TypeAlias = "Sequence[Plaintext | None]"
"""Plaintexts in NTT form; None for one of zeros, which SEAL refuses to multiply by."""


@dataclass(frozen=True)
class Encoding:
    """How (degree,) whole numbers are put into a plaintext, and read from one.

    Attributes:
        encode: (degree,) int64 to a plaintext.
        decode: a plaintext to (degree,) int64, between minus and plus half the plaintext modulus.
    """

    encode: Callable[[Int64Array], Plaintext]
    decode: Callable[[Plaintext], Int64Array]

    @classmethod
    def of_coefficients(cls, context: Context) -> Encoding:
        """The numbers are the coefficients."""
        return cls(context.plaintext, context.coefficients)

    @classmethod
    def of_slots(cls, context: Context) -> Encoding:
        """The numbers are the slots, which the plaintext modulus must allow (`batching_modulus`)."""
        return cls(context.batched, context.slots)


class MatrixLayout(Protocol):
    """Where the numbers of a product lie among the (degree,) ones of a plaintext."""

    @property
    def blocks(self) -> int:
        """Ciphertexts of a result."""

    def weights(self, matrix: Int64Array) -> Int64Array:
        """(degree,) numbers that hold a (p, outputs) matrix of weights."""

    def offsets(self, matrix: Int64Array, rows: int) -> Iterable[Int64Array]:
        """(degree,) numbers to be added to each ciphertext of a result.

        Args:
            matrix: (p, outputs) int64, to be added to the product.
            rows: of the samples.
        """

    def unused(self, block: int) -> npt.NDArray[np.bool_]:
        """(degree,) whether a number of a result's ciphertext carries nothing."""

    def results(self, blocks: Sequence[Int64Array]) -> tuple[Int64Array, int]:
        """The (p, outputs) change and the number of rows that (degree,) numbers of each block hold."""


class MatrixProduct(Protocol):
    """How (p, p) factors are multiplied with encrypted (p, outputs) weights."""

    @property
    def elements(self) -> tuple[int, ...]:
        """Galois elements of the rotations that it needs."""

    def noise_bits(self, factors: Int64Array) -> float:
        """Logarithm of a bound of the noise of the product."""

    def encode(self, factors: Int64Array) -> Factors:
        """(p, p) int64 factors as plaintexts, in an order of its own."""

    def multiply(self, keys: PublicKeys, weights: Ciphertext, factors: Factors) -> Iterator[Ciphertext]:
        """The product in the result's ciphertexts, of weights in NTT form, not yet protected."""


@dataclass(frozen=True)
class BfvCircuit:
    """How one exact family computes on ciphertexts.

    Attributes:
        budget: of numbers and noise, with the context.
        encoding: of numbers in plaintexts.
        layout: of weights and results.
        product: of factors and weights.
    """

    budget: Budget
    encoding: Encoding
    layout: MatrixLayout
    product: MatrixProduct

    @property
    def context(self) -> Context:
        """Of the budget."""
        return self.budget.context


def zeros(context: Context) -> Ciphertext:
    """Not an encryption, but something to add to, where all factors are zero."""
    return context.load(
        Content(np.zeros((2, len(context.primes), context.degree), dtype=np.uint64), ntt=False)
    )
