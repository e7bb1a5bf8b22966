# expireDraw
# ├── when the couple is not Withheld: refused (test_phase_gates.py)
# └── else the couple is Aborted for good: the DO's bond and the escrow are the MO's
#
# Rules: T20

from __future__ import annotations

import pytest

from agents.core.enums import CouplePhase
from agents.core.events import CoupleAborted
from testing.backend import TERMS
from testing.contracts import clock
from testing.contracts.couple import LiveCouple, couple_in
from testing.contracts.ledger_checks import moves_coins, pledge
from testing.contracts.logs import events
from testing.contracts.market import LiveDataset, LiveMarket
from testing.contracts.reverts import reverts_with


@pytest.fixture(scope="module")
def couple(dataset: LiveDataset) -> LiveCouple:
    return couple_in(CouplePhase.DRAWING, dataset)


def test_refuses_in_the_last_second(couple: LiveCouple) -> None:
    with reverts_with("Training_WrongPhase", couple.tc, CouplePhase.DRAWING, 1 << CouplePhase.WITHHELD):
        clock.at(couple.deadline, couple.expire_draw)


def test_expires_a_second_later(market: LiveMarket, couple: LiveCouple) -> None:
    escrow, bond = 2 * TERMS.escrow_per_round, TERMS.couple_bond
    with moves_coins(
        market, {couple.tc: -escrow, pledge(couple.tc): -bond, market.model_owner: escrow + bond}
    ):
        tx = clock.at(couple.deadline + 1, couple.expire_draw)
    assert events(tx) == [CoupleAborted(couple.tc, market.stranger)]
    assert couple.phase is CouplePhase.ABORTED
