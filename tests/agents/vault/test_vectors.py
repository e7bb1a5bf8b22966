"""The vault against tests/vectors.json, which was written without it.

Rules: V1, V2, V3.
"""

from __future__ import annotations

from typing import Any

import pytest

from agents.vault.envelope import Envelope, open_envelope
from agents.vault.keys import SecretKey
from agents.vault.sealing import Sealed, open_sealed
from testing.vectors import vectors

Vector = dict[str, Any]


@pytest.mark.parametrize("vector", vectors("encryption_keys"))
def test_seeds_give_the_registered_keys(vector: Vector) -> None:
    assert SecretKey.from_seed(vector["seed"]).public_key.encoded == vector["public_key"]


@pytest.mark.parametrize("vector", vectors("seals"))
def test_sealed_objects_open(vector: Vector) -> None:
    key = SecretKey.from_seed(vector["seed"])
    assert open_sealed(key, Sealed(vector["sealed"]), vector["context"]) == vector["data"]


@pytest.mark.parametrize("vector", vectors("envelopes"))
def test_envelopes_open_for_each_reader(vector: Vector) -> None:
    for seed in vector["seeds"]:
        key = SecretKey.from_seed(seed)
        assert open_envelope(key, Envelope(vector["envelope"]), vector["context"]) == vector["data"]
