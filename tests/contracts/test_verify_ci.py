# verifyCI
# ├── when the arrays differ in length: refused
# ├── for each instance
# │   ├── when it is not Joined: refused (test_instance_gates.py)
# │   ├── when the caller is not the dataset's DO: refused
# │   ├── when the answer window since it joined has passed: refused
# │   ├── when it is accepted: Verified since now, in the pool; its subset is covered from the first on
# │   └── when it is rejected: Rejected since now, its place and bond are free; the pool has not changed
# └── when one is refused: all are
#
# Rules: D11, D15, D16, D17, D23, D24

from __future__ import annotations

import pytest

from agents.core.enums import InstanceStatus, Role
from agents.core.events import InstanceRejected, InstanceVerified
from agents.core.ids import InstanceId
from testing.backend import TERMS
from testing.contracts import clock
from testing.contracts.ledger_checks import moves_coins
from testing.contracts.logs import events
from testing.contracts.market import LiveDataset, LiveMarket
from testing.contracts.reverts import reverts_with


@pytest.fixture(scope="module")
def offer(market: LiveMarket) -> LiveDataset:
    return market.dataset(subsets=2)


@pytest.fixture(scope="module")
def cis(market: LiveMarket, offer: LiveDataset) -> list[InstanceId]:
    """Joined, at the first two COs: two replicas of subset 0, then two of subset 1."""
    return offer.join(*offer.name(*market.cloud_owners[:2]))


def deadline_of(offer: LiveDataset, ci: InstanceId) -> int:
    return int(offer.instance(ci)["since"]) + TERMS.answer_window_seconds


def test_accepts(market: LiveMarket, offer: LiveDataset, cis: list[InstanceId]) -> None:
    with moves_coins(market, {}):
        tx = offer.verify(cis[0])
    assert events(tx) == [InstanceVerified(cis[0], market.data_owner)]
    verified = (market.cloud_owners[0], InstanceStatus.VERIFIED, 1, 0, TERMS.instance_bond, tx.timestamp)
    assert offer.standing(cis[0]) == verified
    assert offer.pool == (1, 1)
    assert offer.instances(0) == cis[:2]


def test_each_acceptance_changes_the_pool(
    market: LiveMarket, offer: LiveDataset, cis: list[InstanceId]
) -> None:
    pools = []
    for ci in cis:
        offer.verify(ci)
        pools.append(offer.pool)
    assert pools == [(1, 1), (2, 1), (3, 2), (4, 2)]
    assert [offer.instance(ci)["verifiedAt"] for ci in cis] == [1, 2, 3, 4]


def test_rejects(market: LiveMarket, offer: LiveDataset, cis: list[InstanceId]) -> None:
    bond = TERMS.instance_bond
    with moves_coins(market, {market.cloud_owners[0]: bond, cis[0]: -bond}):
        tx = offer.verify(cis[0], ok=False)
    assert events(tx) == [InstanceRejected(cis[0], market.data_owner)]
    rejected = (market.cloud_owners[0], InstanceStatus.REJECTED, 0, 0, 0, tx.timestamp)
    assert offer.standing(cis[0]) == rejected
    assert offer.pool == (0, 0)
    assert offer.instances(0) == [cis[1]]


def test_judges_many(market: LiveMarket, offer: LiveDataset, cis: list[InstanceId]) -> None:
    bond = TERMS.instance_bond
    with moves_coins(market, {market.cloud_owners[1]: bond, cis[1]: -bond}):
        tx = market.contract.verifyCI(cis[:3], [True, False, True], {"from": market.data_owner})
    assert events(tx) == [
        InstanceVerified(cis[0], market.data_owner),
        InstanceRejected(cis[1], market.data_owner),
        InstanceVerified(cis[2], market.data_owner),
    ]
    assert offer.pool == (2, 2)
    assert offer.status(cis[3]) is InstanceStatus.JOINED


def test_judges_none(market: LiveMarket) -> None:
    assert events(market.contract.verifyCI([], [], {"from": market.stranger})) == []


@pytest.mark.parametrize("ok", [True, False], ids=["accepts", "rejects"])
def test_judges_in_the_last_second(offer: LiveDataset, cis: list[InstanceId], ok: bool) -> None:
    clock.at(deadline_of(offer, cis[0]), lambda: offer.verify(cis[0], ok=ok))
    assert offer.status(cis[0]) is (InstanceStatus.VERIFIED if ok else InstanceStatus.REJECTED)


@pytest.mark.parametrize("ok", [True, False], ids=["accepts", "rejects"])
def test_refuses_a_second_later(offer: LiveDataset, cis: list[InstanceId], ok: bool) -> None:
    deadline = deadline_of(offer, cis[0])
    with reverts_with("Distribution_TooLate", cis[0], deadline, deadline + 1):
        clock.at(deadline + 1, lambda: offer.verify(cis[0], ok=ok))


def test_the_window_runs_from_joining(market: LiveMarket, offer: LiveDataset) -> None:
    (ci,) = offer.name(market.cloud_owners[2], subsets=(0,))
    joined_at = offer.instance(ci)["since"] + TERMS.answer_window_seconds
    clock.at(joined_at, lambda: offer.join(ci))
    clock.at(joined_at + TERMS.answer_window_seconds, lambda: offer.verify(ci))
    assert offer.status(ci) is InstanceStatus.VERIFIED


def test_is_the_data_owners_alone(market: LiveMarket, cis: list[InstanceId]) -> None:
    other = market.cloud_owners[15]
    market.register(other, Role.DATA_OWNER)
    for caller in (other, market.cloud_owners[0], market.stranger):
        with reverts_with("Distribution_NotOwner", cis[0], caller, market.data_owner):
            market.contract.verifyCI([cis[0]], [True], {"from": caller})


@pytest.mark.parametrize(("instances", "words"), [(1, 2), (2, 1), (0, 1), (1, 0)])
def test_refuses_arrays_of_different_lengths(
    market: LiveMarket, cis: list[InstanceId], instances: int, words: int
) -> None:
    with reverts_with("Distribution_LengthMismatch"):
        market.contract.verifyCI(cis[:instances], [True] * words, {"from": market.data_owner})


def test_one_refusal_undoes_all(market: LiveMarket, offer: LiveDataset, cis: list[InstanceId]) -> None:
    with reverts_with("Distribution_WrongStatus", cis[0], InstanceStatus.VERIFIED):
        offer.verify(cis[0], cis[1], cis[0])
    assert offer.status(cis[0]) is offer.status(cis[1]) is InstanceStatus.JOINED
    assert offer.pool == (0, 0)
