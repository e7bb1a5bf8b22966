# cancelTC
# ├── when the couple is neither Requested nor Lapsed: refused (test_phase_gates.py)
# ├── when the caller is not the couple's MO: refused
# └── else the couple is Cancelled and the escrow free, before and after the DO's deadline
#
# Rules: T8

from __future__ import annotations

import pytest

from agents.core.enums import CouplePhase
from agents.core.events import CoupleCancelled
from testing.backend import TERMS
from testing.contracts.couple import couple_in
from testing.contracts.ledger_checks import moves_coins
from testing.contracts.logs import events
from testing.contracts.market import LiveDataset, LiveMarket
from testing.contracts.reverts import reverts_with


def test_refuses_who_is_not_the_model_owner(market: LiveMarket, dataset: LiveDataset) -> None:
    couple = couple_in(CouplePhase.REQUESTED, dataset)
    for caller in (market.data_owner, market.stranger):
        with reverts_with("Training_NotParty", couple.tc, caller, market.model_owner):
            couple.cancel(by=caller)


@pytest.mark.parametrize("phase", [CouplePhase.REQUESTED, CouplePhase.LAPSED])
def test_cancels(market: LiveMarket, dataset: LiveDataset, phase: CouplePhase) -> None:
    couple, escrow = couple_in(phase, dataset), 2 * TERMS.escrow_per_round
    with moves_coins(market, {couple.tc: -escrow, market.model_owner: escrow}):
        tx = couple.cancel()
    assert events(tx) == [CoupleCancelled(couple.tc, market.model_owner)]
    assert couple.phase is CouplePhase.CANCELLED
    assert couple.deadline == 0


def test_a_cancelled_serial_is_not_used_again(dataset: LiveDataset) -> None:
    first = couple_in(CouplePhase.CANCELLED, dataset)
    second = couple_in(CouplePhase.REQUESTED, dataset)
    assert second.tc != first.tc
    assert first.phase is CouplePhase.CANCELLED
