# startRound
# ├── when the couple is not Approved (its rounds used, its window over): refused (test_phase_gates.py)
# ├── when the caller is not the couple's MO: refused
# ├── when the seed is not the next link of the MO's chain: refused
# └── else the next round is Drawing, until the draw window ends; the weights are published, no coin moves
#
# Rules: T10, T17, R6

from __future__ import annotations

import pytest

from agents.core.enums import CouplePhase
from agents.core.events import RoundStarted
from testing.backend import TERMS
from testing.contracts import clock
from testing.contracts.couple import WEIGHTS, ZERO, LiveCouple, couple_in, do_link, mo_link
from testing.contracts.ledger_checks import moves_coins
from testing.contracts.logs import events
from testing.contracts.market import LOCATION, LiveDataset, LiveMarket
from testing.contracts.reverts import reverts_with


@pytest.fixture(scope="module")
def couple(dataset: LiveDataset) -> LiveCouple:
    return couple_in(CouplePhase.APPROVED, dataset)


def test_refuses_who_is_not_the_model_owner(market: LiveMarket, couple: LiveCouple) -> None:
    for caller in (market.data_owner, market.stranger):
        with reverts_with("Training_NotParty", couple.tc, caller, market.model_owner):
            couple.start(by=caller)


def test_refuses_a_seed_out_of_its_turn(couple: LiveCouple) -> None:
    tip = mo_link(2, 0)
    for link in (tip, mo_link(2, 2), do_link(2, 1), ZERO):
        with reverts_with("Training_WrongSeed", couple.tc, link, tip):
            couple.start(link)


def test_starts_the_first_round(market: LiveMarket, couple: LiveCouple) -> None:
    with moves_coins(market, {}):
        tx = couple.start()
    seed = mo_link(2, 1)
    assert events(tx) == [RoundStarted(couple.tc, market.model_owner, 1, seed, WEIGHTS, LOCATION)]
    facts = couple.facts
    assert facts["phase"] == CouplePhase.DRAWING
    assert facts["round"] == 1
    assert facts["deadline"] == tx.timestamp + TERMS.draw_window_seconds
    assert bytes(facts["moTip"]) == seed


def test_starts_the_second_round_with_the_next_link(couple: LiveCouple) -> None:
    couple.start()
    couple.draw()
    couple.finish_round()
    with reverts_with("Training_WrongSeed", couple.tc, mo_link(2, 1), mo_link(2, 1)):
        couple.start(mo_link(2, 1))
    assert events(couple.start())[0].round == 2  # type: ignore[union-attr]
    assert couple.phase is CouplePhase.DRAWING


def test_refuses_more_rounds_than_were_paid_for(dataset: LiveDataset) -> None:
    couple = couple_in(CouplePhase.TRAINING, dataset, rounds=1)
    couple.finish_round()
    with reverts_with("Training_WrongPhase", couple.tc, CouplePhase.ENDED, 1 << CouplePhase.APPROVED):
        couple.start(ZERO)


def test_starts_in_the_last_second_of_the_window(couple: LiveCouple) -> None:
    clock.at(couple.facts["windowEndsAt"], couple.start)
    assert couple.phase is CouplePhase.DRAWING


def test_refuses_a_second_late(couple: LiveCouple) -> None:
    with reverts_with("Training_WrongPhase", couple.tc, CouplePhase.ENDED, 1 << CouplePhase.APPROVED):
        clock.at(couple.facts["windowEndsAt"] + 1, couple.start)
