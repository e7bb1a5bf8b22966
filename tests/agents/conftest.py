"""What the tests of the runtime and of the workers share: an encrypted family that is quick."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from agents.learning.families import registry
from testing.fake_family import FakeFamily


@pytest.fixture
def fake_family(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Encrypted logistic plans are trained by `FakeFamily`, which is quick."""
    monkeypatch.setitem(registry.FAMILIES, FakeFamily.name(), FakeFamily)
    registry.family_of.cache_clear()
    yield
    registry.family_of.cache_clear()
