# expireTC
# ├── when the couple is not Ended: refused (test_phase_gates.py)
# └── else anyone completes it, without a final model
#
# Rules: T18, T22

from __future__ import annotations

import pytest

from agents.core.enums import CouplePhase
from agents.core.events import CoupleCompleted
from testing.backend import TERMS
from testing.contracts import clock
from testing.contracts.couple import ZERO, LiveCouple, couple_in
from testing.contracts.ledger_checks import moves_coins, pledge
from testing.contracts.logs import events
from testing.contracts.market import LiveDataset, LiveMarket
from testing.contracts.reverts import reverts_with


@pytest.fixture(scope="module")
def couple(dataset: LiveDataset) -> LiveCouple:
    return couple_in(CouplePhase.APPROVED, dataset)


def test_refuses_in_the_last_second_of_the_window(couple: LiveCouple) -> None:
    with reverts_with("Training_WrongPhase", couple.tc, CouplePhase.APPROVED, 1 << CouplePhase.ENDED):
        clock.at(couple.facts["windowEndsAt"], couple.expire)


def test_expires_a_second_later(market: LiveMarket, couple: LiveCouple) -> None:
    escrow, bond = 2 * TERMS.escrow_per_round, TERMS.couple_bond
    released = {couple.tc: -escrow, pledge(couple.tc): -bond}
    with moves_coins(market, released | {market.model_owner: escrow, market.data_owner: bond}):
        tx = clock.at(couple.facts["windowEndsAt"] + 1, couple.expire)
    assert events(tx) == [CoupleCompleted(couple.tc, market.stranger, ZERO, escrow)]
    assert couple.phase is CouplePhase.COMPLETED


def test_expires_at_once_when_all_rounds_are_used(market: LiveMarket, dataset: LiveDataset) -> None:
    couple = couple_in(CouplePhase.TRAINING, dataset, rounds=1)
    couple.finish_round()
    released = {pledge(couple.tc): -TERMS.couple_bond, market.data_owner: TERMS.couple_bond}
    with moves_coins(market, released):  # the round was paid in full: nothing is left of the escrow
        tx = couple.expire()
    assert events(tx) == [CoupleCompleted(couple.tc, market.stranger, ZERO, 0)]


def test_a_round_in_progress_outlasts_the_window(dataset: LiveDataset, couple: LiveCouple) -> None:
    clock.at(couple.facts["windowEndsAt"], couple.start)
    clock.at(couple.deadline, couple.draw)
    with reverts_with("Training_WrongPhase", couple.tc, CouplePhase.TRAINING, 1 << CouplePhase.ENDED):
        couple.expire()
    couple.finish_round()
    couple.expire()
    assert couple.phase is CouplePhase.COMPLETED
