# declineTC
# ├── when the couple is not Requested: refused (test_phase_gates.py)
# ├── when the caller is not the dataset's DO: refused
# └── else the couple is Declined and the escrow free
#
# Rules: T7

from __future__ import annotations

import pytest

from agents.core.enums import CouplePhase
from agents.core.events import CoupleDeclined
from testing.backend import TERMS
from testing.contracts import clock
from testing.contracts.couple import LiveCouple, request
from testing.contracts.ledger_checks import moves_coins
from testing.contracts.logs import events
from testing.contracts.market import LiveDataset, LiveMarket
from testing.contracts.reverts import reverts_with


@pytest.fixture(scope="module")
def couple(dataset: LiveDataset) -> LiveCouple:
    return request(dataset)


def test_refuses_who_is_not_the_data_owner(market: LiveMarket, couple: LiveCouple) -> None:
    for caller in (market.model_owner, market.stranger):
        with reverts_with("Training_NotParty", couple.tc, caller, market.data_owner):
            couple.decline(by=caller)


def test_declines(market: LiveMarket, couple: LiveCouple) -> None:
    escrow = 2 * TERMS.escrow_per_round
    with moves_coins(market, {couple.tc: -escrow, market.model_owner: escrow}):
        tx = couple.decline()
    assert events(tx) == [CoupleDeclined(couple.tc, market.data_owner)]
    assert couple.phase is CouplePhase.DECLINED
    assert couple.deadline == 0


def test_declines_in_the_last_second(couple: LiveCouple) -> None:
    clock.at(couple.deadline, couple.decline)
    assert couple.phase is CouplePhase.DECLINED


def test_refuses_a_second_late(couple: LiveCouple) -> None:
    allowed = 1 << CouplePhase.REQUESTED
    with reverts_with("Training_WrongPhase", couple.tc, CouplePhase.LAPSED, allowed):
        clock.at(couple.deadline + 1, couple.decline)
