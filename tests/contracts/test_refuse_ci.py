# refuseCI
# ├── when the instance is not Free: refused (test_instance_gates.py)
# ├── when the caller is not the CO named: refused
# └── else, in the answer window or after it, the instance is Refused since now and its place is free
#
# Rules: D14

from __future__ import annotations

import pytest

from agents.core.enums import InstanceStatus
from agents.core.events import InstanceRefused
from agents.core.ids import InstanceId
from testing.backend import TERMS
from testing.contracts import clock
from testing.contracts.ledger_checks import moves_coins
from testing.contracts.logs import events
from testing.contracts.market import LiveDataset, LiveMarket
from testing.contracts.reverts import reverts_with


@pytest.fixture(scope="module")
def offer(market: LiveMarket) -> LiveDataset:
    return market.dataset()


@pytest.fixture(scope="module")
def cis(market: LiveMarket, offer: LiveDataset) -> list[InstanceId]:
    """Free, at the first two COs."""
    return offer.name(*market.cloud_owners[:2])


def test_refuses_the_data(market: LiveMarket, offer: LiveDataset, cis: list[InstanceId]) -> None:
    first, second = cis
    with moves_coins(market, {}):
        tx = market.contract.refuseCI(first, {"from": market.cloud_owners[0]})
    assert events(tx) == [InstanceRefused(first, market.cloud_owners[0])]
    refused = (market.cloud_owners[0], InstanceStatus.REFUSED, 0, 0, 0, tx.timestamp)
    assert offer.standing(first) == refused
    assert offer.instances() == [second]
    assert offer.pool == (0, 0)


def test_may_come_late(market: LiveMarket, offer: LiveDataset, cis: list[InstanceId]) -> None:
    clock.travel_to(offer.instance(cis[0])["since"] + TERMS.answer_window_seconds + 1)
    market.contract.refuseCI(cis[0], {"from": market.cloud_owners[0]})
    assert offer.status(cis[0]) is InstanceStatus.REFUSED


def test_is_the_named_cloud_owners_alone(market: LiveMarket, cis: list[InstanceId]) -> None:
    for caller in (market.cloud_owners[1], market.data_owner, market.stranger):
        with reverts_with("Distribution_NotOwner", cis[0], caller, market.cloud_owners[0]):
            market.contract.refuseCI(cis[0], {"from": caller})
