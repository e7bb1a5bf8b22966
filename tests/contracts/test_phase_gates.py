# Every transaction on a couple opens with one phase check. This table is the state machine: in each phase the
# calls that it allows get past the check, whoever calls; all others are refused with those that they need.
#
# Rules: T24

from __future__ import annotations

from functools import partial

import pytest

from agents.core.enums import CouplePhase as P
from agents.core.enums import FlagReason
from testing.contracts.couple import FORGED, WEIGHTS, ZERO, LiveCouple, couple_in
from testing.contracts.market import LOCATION, SEALED_LOCATION, LiveDataset, LiveMarket
from testing.contracts.reverts import refusal, reverts_with

pytestmark = pytest.mark.node

ALLOWED = {
    "approveTC": {P.REQUESTED},
    "declineTC": {P.REQUESTED},
    "cancelTC": {P.REQUESTED, P.LAPSED},
    "expireRequest": {P.LAPSED},
    "startRound": {P.APPROVED},
    "drawRound": {P.DRAWING},
    "expireDraw": {P.WITHHELD},
    "updateTJ": {P.TRAINING},
    "flagTJ": {P.TRAINING},
    "settleRound": {P.SETTLING},
    "closeRound": {P.OVERDUE},
    "completeTC": {P.APPROVED, P.ENDED},
    "expireTC": {P.ENDED},
}
ARGUMENTS: dict[str, tuple[object, ...]] = {
    "approveTC": (ZERO,),
    "startRound": (ZERO, WEIGHTS, LOCATION),
    "drawRound": (ZERO,),
    "updateTJ": (0, 1, ZERO, ZERO, SEALED_LOCATION),
    "flagTJ": (0, 1, FlagReason.PLAN_REFUSED),
    "settleRound": (0, FORGED, []),
    "closeRound": ([],),
    "completeTC": (WEIGHTS,),
}


@pytest.fixture(scope="module", params=list(P), ids=lambda phase: phase.name)
def phase(request: pytest.FixtureRequest) -> P:
    return P(request.param)


@pytest.fixture(scope="module")
def couple(dataset: LiveDataset, phase: P) -> LiveCouple:
    return couple_in(phase, dataset)


def test_is_in_this_phase(couple: LiveCouple, phase: P) -> None:
    assert couple.phase is phase


def test_refuses_all_other_calls(market: LiveMarket, couple: LiveCouple, phase: P) -> None:
    for function, allowed in ALLOWED.items():
        if phase not in allowed:
            word = sum(1 << allowed_phase for allowed_phase in allowed)
            with reverts_with("Training_WrongPhase", couple.tc, phase, word):
                call(market, couple, function)


def test_lets_these_calls_pass(market: LiveMarket, couple: LiveCouple, phase: P) -> None:
    for function, allowed in ALLOWED.items():
        if phase in allowed:
            assert "Training_WrongPhase" not in refusal(partial(call, market, couple, function))


def call(market: LiveMarket, couple: LiveCouple, function: str) -> None:
    getattr(market.contract, function)(couple.tc, *ARGUMENTS.get(function, ()), {"from": market.stranger})
