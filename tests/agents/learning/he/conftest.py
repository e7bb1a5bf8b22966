"""Contexts, keys and cohorts for the tests of encrypted training."""

from __future__ import annotations

from fractions import Fraction

import pytest

from agents.learning.families.encrypted_linear import (
    EncryptedLinearPlan,
    EncryptedLogisticPlan,
    EncryptedRidgePlan,
)
from agents.learning.families.registry import family_of
from agents.learning.family import KeyPair
from agents.learning.he.ring import RlweSecretKey
from agents.learning.he.seal import Context
from agents.learning.plans.base import Server, Stop
from agents.learning.plans.encrypted import EncryptedPlan, Encryption
from testing.approximate import FAMILIES as APPROXIMATE
from testing.approximate import approximate_plan

PLAIN_MODULUS = 2**59
PLANS = {
    "encrypted-linear": EncryptedLinearPlan,
    "encrypted-ridge": EncryptedRidgePlan,
    "encrypted-logistic": EncryptedLogisticPlan,
}


def make_plan(family: str = "encrypted-linear", **changes: object) -> EncryptedPlan:
    """A plan of two features and two classes, with any field changed."""
    classes = changes.get("classes", 2)
    fields: dict[str, object] = {
        "features": 2,
        "classes": classes,
        "local_steps": 5,
        "step": Fraction(1, 17),
        "clip": 4,
        "rounds": 6,
        "server": Server(),
        "stop": Stop(metric="accuracy" if classes else "r2"),
        "encryption": Encryption(degree=8192, primes=(60, 60, 58, 40), plain_bits=59),
    }
    plan: EncryptedPlan = PLANS[family](**(fields | changes))
    return plan


@pytest.fixture(scope="session")
def bfv() -> Context:
    """Of the exact linear families: three primes for ciphertexts, one for keys."""
    return Context("BFV", Encryption(degree=8192, primes=(60, 60, 58, 40), plain_bits=59), PLAIN_MODULUS)


@pytest.fixture(scope="session")
def ckks() -> Context:
    """A small one: two primes for ciphertexts, one for keys."""
    return Context("CKKS", Encryption(degree=4096, primes=(40, 30, 39), scale_bits=30))


@pytest.fixture(scope="session")
def bfv_secret(bfv: Context) -> RlweSecretKey:
    return bfv.new_secret_key()


@pytest.fixture(scope="session")
def ckks_secret(ckks: Context) -> RlweSecretKey:
    return ckks.new_secret_key()


@pytest.fixture(scope="session")
def approximate_keys() -> dict[str, KeyPair]:
    """Of the plans of approximate families: large, and the same for all plans of one form."""
    return {name: family_of(approximate_plan(name)).keys() for name in APPROXIMATE}
