"""The market, driven at random, against its model and against what must hold.

Rules: L1, L2, L4, L6, L7, L8, L9, M1, M2, D20, D21, D22, T9, T12, T20, T22, T24, T25
Rules: S15, S21, S22, S23, S24, S25, R8, R9, A18
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.chain.views import View
from agents.core.calls import Call
from agents.core.errors import Refused
from agents.core.events import JobJudged, MarketEvent
from agents.core.ids import Address
from assurance.stateful.play import Tally, ViolationError, play
from testing.evm import Evm, abi

FUNCTIONS = {entry["name"] for entry in abi() if entry.get("stateMutability") in ("nonpayable", "payable")}


def market() -> Evm:
    return Evm()


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32), steps=st.integers(1, 250))
def test_holds_whatever_members_do(seed: int, steps: int) -> None:
    play(market(), seed, steps)


@pytest.fixture(scope="module")
def tally() -> Tally:
    """Plays long enough that what they come to is known."""
    played = Tally()
    for seed in range(10, 18):
        played.add(play(market(), seed, 450))
    return played


def test_tries_every_transaction(tally: Tally) -> None:
    done = {function for function, outcome in tally.outcomes if outcome == "done"}
    assert done == FUNCTIONS


def test_reaches_every_verdict(tally: Tally) -> None:
    judged = {"ACCEPTED", "FAULTY", "MISSED", "VOID", "SubsetSettled", "SubsetVoided", "RoundVoided"}
    assert tally.verdicts.keys() == judged


def test_is_refused_for_many_reasons(tally: Tally) -> None:
    refusals = {outcome for _, outcome in tally.outcomes} - {"done"}
    assert not refusals & {"", "Panic"}
    assert len(refusals) >= 25


def test_the_same_seed_plays_the_same() -> None:
    assert play(market(), 5, 60) == play(market(), 5, 60)


# --- it notices ---


class Hurt(Evm):
    """A market with a fault: one event, refusal or view is not what it should be."""

    def __init__(self, hurt: Callable[[Any], Any]) -> None:
        super().__init__()
        self.hurt = hurt

    def send(self, sender: Address, call: Call) -> list[MarketEvent]:
        try:
            return [self.hurt(event) for event in super().send(sender, call)]
        except Refused as refused:
            raise self.hurt(refused) from None

    def answer(self, view: View[Any], data: bytes) -> Any:
        return self.hurt(super().answer(view, data))

    def balance(self, account: Address) -> int:
        coins: int = self.hurt(super().balance(account))
        return coins


def _pays_too_much(told: Any) -> Any:
    if isinstance(told, JobJudged):
        return JobJudged(told.tc, told.ci, told.round, told.verdict, told.amount + 1)
    return told


def _tells_another_error(told: Any) -> Any:
    return Refused("Ledger_Full") if isinstance(told, Refused) else told


def _loses_a_wei(told: Any) -> Any:
    return told - 1 if type(told) is int and 10**9 < told < 10**18 else told


def _forgets_an_answer(told: Any) -> Any:
    if getattr(told, "rem", 0):
        object.__setattr__(told, "rem", told.rem - 1)
    return told


@pytest.mark.parametrize("fault", [_pays_too_much, _tells_another_error, _loses_a_wei, _forgets_an_answer])
def test_notices_a_market_that(fault: Callable[[Any], Any]) -> None:
    with pytest.raises(ViolationError) as caught:
        _play_some(fault)
    assert caught.value.trace


def _play_some(fault: Callable[[Any], Any]) -> None:
    for seed in range(10, 14):
        play(Hurt(fault), seed, 450)
