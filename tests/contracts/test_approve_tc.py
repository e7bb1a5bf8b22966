# approveTC
# ├── when the couple is not Requested: refused (test_phase_gates.py)
# ├── when the caller is not the dataset's DO: refused
# ├── when a subset has no instance in the pool: refused
# ├── when the DO cannot cover its bond: refused
# └── else the couple is Approved and waits for nobody; the DO's bond is locked, its seeds are committed
#
# Rules: T6

from __future__ import annotations

import pytest

from agents.core.enums import CouplePhase
from agents.core.events import CoupleApproved
from testing.backend import TERMS
from testing.contracts import clock
from testing.contracts.couple import LiveCouple, do_link, request
from testing.contracts.ledger_checks import moves_coins, pledge
from testing.contracts.logs import events
from testing.contracts.market import LiveDataset, LiveMarket
from testing.contracts.reverts import reverts_with


@pytest.fixture(scope="module")
def couple(dataset: LiveDataset) -> LiveCouple:
    return request(dataset)


def test_refuses_who_is_not_the_data_owner(market: LiveMarket, couple: LiveCouple) -> None:
    for caller in (market.model_owner, market.stranger):
        with reverts_with("Training_NotParty", couple.tc, caller, market.data_owner):
            couple.approve(by=caller)


def test_refuses_while_a_subset_is_uncovered(market: LiveMarket) -> None:
    dataset = market.dataset(subsets=2)
    couple = request(dataset)
    first, second = dataset.name(market.cloud_owners[0])
    dataset.join(first, second)
    dataset.verify(first)
    with reverts_with("Training_SubsetsUncovered", dataset.ds, 1, 2):
        couple.approve()
    dataset.verify(second)
    couple.approve()
    assert couple.phase is CouplePhase.APPROVED


def test_refuses_once_an_only_replica_has_left(market: LiveMarket) -> None:
    dataset = market.dataset_with(replicas=1, subsets=2)
    couple = request(dataset)
    dataset.retire(dataset.instances(1)[0])
    with reverts_with("Training_SubsetsUncovered", dataset.ds, 1, 2):
        couple.approve()


def test_refuses_who_cannot_cover_its_bond(market: LiveMarket, couple: LiveCouple) -> None:
    owner, short = market.data_owner, TERMS.couple_bond - 1
    market.contract.withdraw(market.contract.balanceOf(owner) - short, {"from": owner})
    with reverts_with("Ledger_InsufficientBalance", owner, TERMS.couple_bond, short):
        couple.approve()


def test_approves(market: LiveMarket, couple: LiveCouple) -> None:
    with moves_coins(market, {market.data_owner: -TERMS.couple_bond, pledge(couple.tc): TERMS.couple_bond}):
        tx = couple.approve()
    assert events(tx) == [CoupleApproved(couple.tc, market.data_owner, do_link(2, 0))]
    assert couple.phase is CouplePhase.APPROVED
    assert couple.deadline == 0
    assert bytes(couple.facts["doTip"]) == do_link(2, 0)
    assert couple.facts["escrow"] == 2 * TERMS.escrow_per_round


def test_approves_in_the_last_second(couple: LiveCouple) -> None:
    clock.at(couple.deadline, couple.approve)
    assert couple.phase is CouplePhase.APPROVED


def test_refuses_a_second_late(couple: LiveCouple) -> None:
    allowed = 1 << CouplePhase.REQUESTED
    with reverts_with("Training_WrongPhase", couple.tc, CouplePhase.LAPSED, allowed):
        clock.at(couple.deadline + 1, couple.approve)
