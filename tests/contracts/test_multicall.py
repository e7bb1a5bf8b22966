# multicall
# ├── runs its calls in order, as the caller
# ├── when one is refused: none of them happened, and the refusal is that one's
# └── takes no coins along
#
# Rules: L8, L9

from __future__ import annotations

import pytest

from agents.core.enums import CouplePhase, Role
from agents.core.events import CoupleCompleted, Deposited, JobJudged, RoundClosed, SubsetSettled
from testing.contracts.couple import WEIGHTS, LiveCouple, couple_in
from testing.contracts.ledger_checks import moves_coins
from testing.contracts.logs import events
from testing.contracts.market import LiveDataset, LiveMarket, encryption_key
from testing.contracts.reverts import reverts, reverts_with

pytestmark = pytest.mark.node


@pytest.fixture(scope="module")
def couple(dataset: LiveDataset) -> LiveCouple:
    return couple_in(CouplePhase.SETTLING, dataset)


def settlement(couple: LiveCouple) -> str:
    settle = couple.market.contract.settleRound
    return str(settle.encode_input(couple.tc, 0, couple.model_digest(), couple.reports()))


def completion(couple: LiveCouple) -> str:
    return str(couple.market.contract.completeTC.encode_input(couple.tc, WEIGHTS))


def test_runs_calls_in_order_as_the_caller(market: LiveMarket, couple: LiveCouple) -> None:
    tx = market.contract.multicall([settlement(couple), completion(couple)], {"from": market.model_owner})
    said = [type(event) for event in events(tx)]
    assert said == [JobJudged, JobJudged, JobJudged, SubsetSettled, RoundClosed, CoupleCompleted]
    assert couple.phase is CouplePhase.COMPLETED


def test_all_or_none(market: LiveMarket, couple: LiveCouple) -> None:
    calls = [settlement(couple), completion(couple)]
    with (
        moves_coins(market, {}),
        reverts_with("Training_NotParty", couple.tc, market.stranger, market.model_owner),
    ):
        market.contract.multicall(calls, {"from": market.stranger})
    assert couple.phase is CouplePhase.SETTLING


def test_refuses_calls_in_the_wrong_order(market: LiveMarket, couple: LiveCouple) -> None:
    calls = [completion(couple), settlement(couple)]
    allowed = 1 << CouplePhase.APPROVED | 1 << CouplePhase.ENDED
    with reverts_with("Training_WrongPhase", couple.tc, CouplePhase.SETTLING, allowed):
        market.contract.multicall(calls, {"from": market.model_owner})


def test_takes_no_coins(market: LiveMarket) -> None:
    calls = [market.contract.deposit.encode_input()]
    with moves_coins(market, {}), reverts():
        market.contract.multicall(calls, {"from": market.stranger, "value": 1})


def test_a_payable_call_inside_brings_nothing(market: LiveMarket) -> None:
    newcomer, contract = market.stranger, market.contract
    calls = [contract.createCO.encode_input(encryption_key(newcomer)), contract.deposit.encode_input()]
    with moves_coins(market, {}):
        tx = contract.multicall(calls, {"from": newcomer})
    assert contract.roleOf(newcomer) == Role.CLOUD_OWNER
    assert events(tx)[-1] == Deposited(newcomer, 0)


def test_does_nothing_when_asked_for_nothing(market: LiveMarket) -> None:
    with moves_coins(market, {}):
        assert events(market.contract.multicall([], {"from": market.stranger})) == []
