# Every transaction on a cloud instance opens with a check of its status. This table is the state machine: in
# each status the calls that it allows do what they say, and all others are refused and move nothing.
#
# Rules: D20, D21, D22

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from agents.core.enums import InstanceStatus as S
from agents.core.ids import InstanceId, instance_id
from testing.backend import TERMS
from testing.contracts import clock
from testing.contracts.ledger_checks import moves_coins
from testing.contracts.market import LiveDataset, LiveMarket
from testing.contracts.reverts import reverts_with

LEADS_TO = {
    "joinCI": {S.FREE: S.JOINED},
    "refuseCI": {S.FREE: S.REFUSED},
    "accept": {S.JOINED: S.VERIFIED},
    "reject": {S.JOINED: S.REJECTED},
    "retireCI": {S.FREE: S.RETIRED, S.JOINED: S.RETIRED, S.VERIFIED: S.RETIRING},
    "releaseCI": {S.FREE: S.RETIRED, S.JOINED: S.RETIRED, S.VERIFIED: S.RETIRED, S.RETIRING: S.RETIRED},
}
LONG_AFTER = 10**6
HASH, NONCE = bytes(range(32)), bytes(range(1, 33))

each_status = pytest.mark.parametrize("status", S, ids=lambda status: status.name)
each_call = pytest.mark.parametrize("call", LEADS_TO)


@pytest.fixture(scope="module")
def offer(market: LiveMarket) -> LiveDataset:
    return market.dataset(max_replicas=7, ends_at=clock.now() + LONG_AFTER - 1)


@pytest.fixture(scope="module")
def standing(market: LiveMarket, offer: LiveDataset) -> dict[S, InstanceId]:
    """An instance in each status."""
    free, joined, verified, retiring, retired, refused, rejected = offer.name(*market.cloud_owners[:7])
    offer.join(joined, verified, retiring, rejected)
    offer.verify(verified, retiring)
    offer.retire(retiring)
    offer.retire(retired)
    market.contract.refuseCI(refused, {"from": offer.owner_of(refused)})
    offer.verify(rejected, ok=False)
    return dict(
        zip(
            S,
            (instance_id(offer.ds, 0, 8), free, joined, verified, retiring, retired, refused, rejected),
            strict=True,
        )
    )


@pytest.fixture(scope="module")
def calls(market: LiveMarket, offer: LiveDataset) -> dict[str, Callable[[InstanceId], Any]]:
    """Each call, by whoever may make it."""
    contract, data_owner = market.contract, {"from": market.data_owner}

    def release(ci: InstanceId) -> Any:
        clock.travel_to(clock.now() + LONG_AFTER)
        return contract.releaseCI(ci, {"from": market.stranger})

    return {
        "joinCI": lambda ci: contract.joinCI(ci, HASH, NONCE, {"from": cloud_owner(offer, ci)}),
        "refuseCI": lambda ci: contract.refuseCI(ci, {"from": cloud_owner(offer, ci)}),
        "accept": lambda ci: contract.verifyCI([ci], [True], data_owner),
        "reject": lambda ci: contract.verifyCI([ci], [False], data_owner),
        "retireCI": lambda ci: contract.retireCI(ci, data_owner),
        "releaseCI": release,
    }


def cloud_owner(offer: LiveDataset, ci: InstanceId) -> Any:
    return offer.owner_of(ci) if offer.status(ci) else offer.market.cloud_owners[0]


@each_status
def test_the_fixture_stands_so(offer: LiveDataset, standing: dict[S, InstanceId], status: S) -> None:
    assert offer.status(standing[status]) is status


@each_call
@each_status
def test_gate(
    market: LiveMarket,
    offer: LiveDataset,
    standing: dict[S, InstanceId],
    calls: dict[str, Any],
    call: str,
    status: S,
) -> None:
    ci = standing[status]
    if status in LEADS_TO[call]:
        calls[call](ci)
        assert offer.status(ci) is LEADS_TO[call][status]
        return
    before, places = offer.standing(ci), offer.instances()
    with moves_coins(market, {}), reverts_with("Distribution_WrongStatus", ci, status):
        calls[call](ci)
    assert (offer.standing(ci), offer.instances()) == (before, places)


@pytest.mark.parametrize("status", [S.RETIRED, S.REFUSED, S.REJECTED], ids=lambda status: status.name)
def test_what_is_over_holds_neither_coins_nor_a_place(
    offer: LiveDataset, standing: dict[S, InstanceId], status: S
) -> None:
    assert offer.instance(standing[status])["bond"] == 0
    assert standing[status] not in offer.instances()


def test_what_is_not_over_holds_its_place_and_its_bond(
    offer: LiveDataset, standing: dict[S, InstanceId]
) -> None:
    held = dict.fromkeys((S.JOINED, S.VERIFIED, S.RETIRING), TERMS.instance_bond) | {S.FREE: 0}
    for status, bond in held.items():
        assert offer.instance(standing[status])["bond"] == bond
        assert standing[status] in offer.instances()
