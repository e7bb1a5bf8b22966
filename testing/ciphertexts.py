"""What whoever has the secret key, or nothing but two ciphertexts, can compute from them."""

from __future__ import annotations

import hashlib
from functools import cache
from math import prod

import numpy as np
import numpy.typing as npt
from scipy.stats import chisquare

from agents.learning.data.mask_keys import MaskKeys, keys_of
from agents.learning.he.ring import Content, Residues, RlweSecretKey
from agents.learning.he.seal import Context

Integers = npt.NDArray[np.object_]


def seed_of(name: str) -> bytes:
    """32 bytes that stand for a secret."""
    return hashlib.sha256(name.encode()).digest()


@cache
def _keys(subsets: int) -> tuple[MaskKeys, ...]:
    return keys_of([seed_of(f"mask key {index}") for index in range(subsets)])


def mask_keys(index: int, subsets: int) -> MaskKeys:
    """The mask keys of a subset of so many."""
    return _keys(subsets)[index]


def phase(context: Context, secret: RlweSecretKey, content: Content) -> Residues:
    """(primes, degree) coefficients of c0 + c1 s: the message and the noise, for whoever has s."""
    values = context.transformed(content, ntt=True).residues
    rows = []
    for row, prime in enumerate(context.all_primes[: values.shape[1]]):
        c0, c1, s = (part.astype(object) for part in (values[0, row], values[1, row], secret.values[row]))
        rows.append(((c0 + c1 * s) % prime).astype(np.uint64))
    return coefficients(context, np.stack(rows))


def quotient(context: Context, result: Content, encrypted: Content) -> Residues:
    """(primes, degree) coefficients of c1 of the result divided by c1 of the input: needs no key at all."""
    above = context.transformed(result, ntt=True).residues[1]
    below = context.transformed(encrypted, ntt=True).residues[1]
    rows = []
    for row, prime in enumerate(context.all_primes[: above.shape[0]]):
        inverses = np.array(
            [pow(int(value), -1, prime) if value else 0 for value in below[row]], dtype=object
        )
        rows.append((above[row].astype(object) * inverses % prime).astype(np.uint64))
    return coefficients(context, np.stack(rows))


def coefficients(context: Context, values: Residues) -> Residues:
    """(primes, degree) coefficients of one polynomial's values."""
    carrier = Content(np.stack([values, values]), ntt=True)
    first: Residues = context.transformed(carrier, ntt=False).residues[0]
    return first


def lift(context: Context, residues: Residues) -> Integers:
    """(degree,) whole numbers, up to half the primes' product, of their (primes, degree) residues."""
    primes = context.all_primes[: residues.shape[0]]
    modulus = prod(primes)
    total = sum(
        row.astype(object) * (modulus // prime * pow(modulus // prime, -1, prime))
        for row, prime in zip(residues, primes, strict=True)
    )
    found: Integers = (np.asarray(total) + modulus // 2) % modulus - modulus // 2
    return found


def uniformity(row: Residues, prime: int, bins: int = 64) -> float:
    """p-value of a chi-square test that these residues are uniform below their prime."""
    counts = np.bincount((row.astype(object) * bins // prime).astype(np.int64), minlength=bins)
    return float(chisquare(counts).pvalue)
