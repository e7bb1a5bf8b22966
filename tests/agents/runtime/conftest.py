"""The runtime's tests write many small files: none has to outlive a power cut. And a family that is quick."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from agents.learning.families import registry
from agents.learning.family import EncryptedFamily
from agents.learning.plans.encrypted import EncryptedLogisticPlan, EncryptedPlan
from testing.fake_family import FakeFamily


@pytest.fixture(autouse=True)
def _no_forced_writes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "fsync", lambda _: None)


@pytest.fixture
def fake_family(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Encrypted plans are trained by `FakeFamily`, which is quick."""
    families: dict[type[EncryptedPlan], type[EncryptedFamily]] = {EncryptedLogisticPlan: FakeFamily}
    monkeypatch.setattr(registry, "FAMILIES", families)
    registry.family_of.cache_clear()
    yield
    registry.family_of.cache_clear()
