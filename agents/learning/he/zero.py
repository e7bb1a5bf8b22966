"""The encryption of zero that a model owner publishes: results are re-randomised with it.

Only its first polynomial is published. The second one nobody chose: a model owner that did could choose one
that hides nothing.
"""

from __future__ import annotations

import os

import numpy as np

from agents.learning.he.plaintexts import residues
from agents.learning.he.randomness import Stream
from agents.learning.he.ring import Content, Residues, RlweSecretKey, column
from agents.learning.he.seal import Ciphertext, Context


def new_zero(context: Context, secret: RlweSecretKey) -> Residues:
    """(1, primes, degree) values of the first polynomial of a fresh encryption of zero, to be published."""
    second, primes = second_polynomial(context), len(context.primes)
    product = context.load(Content(np.stack([second, second]), ntt=True))
    context.evaluator.multiply_plain_inplace(product, context.values_plaintext(secret.values[:primes]))
    errors = residues(context, Stream(os.urandom(32), b"zero").small(context.degree), primes)
    values = context.transformed(Content(np.stack([errors, errors]), ntt=False), ntt=True).residues[0]
    moduli = column(context.primes)
    first: Residues = (values + moduli - context.content(product).residues[0]) % moduli
    return first[None]


def load_zero(context: Context, published: Residues) -> Ciphertext:
    """The encryption of zero, in NTT form and of scale 1.

    Args:
        context: of the parameters.
        published: (1, primes, degree) values of its first polynomial; the ciphertext has as many primes.
    """
    second = second_polynomial(context)[None, : published.shape[1]]
    return context.load(Content(np.concatenate([published, second]), ntt=True))


def second_polynomial(context: Context) -> Residues:
    """(primes, degree) values that come from the name of the parameters alone."""
    stream = Stream(b"holdfast", b"common", context.fingerprint.encode())
    return stream.residues(context.primes, context.degree)
