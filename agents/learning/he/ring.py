"""Polynomials modulo the primes of a ring, as numpy arrays: what keys, ciphertexts and masks are made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Residues: TypeAlias = npt.NDArray[np.uint64]


@dataclass(frozen=True, eq=False)
class Content:
    """All that a ciphertext is.

    Attributes:
        residues: (polynomials, primes, degree) uint64, each below its prime.
        ntt: whether they are values (number-theoretic transform) rather than coefficients.
        scale: of CKKS; 1 otherwise.
    """

    residues: Residues
    ntt: bool
    scale: float = 1.0


@dataclass(frozen=True, eq=False)
class RlweSecretKey:
    """A model owner's secret key.

    Attributes:
        values: (all primes, degree) uint64, the ternary polynomial in NTT form; not shown.
    """

    values: Residues = field(repr=False)


def column(primes: Sequence[int]) -> Residues:
    """(primes, 1) uint64: the moduli of the rows of residues."""
    return np.array(primes, dtype=np.uint64)[:, None]


def reduced(values: Residues, moduli: Residues) -> Residues:
    """Values modulo their moduli, of values below twice these.

    Args:
        values: (..., primes, n) uint64; below the modulus the difference wraps around to a huge number.
        moduli: (primes, 1) uint64.
    """
    found: Residues = np.minimum(values, values - moduli)
    return found


def total(contents: Sequence[Content], primes: Sequence[int]) -> Content:
    """The sum of one or more ciphertexts of one form.

    Args:
        contents: of the same shape, form and scale; not changed.
        primes: of the ring, at least as many as the contents have.
    """
    first = contents[0]
    moduli, residues = column(primes[: first.residues.shape[1]]), first.residues
    for content in contents[1:]:
        residues = reduced(residues + content.residues, moduli)
    return Content(residues, first.ntt, first.scale)
