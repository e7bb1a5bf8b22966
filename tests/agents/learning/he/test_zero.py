"""The published encryption of zero: it is one, and its second polynomial nobody's choice.

Rules: E21.
"""

from __future__ import annotations

import numpy as np

from agents.learning.he.ring import RlweSecretKey
from agents.learning.he.seal import Context
from agents.learning.he.zero import load_zero, new_zero, second_polynomial
from agents.learning.plans.encrypted import Encryption
from testing.ciphertexts import lift, phase


def test_a_zero_is_one_and_its_second_polynomial_nobodys_choice(
    bfv: Context, bfv_secret: RlweSecretKey, ckks: Context, ckks_secret: RlweSecretKey
) -> None:
    for context, secret in ((bfv, bfv_secret), (ckks, ckks_secret)):
        first, other = (context.content(load_zero(context, new_zero(context, secret))) for _ in range(2))
        assert np.array_equal(first.residues[1], second_polynomial(context))
        assert np.array_equal(other.residues[1], second_polynomial(context))
        assert (first.residues[0] != other.residues[0]).mean() > 0.999
        assert 0 < np.abs(lift(context, phase(context, secret, first))).max() < 2**5
    again = Context(
        "CKKS", Encryption(degree=ckks.degree, primes=tuple(p.bit_length() for p in ckks.all_primes))
    )
    assert np.array_equal(second_polynomial(again), second_polynomial(ckks))
