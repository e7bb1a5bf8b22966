"""What the tests of the runtime and of the workers share: an encrypted family that is quick."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from agents.learning.families import registry
from agents.learning.family import EncryptedFamily
from agents.learning.plans.encrypted import EncryptedLogisticPlan, EncryptedPlan
from testing.fake_family import FakeFamily


@pytest.fixture
def fake_family(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Encrypted plans are trained by `FakeFamily`, which is quick."""
    families: dict[type[EncryptedPlan], type[EncryptedFamily]] = {EncryptedLogisticPlan: FakeFamily}
    monkeypatch.setattr(registry, "FAMILIES", families)
    registry.family_of.cache_clear()
    yield
    registry.family_of.cache_clear()
