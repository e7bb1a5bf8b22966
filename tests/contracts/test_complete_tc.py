# completeTC
# ├── when the couple is neither Approved nor Ended: refused (test_phase_gates.py)
# ├── when the caller is not the couple's MO: refused
# └── else the couple is Completed: what is left of the escrow is the MO's, the bond the DO's
#
# Rules: T21

from __future__ import annotations

import pytest

from agents.core.enums import CouplePhase
from agents.core.events import CoupleCompleted
from testing.backend import TERMS
from testing.contracts.couple import WEIGHTS, couple_in
from testing.contracts.ledger_checks import moves_coins, pledge
from testing.contracts.logs import events
from testing.contracts.market import LiveDataset, LiveMarket
from testing.contracts.reverts import reverts_with


def test_refuses_who_is_not_the_model_owner(market: LiveMarket, dataset: LiveDataset) -> None:
    couple = couple_in(CouplePhase.APPROVED, dataset)
    for caller in (market.data_owner, market.stranger):
        with reverts_with("Training_NotParty", couple.tc, caller, market.model_owner):
            couple.complete(by=caller)


@pytest.mark.parametrize("phase", [CouplePhase.APPROVED, CouplePhase.ENDED])
def test_completes_without_a_round(market: LiveMarket, dataset: LiveDataset, phase: CouplePhase) -> None:
    couple, escrow, bond = couple_in(phase, dataset), 2 * TERMS.escrow_per_round, TERMS.couple_bond
    released = {couple.tc: -escrow, pledge(couple.tc): -bond}
    with moves_coins(market, released | {market.model_owner: escrow, market.data_owner: bond}):
        tx = couple.complete()
    assert events(tx) == [CoupleCompleted(couple.tc, market.model_owner, WEIGHTS, escrow)]
    assert couple.phase is CouplePhase.COMPLETED
    assert couple.deadline == 0


def test_returns_what_the_rounds_have_left(market: LiveMarket, dataset: LiveDataset) -> None:
    couple = couple_in(CouplePhase.TRAINING, dataset)
    couple.answer("AAM")
    couple.settle()
    left = 2 * TERMS.escrow_per_round - TERMS.round_price - 2 * TERMS.job_price + TERMS.miss_penalty
    released = {couple.tc: -left, pledge(couple.tc): -TERMS.couple_bond}
    with moves_coins(market, released | {market.model_owner: left, market.data_owner: TERMS.couple_bond}):
        tx = couple.complete()
    assert events(tx) == [CoupleCompleted(couple.tc, market.model_owner, WEIGHTS, left)]


def test_completes_once_all_rounds_are_used(dataset: LiveDataset) -> None:
    couple = couple_in(CouplePhase.TRAINING, dataset, rounds=1)
    couple.finish_round()
    assert couple.facts["phase"] == CouplePhase.ENDED
    couple.complete()
    assert couple.phase is CouplePhase.COMPLETED
