# createCI
# ├── when there is no such dataset: refused
# ├── when the caller is not its DO: refused
# ├── when the offer has ended: refused
# ├── when the arrays differ in length: refused
# ├── for each replica
# │   ├── when the dataset has no such subset: refused
# │   ├── when who is named is no CO: refused
# │   ├── when all places of the subset are taken: refused
# │   ├── when the subset has had 255 instances: refused
# │   ├── when the CO holds a place in the subset, since before or by this call: refused
# │   └── else it is Free, under the subset's next replica number, in the subset's next place
# └── when one is refused: all are
#
# Rules: D7, D8, D9, D10, D11, D12

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from agents.core.enums import InstanceStatus, Role
from agents.core.events import InstanceCreated
from agents.core.ids import dataset_id, instance_id
from testing.contracts import clock
from testing.contracts.ledger_checks import moves_coins
from testing.contracts.logs import event, events
from testing.contracts.market import LiveDataset, LiveMarket
from testing.contracts.reverts import reverts_with


@pytest.fixture(scope="module")
def offer(market: LiveMarket) -> LiveDataset:
    """Four subsets of at most three replicas, nobody named; the first four COs are registered."""
    for cloud_owner in market.cloud_owners[:4]:
        market.register(cloud_owner, Role.CLOUD_OWNER)
    return market.dataset(subsets=4, max_replicas=3)


def create(offer: LiveDataset, subsets: Sequence[int], cloud_owners: Sequence[Any], by: Any = None) -> Any:
    locations = [b"location %d" % i for i in range(len(subsets))]
    sender = {"from": by or offer.market.data_owner}
    return offer.market.contract.createCI(offer.ds, subsets, cloud_owners, locations, sender)


def test_names_cloud_owners(market: LiveMarket, offer: LiveDataset) -> None:
    first, second, third, _ = market.cloud_owners[:4]
    with moves_coins(market, {}):
        tx = create(offer, [2, 0, 2, 2], [first, first, third, second])
    cis = [instance_id(offer.ds, *place) for place in ((2, 1), (0, 1), (2, 2), (2, 3))]
    named = zip(cis, (first, first, third, second), strict=True)
    assert events(tx) == [InstanceCreated(ci, co, b"location %d" % i) for i, (ci, co) in enumerate(named)]
    assert offer.instances(2) == [cis[0], cis[2], cis[3]]
    assert offer.instances(0) == [cis[1]]
    assert offer.instances(1) == offer.instances(3) == []
    assert offer.standing(cis[2]) == (third, InstanceStatus.FREE, 0, 0, 0, tx.timestamp)
    assert offer.pool == (0, 0)


def test_goes_on_counting(market: LiveMarket, offer: LiveDataset) -> None:
    first, second, third, _ = market.cloud_owners[:4]
    create(offer, [0, 0], [first, second])
    create(offer, [0, 1], [third, first])
    assert offer.instances(0) == [instance_id(offer.ds, 0, replica) for replica in (1, 2, 3)]
    assert offer.instances(1) == [instance_id(offer.ds, 1, 1)]


def test_names_nobody(market: LiveMarket, offer: LiveDataset) -> None:
    assert events(create(offer, [], [])) == []


def test_fills_the_last_subset_of_the_largest_dataset(market: LiveMarket) -> None:
    largest = market.dataset(subsets=256, max_replicas=16)
    cis = largest.name(*market.cloud_owners[:16], subsets=(255,))
    assert (
        cis == largest.instances(255) == [instance_id(largest.ds, 255, replica) for replica in range(1, 17)]
    )
    assert [largest.owner_of(ci) for ci in cis] == list(market.cloud_owners[:16])
    with reverts_with("Distribution_NoSubset", largest.ds, 256, 256):
        create(largest, [256], [market.cloud_owners[0]])


def test_refuses_a_dataset_that_is_none(market: LiveMarket, offer: LiveDataset) -> None:
    (ci,) = offer.name(market.cloud_owners[0], subsets=(0,))
    for ds in (0, dataset_id(market.data_owner.address, 9), ci):
        with reverts_with("Distribution_NoDataset", ds):
            market.contract.createCI(ds, [0], [market.cloud_owners[0]], [b""], {"from": market.data_owner})


def test_refuses_whoever_is_not_the_owner(market: LiveMarket, offer: LiveDataset) -> None:
    other = market.cloud_owners[15]
    market.register(other, Role.DATA_OWNER)
    for caller in (other, market.cloud_owners[0], market.stranger):
        with reverts_with("Distribution_NotOwner", offer.ds, caller, market.data_owner):
            create(offer, [0], [market.cloud_owners[0]], by=caller)


def test_names_in_the_offers_last_second(market: LiveMarket) -> None:
    ends_at = clock.now() + 1_000
    offer = market.dataset(ends_at=ends_at)
    market.register(market.cloud_owners[0], Role.CLOUD_OWNER)
    clock.at(ends_at, lambda: create(offer, [0], [market.cloud_owners[0]]))
    assert len(offer.instances(0)) == 1


def test_refuses_to_name_after_the_offer(market: LiveMarket) -> None:
    ends_at = clock.now() + 1_000
    offer = market.dataset(ends_at=ends_at)
    with reverts_with("Distribution_Ended", ends_at, ends_at + 1):
        clock.at(ends_at + 1, lambda: create(offer, [0], [market.cloud_owners[0]]))


