# expireRequest
# ├── when the couple is not Lapsed: refused (test_phase_gates.py)
# └── else anyone cancels it: the escrow is free
#
# Rules: T9

from __future__ import annotations

import pytest

from agents.core.enums import CouplePhase
from agents.core.events import CoupleCancelled
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


def test_refuses_in_the_last_second(couple: LiveCouple) -> None:
    allowed = 1 << CouplePhase.LAPSED
    with reverts_with("Training_WrongPhase", couple.tc, CouplePhase.REQUESTED, allowed):
        clock.at(couple.deadline, couple.expire_request)


def test_expires_a_second_later(market: LiveMarket, couple: LiveCouple) -> None:
    escrow = 2 * TERMS.escrow_per_round
    with moves_coins(market, {couple.tc: -escrow, market.model_owner: escrow}):
        tx = clock.at(couple.deadline + 1, couple.expire_request)
    assert events(tx) == [CoupleCancelled(couple.tc, market.stranger)]
    assert couple.phase is CouplePhase.CANCELLED
