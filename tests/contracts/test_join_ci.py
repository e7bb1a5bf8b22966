# joinCI
# ├── when the instance is not Free: refused (test_instance_gates.py)
# ├── when the caller is not the CO named: refused
# ├── when its answer window has passed: refused
# ├── when the CO cannot cover the bond: refused
# └── else it is Joined since now, its bond is locked; the pool has not changed
#
# Rules: D13

from __future__ import annotations

from typing import Any

import pytest

from agents.core.enums import InstanceStatus
from agents.core.events import InstanceJoined
from agents.core.ids import InstanceId
from testing.backend import TERMS
from testing.contracts import clock
from testing.contracts.ledger_checks import moves_coins
from testing.contracts.logs import events
from testing.contracts.market import OPENING_BALANCE, LiveDataset, LiveMarket
from testing.contracts.reverts import reverts_with


@pytest.fixture(scope="module")
def offer(market: LiveMarket) -> LiveDataset:
    return market.dataset()


@pytest.fixture(scope="module")
def ci(market: LiveMarket, offer: LiveDataset) -> InstanceId:
    """Free, at the first CO."""
    return offer.name(market.cloud_owners[0])[0]


@pytest.fixture(scope="module")
def deadline(offer: LiveDataset, ci: InstanceId) -> int:
    return int(offer.instance(ci)["since"]) + TERMS.answer_window_seconds


def join(offer: LiveDataset, ci: InstanceId, by: Any = None) -> Any:
    return offer.market.contract.joinCI(ci, *offer.receipt(ci), {"from": by or offer.owner_of(ci)})


def test_joins(market: LiveMarket, offer: LiveDataset, ci: InstanceId) -> None:
    cloud_owner = market.cloud_owners[0]
    with moves_coins(market, {cloud_owner: -TERMS.instance_bond, ci: TERMS.instance_bond}):
        tx = join(offer, ci)
    assert events(tx) == [InstanceJoined(ci, cloud_owner, *offer.receipt(ci))]
    joined = (cloud_owner, InstanceStatus.JOINED, 0, 0, TERMS.instance_bond, tx.timestamp)
    assert offer.standing(ci) == joined
    assert offer.pool == (0, 0)
    assert offer.instances() == [ci]


def test_joins_in_the_last_second(offer: LiveDataset, ci: InstanceId, deadline: int) -> None:
    clock.at(deadline, lambda: join(offer, ci))
    assert offer.status(ci) is InstanceStatus.JOINED


def test_refuses_a_second_later(offer: LiveDataset, ci: InstanceId, deadline: int) -> None:
    with reverts_with("Distribution_TooLate", ci, deadline, deadline + 1):
        clock.at(deadline + 1, lambda: join(offer, ci))


def test_refuses_whoever_was_not_named(market: LiveMarket, offer: LiveDataset, ci: InstanceId) -> None:
    offer.name(market.cloud_owners[1])
    for caller in (market.cloud_owners[1], market.data_owner, market.stranger):
        with reverts_with("Distribution_NotOwner", ci, caller, market.cloud_owners[0]):
            join(offer, ci, by=caller)


def test_refuses_whoever_cannot_cover_the_bond(
    market: LiveMarket, offer: LiveDataset, ci: InstanceId
) -> None:
    cloud_owner, bond = market.cloud_owners[0], TERMS.instance_bond
    market.contract.withdraw(OPENING_BALANCE - bond + 1, {"from": cloud_owner})
    with moves_coins(market, {}), reverts_with("Ledger_InsufficientBalance", cloud_owner, bond, bond - 1):
        join(offer, ci)
    assert offer.status(ci) is InstanceStatus.FREE


def test_the_bond_may_be_all_that_the_cloud_owner_has(
    market: LiveMarket, offer: LiveDataset, ci: InstanceId
) -> None:
    cloud_owner = market.cloud_owners[0]
    market.contract.withdraw(OPENING_BALANCE - TERMS.instance_bond, {"from": cloud_owner})
    join(offer, ci)
    assert market.contract.balanceOf(cloud_owner) == 0