@pytest.mark.parametrize(
    ("subsets", "cloud_owners", "locations"), [(2, 1, 1), (1, 2, 1), (1, 1, 2), (0, 1, 0)]
)
def test_refuses_arrays_of_different_lengths(
    market: LiveMarket, offer: LiveDataset, subsets: int, cloud_owners: int, locations: int
) -> None:
    arrays = range(subsets), market.cloud_owners[:cloud_owners], [b""] * locations
    with reverts_with("Distribution_LengthMismatch"):
        market.contract.createCI(offer.ds, *map(list, arrays), {"from": market.data_owner})


@pytest.mark.parametrize("subset", [4, 255, 65_535])
def test_refuses_a_subset_that_is_none(market: LiveMarket, offer: LiveDataset, subset: int) -> None:
    with reverts_with("Distribution_NoSubset", offer.ds, subset, 4):
        create(offer, [subset], [market.cloud_owners[0]])


def test_refuses_whoever_is_no_cloud_owner(market: LiveMarket, offer: LiveDataset) -> None:
    for named, role in (
        (market.stranger, Role.NONE),
        (market.data_owner, Role.DATA_OWNER),
        (market.model_owner, Role.MODEL_OWNER),
    ):
        with reverts_with("Members_WrongRole", named, role, Role.CLOUD_OWNER):
            create(offer, [0], [named])


def test_refuses_more_replicas_than_agreed(market: LiveMarket, offer: LiveDataset) -> None:
    offer.name(*market.cloud_owners[:3], subsets=(1,))
    with reverts_with("Distribution_SubsetFull", offer.ds, 1, 3):
        create(offer, [1], [market.cloud_owners[3]])


def test_a_place_that_fell_free_can_be_taken(market: LiveMarket, offer: LiveDataset) -> None:
    cis = offer.name(*market.cloud_owners[:3], subsets=(1,))
    offer.retire(cis[0])
    created = event(create(offer, [1], [market.cloud_owners[3]]))
    assert created.ci == instance_id(offer.ds, 1, 4)
    assert offer.instances(1) == [cis[2], cis[1], created.ci]


def test_refuses_a_cloud_owner_named_already(market: LiveMarket, offer: LiveDataset) -> None:
    free, joined, verified = offer.name(*market.cloud_owners[:3], subsets=(0,))
    offer.join(joined, verified)
    offer.verify(verified)
    full = offer.market.dataset(max_replicas=16)
    retiring, _ = full.join(*full.name(*market.cloud_owners[:2]))
    full.verify(retiring)
    full.retire(retiring)
    with reverts_with("Distribution_AlreadyNamed", retiring, market.cloud_owners[0]):
        create(full, [0], [market.cloud_owners[0]])
    offer.retire(free)  # makes room
    for ci, cloud_owner in ((joined, market.cloud_owners[1]), (verified, market.cloud_owners[2])):
        with reverts_with("Distribution_AlreadyNamed", ci, cloud_owner):
            create(offer, [0], [cloud_owner])


def test_refuses_to_name_a_cloud_owner_twice_in_one_call(market: LiveMarket, offer: LiveDataset) -> None:
    first = market.cloud_owners[0]
    with reverts_with("Distribution_AlreadyNamed", instance_id(offer.ds, 3, 1), first):
        create(offer, [3, 0, 3], [first, first, first])


def test_a_cloud_owner_that_left_can_be_named_again(market: LiveMarket, offer: LiveDataset) -> None:
    (ci,) = offer.name(market.cloud_owners[0], subsets=(0,))
    market.contract.refuseCI(ci, {"from": market.cloud_owners[0]})
    assert offer.name(market.cloud_owners[0], subsets=(0,)) == [instance_id(offer.ds, 0, 2)]


def test_refuses_a_256th_instance(market: LiveMarket) -> None:
    offer = market.dataset(subsets=2, max_replicas=1)
    first = market.cloud_owners[0]
    market.register(first, Role.CLOUD_OWNER)
    contract, calls = market.contract, []
    for replica in range(1, 256):
        calls.append(contract.createCI.encode_input(offer.ds, [1], [first], [b""]))
        calls.append(contract.retireCI.encode_input(instance_id(offer.ds, 1, replica)))
    *most, _ = calls  # the 255th stays
    for start in range(0, len(most), 128):
        contract.multicall(most[start : start + 128], {"from": market.data_owner})
    last = instance_id(offer.ds, 1, 255)
    assert offer.instances(1) == [last]
    with reverts_with("Distribution_SubsetFull", offer.ds, 1, 1):
        create(offer, [1], [first])
    contract.retireCI(last, {"from": market.data_owner})
    with reverts_with("Distribution_ReplicasExhausted", offer.ds, 1):
        create(offer, [1], [first])
    assert event(create(offer, [0], [first])).ci == instance_id(offer.ds, 0, 1)


def test_one_refusal_undoes_all(market: LiveMarket, offer: LiveDataset) -> None:
    with reverts_with("Distribution_NoSubset", offer.ds, 4, 4):
        create(offer, [0, 1, 4], market.cloud_owners[:3])
    assert offer.instances(0) == offer.instances(1) == []
