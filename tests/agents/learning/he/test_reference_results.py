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
    "linear": "b6cac53357b75fdb07f3e8e96672a3893473602cbbb326f911b7b85f17b82c80",
    "ridge": "ebf8894ef2fed76e24f682935ca15897964674d844147351cc45c8ed5dd92890",
    "logistic": "ae3c350fdffcd5055c902d0479ea71cab73c9ee80512f4e5b5f0752cd3ac2144",
    "features": "39a9251509f26b2037d3fdb1589efd8d5cacc16cbdac6cbd254a937b14c967d1",
    "cubic": "a5601e62516f4aa9e86951ceab3b0fb4ff685ece87e145b1f97e9a45ec3696b1",
    "network": "c824c973f50d253f716e092781198307e9bd94196f99f5c5cbeb54f3cee30a5d",
    "cubic, several diagonals": "516356317fe86cd0504d1cc3d24e62a30f38297be67b92382c6649a11dc766bc",
    "cubic, three classes": "5accf9b0eeeb5a12003cc27befeb043e8132b38cbced5bb051a79ed95781df93",
    "network, three classes": "a9187b349e296486c8ea6ac5d4357f4feb4a6056fa9424deaf050f4795a666bd",
    "network, a regression": "5780075016ebd807457a5cc1d74fed3de4ebb8209bc2417a0425d0d4310051b3",
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
