"""A market for each module. Each test starts from what its fixtures made and accounts for every coin."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from testing.ledger_checks import assert_conserved
from testing.market import Dataset, Market


@pytest.fixture(scope="module")
def market(module_isolation: None) -> Market:
    return Market.open()


@pytest.fixture(scope="module")
def dataset(market: Market) -> Dataset:
    """One subset, three replicas, all in the pool."""
    return market.dataset_with(replicas=3)


@pytest.fixture(autouse=True)
def isolated_and_conserved(fn_isolation: None, market: Market) -> Iterator[None]:
    yield
    assert_conserved(market)
