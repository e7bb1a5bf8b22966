"""Results for fixed keys, weights and subsets: what replicas agree on stays the same from version to version.

Keys and encrypted weights are drawn from streams. They open nothing and have the form of true ones, which is
all that a cloud owner's arithmetic asks of them.

Rules: E20, E22.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from agents.learning.data.canonical import Array, pack, unpack
from agents.learning.families.encrypted_features import EncryptedFeaturesPlan
from agents.learning.family import EncryptedFamily, KeyPair
from agents.learning.he.randomness import Stream
from agents.learning.he.seal import Context
from agents.learning.plans.base import Stop
from agents.learning.plans.encrypted import Encryption
from testing.approximate import SMALL, approximate_plan, small_family
from testing.families import encrypted_family
from testing.market_of_ciphertexts import EncryptedCouple, couple_of, some_weights
from tests.agents.learning.conftest import random_samples
from tests.agents.learning.he.conftest import make_plan

Maker = Callable[..., EncryptedFamily]


def exact(name: str, **changes: object) -> tuple[Maker, Any]:
    return encrypted_family, make_plan(name, weight_bits=16, **changes)


def of_random_features() -> tuple[Maker, Any]:
    plan = EncryptedFeaturesPlan(
        features=8,
        classes=3,
        hidden=30,
        seed=1,
        weight_bits=16,
        fraction_bits=8,
        local_steps=50,
        step=Fraction(1, 50),
        clip=7,
        l2=Fraction(1, 100),
        rounds=4,
        stop=Stop(metric="accuracy"),
        encryption=Encryption(degree=16384, primes=(60, 60, 60, 60, 60), plain_bits=50),
    )
    return encrypted_family, plan


def approximate(name: str) -> tuple[Maker, Any]:
    return encrypted_family, approximate_plan(name)


def in_a_small_ring(name: str, **changes: Any) -> tuple[Maker, Any]:
    return SMALL[name], small_family(name, **changes).plan


CASES: dict[str, Callable[[], tuple[Maker, Any]]] = {
    "linear": lambda: exact("encrypted-linear", features=50, classes=10),
    "ridge": lambda: exact("encrypted-ridge", features=8, classes=0, l2=Fraction(1, 100)),
    "logistic": lambda: exact("encrypted-logistic", features=8, l2=Fraction(1, 1000)),
    "features": of_random_features,
    "cubic": lambda: approximate("encrypted-cubic"),
    "network": lambda: approximate("encrypted-network"),
    "cubic, several diagonals": lambda: in_a_small_ring("encrypted-cubic", features=9, rows=700),
    "cubic, three classes": lambda: in_a_small_ring("encrypted-cubic", classes=3, l2=Fraction(0)),
    "network, three classes": lambda: in_a_small_ring("encrypted-network", classes=3),
    "network, a regression": lambda: in_a_small_ring("encrypted-network", classes=0, features=9, rows=90),
}

DIGESTS = {
    "linear": "ed65fdd2376be712424290e245ec9134cd3d4d8db447c83cb748e24c66def9b1",
    "ridge": "03a806678ebbc8cec3cfb870981c752dec4dacd5e2e9754f7f40fd78ac30766e",
    "logistic": "481d13f135dd17694474d920e014cb0910307feb8eadd067bb53876d3d44404d",
    "features": "8d24afedf9bf7b27debd1a86d270966e72913b4c4557f5cc7233544e8d5cff5c",
    "cubic": "dae87b9d4b7ee680e9d193ea54a33232d742aed144a30d6725553f4ba4ada804",
    "network": "ba7a3be4d908c88be219900d34012981aebeac7f321f36a7f772deea4f32faa5",
    "cubic, several diagonals": "331f80fd5b1ff9d3ef77f38cc6545e61c71f61465b32c0b4024d2c214d94bf1e",
    "cubic, three classes": "31ea9cce09bc81197f414c80afbc15811eb37cffd19861662e2c8a5c97f6e31d",
    "network, three classes": "af8331c19dfec232337ce69616c185946d23d8cdb7e0533c7b71dd504f4b640e",
    "network, a regression": "1d324ef929f055e073412c06cfb11fefbc23517952c6d204fc383c188ec0f674",
}


def drawn(context: Context, like: bytes) -> bytes:
    """Uniform residues of the names and shapes of these."""
    tensors, facts = unpack(like, "the test's")
    found: dict[str, Array] = {}
    for name, array in tensors.items():
        *parts, primes, degree = array.shape
        stream = Stream(b"reference", f"{facts['kind']} {name} {array.shape}".encode())
        residues = stream.residues(context.all_primes[:primes], int(np.prod(parts)) * degree)
        ordered = np.moveaxis(residues.reshape(primes, *parts, degree), 0, -2)
        found[name] = np.ascontiguousarray(ordered).view(np.int64)
    return pack(found, facts)  # type: ignore[arg-type]


def couple_of_drawn_keys(maker: Maker, plan: Any) -> tuple[EncryptedCouple, bytes]:
    family, context = maker(plan), Context("CKKS", plan.encryption)
    keys = family.keys()
    encrypted = drawn(context, family.encrypt(keys, some_weights(plan, largest=0.1)))
    public = drawn(context, keys.public)
    samples = [
        random_samples(rows, features=plan.features, classes=plan.classes, seed=rows) for rows in (50, 41)
    ]
    return couple_of(plan, samples, KeyPair(b"", public), maker), encrypted


@pytest.mark.parametrize("case", CASES)
def test_results_have_not_changed(case: str) -> None:
    couple, encrypted = couple_of_drawn_keys(*CASES[case]())
    assert hashlib.sha256(b"".join(couple.results(encrypted))).hexdigest() == DIGESTS[case]
