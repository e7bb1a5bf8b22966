"""A market for each module. Each test starts from what its fixtures made and accounts for every coin."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from testing.contracts.chain import chain
from testing.contracts.ledger_checks import assert_conserved
from testing.contracts.market import LiveDataset, LiveMarket


@pytest.fixture(scope="module")
def isolated_module(request: pytest.FixtureRequest) -> Iterator[None]:
    yield from chain().isolation(request, "module")


@pytest.fixture
def isolated(request: pytest.FixtureRequest, isolated_module: None) -> Iterator[None]:
    yield from chain().isolation(request, "function")


@pytest.fixture(scope="module")
def market(isolated_module: None) -> LiveMarket:
    return LiveMarket.open()


@pytest.fixture(scope="module")
def dataset(market: LiveMarket) -> LiveDataset:
    """One subset, three replicas, all in the pool."""
    return market.dataset_with(replicas=3)


@pytest.fixture(autouse=True)
def conserved(isolated: None, market: LiveMarket) -> Iterator[None]:
    yield
    assert_conserved(market)
