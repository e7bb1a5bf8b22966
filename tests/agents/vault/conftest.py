"""Members' keys for the vault's tests. Fixed seeds: the keys are the same in every run."""

from __future__ import annotations

import pytest

from agents.vault.keys import SecretKey


@pytest.fixture(scope="session")
def alice() -> SecretKey:
    return SecretKey.from_seed(b"a" * 32)


@pytest.fixture(scope="session")
def bob() -> SecretKey:
    return SecretKey.from_seed(b"b" * 32)


@pytest.fixture(scope="session")
def mallory() -> SecretKey:
    return SecretKey.from_seed(b"m" * 32)
