# retireCI
# ├── when the caller is neither the dataset's DO nor the instance's CO: refused
# ├── when the instance is neither Free, Joined nor Verified: refused (test_instance_gates.py)
# └── else
#     ├── Free: Retired since now, its place is free
#     ├── Joined: likewise, and its bond is free
#     └── Verified: Retiring since now and out of the pool; place and bond are held
#         └── when it was its subset's last: the subset is uncovered
#
# Rules: D18, D19, D24

from __future__ import annotations

from typing import Any

import pytest

from agents.core.enums import InstanceStatus, Role
from agents.core.events import InstanceRetired, InstanceRetiring
from agents.core.ids import InstanceId
from testing.backend import TERMS
from testing.contracts.ledger_checks import moves_coins
from testing.contracts.logs import events
from testing.contracts.market import LiveDataset, LiveMarket
from testing.contracts.reverts import reverts_with

BOND = TERMS.instance_bond


@pytest.fixture(scope="module")
def offer(market: LiveMarket) -> LiveDataset:
    return market.dataset(subsets=2)


@pytest.fixture(scope="module")
def free(market: LiveMarket, offer: LiveDataset) -> InstanceId:
    return offer.name(market.cloud_owners[0], subsets=(0,))[0]


@pytest.fixture(scope="module")
def joined(market: LiveMarket, offer: LiveDataset, free: InstanceId) -> InstanceId:
    return offer.join(*offer.name(market.cloud_owners[1], subsets=(0,)))[0]


@pytest.fixture(scope="module")
def verified(market: LiveMarket, offer: LiveDataset, joined: InstanceId) -> InstanceId:
    (ci,) = offer.join(*offer.name(market.cloud_owners[2], subsets=(0,)))
    offer.verify(ci)
    return ci


@pytest.fixture(params=["data_owner", "cloud_owner"])
def leaver(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def retire(offer: LiveDataset, ci: InstanceId, leaver: str) -> tuple[Any, Any]:
    """Who made it leave, and the transaction."""
    by = offer.market.data_owner if leaver == "data_owner" else offer.owner_of(ci)
    return by, offer.market.contract.retireCI(ci, {"from": by})


def test_takes_a_free_one_back(market: LiveMarket, offer: LiveDataset, free: InstanceId, leaver: str) -> None:
    with moves_coins(market, {}):
        by, tx = retire(offer, free, leaver)
    assert events(tx) == [InstanceRetired(free, by, 0)]
    retired = (market.cloud_owners[0], InstanceStatus.RETIRED, 0, 0, 0, tx.timestamp)
    assert offer.standing(free) == retired
    assert offer.instances() == []


def test_frees_a_joined_one(
    market: LiveMarket, offer: LiveDataset, free: InstanceId, joined: InstanceId, leaver: str
) -> None:
    with moves_coins(market, {market.cloud_owners[1]: BOND, joined: -BOND}):
        by, tx = retire(offer, joined, leaver)
    assert events(tx) == [InstanceRetired(joined, by, BOND)]
    retired = (market.cloud_owners[1], InstanceStatus.RETIRED, 0, 0, 0, tx.timestamp)
    assert offer.standing(joined) == retired
    assert offer.instances() == [free]
    assert offer.pool == (0, 0)


def test_holds_a_verified_one(
    market: LiveMarket, offer: LiveDataset, verified: InstanceId, leaver: str
) -> None:
    with moves_coins(market, {}):
        by, tx = retire(offer, verified, leaver)
    assert events(tx) == [InstanceRetiring(verified, by)]
    retiring = (market.cloud_owners[2], InstanceStatus.RETIRING, 1, 2, BOND, tx.timestamp)
    assert offer.standing(verified) == retiring
    assert offer.instances()[-1] == verified
    assert offer.pool == (2, 0)


def test_a_subset_is_covered_until_its_last_one_leaves(
    market: LiveMarket, offer: LiveDataset, joined: InstanceId, verified: InstanceId
) -> None:
    offer.verify(joined)
    (elsewhere,) = offer.join(*offer.name(market.cloud_owners[0], subsets=(1,)))
    offer.verify(elsewhere)
    pools = [offer.pool]
    for ci in (verified, joined, elsewhere):
        offer.retire(ci)
        pools.append(offer.pool)
    assert pools == [(3, 2), (4, 2), (5, 1), (6, 0)]
    assert [offer.instance(ci)["leftAt"] for ci in (verified, joined, elsewhere)] == [4, 5, 6]


def test_is_the_data_owners_and_the_cloud_owners(
    market: LiveMarket, free: InstanceId, verified: InstanceId
) -> None:
    other = market.cloud_owners[15]
    market.register(other, Role.DATA_OWNER)
    for ci in (free, verified):
        for caller in (other, market.cloud_owners[1], market.stranger):
            with reverts_with("Distribution_NotOwner", ci, caller, market.data_owner):
                market.contract.retireCI(ci, {"from": caller})
