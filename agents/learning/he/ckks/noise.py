"""How large CKKS noise is, as the root mean square of a slot before it is divided by the scale.

Noise is the sum of many independent small errors, so variances add up, and multiply where ciphertexts are
multiplied. The formulas are the usual heuristic ones (Cheon, Kim, Kim, Song 2017; Costache, Curtis, Hales,
Murphy, Ogilvie, Player 2022); tests hold them against measured noise.
"""

from __future__ import annotations

from math import sqrt

from agents.learning.he.seal import Context

_ERROR = 3.2
"""Deviation of each coefficient of a fresh error."""


def fresh(context: Context) -> float:
    """Of a fresh symmetric encryption: its error."""
    return _ERROR * sqrt(context.degree)


def rescaling(context: Context) -> float:
    """Of a division by a prime: a rounding of each polynomial, one of them times the ternary secret."""
    degree = context.degree
    return sqrt(degree / 12 * (1 + 2 * degree / 3))


def switching(context: Context, primes: int) -> float:
    """Of a rotation or a relinearisation with so many primes left: residues times the keys' errors.

    Residues are not centred, so their mean square is a third of the prime's, and the sum varies widely.
    """
    degree, own = context.degree, context.all_primes[-1]
    residues = sum((prime / own) ** 2 for prime in context.all_primes[:primes])
    return combined(degree * _ERROR * sqrt(residues / 3), rescaling(context))


def encoding(context: Context) -> float:
    """Of a plaintext: the rounding of its coefficients."""
    return sqrt(context.degree / 12)


def combined(*deviations: float) -> float:
    """The deviation of a sum of independent numbers of these deviations."""
    return sqrt(sum(deviation * deviation for deviation in deviations))
