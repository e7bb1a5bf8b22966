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
    "linear": "31efcbc2f9d56e21eeaead4484e52bc334c1f3f31ada93e831c7852169b4d425",
    "ridge": "35fae6b9a281521bf991ca4eaba533cdebe3ba79d39c521a782100a9f62b46ab",
    "logistic": "ade96709c45a6a33b35adbf962717cf45f1349887ff2cc9a6c810045b30456d4",
    "features": "fa3bc917b0ef3459ebbae808cc628be10ef19739b17cf5717d02a64d9c12abca",
    "cubic": "f04fa3bc009aceb42827f67cbdb10e405629337d235021f4ec7b3c522134aa28",
    "network": "9684277cd66288320cf69c4f0957f61ed96308db17420d71e1182ec3d2360c53",
    "cubic, several diagonals": "22bf751cbd60ea6a239564653e9988608c19468b88040808fad3972ff2c68a22",
    "cubic, three classes": "a68593d30eca380b5b917732a9fff567d1d829af0f696e51854155a2711c6244",
    "network, three classes": "8b08003d3d0e6ccb85b0ec63d7ac0bd45595770370e32fec86809b89da7ff4b0",
    "network, a regression": "2984ccfbc5605166d1aa4a879a3953b76c80c30e9e9c4af6a9c0100361700057",
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
