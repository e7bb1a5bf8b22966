"""Plaintexts in NTT form from whole coefficients, for both schemes: what ciphertexts are multiplied by."""

from __future__ import annotations

import numpy as np

from agents.learning.data.samples import Int64Array
from agents.learning.he.ring import Content, Residues
from agents.learning.he.seal import Context, Plaintext


def multiplier(context: Context, coefficients: Int64Array, primes: int, scale: float = 1.0) -> Plaintext:
    """A plaintext in NTT form of small whole coefficients, to multiply ciphertexts of so many primes by.

    Args:
        context: of either scheme.
        coefficients: (degree,) int64; for BFV below half its plaintext modulus in magnitude.
        primes: how many the ciphertext has left.
        scale: of CKKS.
    """
    if context.plain_modulus:
        return context.transform_plaintext(context.plaintext(coefficients), primes)
    one = np.zeros((primes, context.degree), dtype=np.uint64)
    one[:, 0] = 1  # SEAL transforms ciphertexts, and none without a second polynomial
    carrier = Content(np.stack([residues(context, coefficients, primes), one]), ntt=False)
    return context.values_plaintext(context.transformed(carrier, ntt=True).residues[0], scale)


def constant(context: Context, value: int, primes: int, scale: float) -> Plaintext:
    """CKKS: a plaintext that has a whole number in all slots, for ciphertexts of so many primes."""
    rows = [np.full(context.degree, value % prime, dtype=np.uint64) for prime in context.all_primes[:primes]]
    return context.values_plaintext(np.stack(rows), scale)


def residues(context: Context, coefficients: Int64Array, primes: int) -> Residues:
    """(primes, degree) residues of (degree,) whole coefficients."""
    return np.stack([np.mod(coefficients, prime) for prime in context.all_primes[:primes]]).astype(np.uint64)
