# The places of a subset: at most 16 instances hold one, in an order that settlements walk. Whoever leaves
# gives its place to the last. The agents' mirror keeps the same order from the events alone.
#
# Rules: D9, D25

from __future__ import annotations

from random import Random

import pytest

from agents.core.assets import ReplicaSet
from agents.core.enums import Role
from agents.core.ids import InstanceId
from testing.contracts.market import LiveDataset, LiveMarket

PLACES = 16


@pytest.fixture(scope="module")
def offer(market: LiveMarket) -> LiveDataset:
    for cloud_owner in market.cloud_owners:
        market.register(cloud_owner, Role.CLOUD_OWNER)
    return market.dataset(max_replicas=PLACES, subsets=2)


def retire(offer: LiveDataset, *cis: InstanceId) -> None:
    calls = [offer.market.contract.retireCI.encode_input(ci) for ci in cis]
    offer.market.contract.multicall(calls, {"from": offer.market.data_owner})


@pytest.mark.parametrize("place", range(PLACES))
def test_the_last_moves_into_the_place_that_falls_free(
    market: LiveMarket, offer: LiveDataset, place: int
) -> None:
    cis = offer.name(*market.cloud_owners, subsets=(1,))
    assert offer.instances(1) == cis
    retire(offer, cis[place])
    *kept, last = cis
    if place < len(kept):
        kept[place] = last
    assert offer.instances(1) == kept
    assert offer.instances(0) == []


def test_all_may_leave_and_come_back(market: LiveMarket, offer: LiveDataset) -> None:
    first = offer.name(*market.cloud_owners, subsets=(0,))
    retire(offer, *first)
    assert offer.instances(0) == []
    second = offer.name(*market.cloud_owners, subsets=(0,))
    assert offer.instances(0) == second
    assert not set(first) & set(second)


def test_the_mirror_keeps_the_order(market: LiveMarket, offer: LiveDataset) -> None:
    chance, mirror = Random(20), ReplicaSet()
    for _ in range(12):
        holders = {offer.owner_of(ci).address for ci in mirror.places}
        waiting = [co for co in market.cloud_owners if co.address not in holders]
        for created in offer.name(*chance.sample(waiting, chance.randint(0, len(waiting))), subsets=(0,)):
            mirror.name(created)
        leaving = chance.sample(mirror.places, chance.randint(0, len(mirror.places)))
        retire(offer, *leaving)
        for ci in leaving:
            mirror.free(ci)
        assert offer.instances(0) == mirror.places
    assert mirror.named > PLACES
