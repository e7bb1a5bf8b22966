# requestTC
# ├── when the model is not the caller's, or is none: refused
# ├── when there is no such dataset: refused
# ├── when maxRounds is zero, or the quorum is over the dataset's replicas: refused
# ├── when a last round might outlast the offer: refused
# ├── when the caller cannot cover the whole escrow: refused
# └── else the couple is Requested, the escrow locked, the MO's seeds committed, under the MO's next serial
#
# Rules: T2, T3, T4, T5

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from agents.core.enums import CouplePhase, Role
from agents.core.events import CoupleRequested
from agents.core.ids import couple_id, dataset_id, model_id
from testing.backend import TERMS
from testing.contracts import clock
from testing.contracts.couple import LiveCouple, mo_link, request
from testing.contracts.ledger_checks import moves_coins
from testing.contracts.logs import events
from testing.contracts.market import LOCATION, OPENING_BALANCE, LiveDataset, LiveMarket
from testing.contracts.reverts import reverts_with

TIP = mo_link(2, 0)
LONGEST = (
    TERMS.answer_window_seconds
    + TERMS.couple_window_seconds
    + TERMS.draw_window_seconds
    + TERMS.report_window_seconds
    + 2 * TERMS.settle_window_seconds  # one to settle, one to void what nobody settled
)


@pytest.fixture(scope="module")
def ask(market: LiveMarket, dataset: LiveDataset) -> Callable[..., Any]:
    """A request in order, but for what is given."""

    def ask(
        mod: int = market.mod, ds: int = dataset.ds, rounds: int = 2, quorum: int = 0, by: Any = None
    ) -> Any:
        return market.contract.requestTC(mod, ds, rounds, TIP, quorum, {"from": by or market.model_owner})

    return ask


def test_refuses_a_model_that_is_not_the_callers(market: LiveMarket, ask: Callable[..., Any]) -> None:
    other = market.cloud_owners[15]
    market.register(other, Role.MODEL_OWNER)
    with reverts_with("Training_NotYourModel", market.mod, other):
        ask(by=other)
    with reverts_with("Training_NotYourModel", market.mod, market.stranger):
        ask(by=market.stranger)


def test_refuses_a_model_that_is_none(
    market: LiveMarket, dataset: LiveDataset, ask: Callable[..., Any]
) -> None:
    owner = market.model_owner
    serial_2 = model_id(owner.address, 2)
    for mod in (0, serial_2, market.mod | 1, market.mod | 1 << 16, dataset_id(owner.address, 1)):
        with reverts_with("Training_NotYourModel", mod, owner):
            ask(mod=mod)
    market.contract.createMod("linear", TIP, LOCATION, {"from": owner})
    assert ask(mod=serial_2).status == 1


def test_refuses_a_dataset_that_is_none(
    market: LiveMarket, dataset: LiveDataset, ask: Callable[..., Any]
) -> None:
    for ds in (0, dataset_id(market.data_owner.address, 2), dataset.instances(0)[0]):
        with reverts_with("Distribution_NoDataset", ds):
            ask(ds=ds)


def test_refuses_no_rounds(ask: Callable[..., Any]) -> None:
    with reverts_with("Training_BadRequest", 0, 0, 3):
        ask(rounds=0)


def test_refuses_a_quorum_over_the_replicas(ask: Callable[..., Any]) -> None:
    with reverts_with("Training_BadRequest", 2, 4, 3):
        ask(quorum=4)
    assert events(ask(quorum=3))[0].quorum == 3  # type: ignore[union-attr]


def test_refuses_rounds_that_might_outlast_the_offer(market: LiveMarket, ask: Callable[..., Any]) -> None:
    moment = clock.now() + 1_000
    dataset = market.dataset(ends_at=moment + LONGEST)
    clock.at(moment, partial(ask, ds=dataset.ds))
    with reverts_with("Training_DatasetEnds", dataset.ds, moment + LONGEST, moment + 1 + LONGEST):
        clock.at(moment + 1, partial(ask, ds=dataset.ds))


def test_refuses_who_cannot_cover_the_escrow(market: LiveMarket, ask: Callable[..., Any]) -> None:
    escrow = TERMS.escrow_per_round
    affordable = OPENING_BALANCE // escrow
    needed = (affordable + 1) * escrow
    with reverts_with("Ledger_InsufficientBalance", market.model_owner, needed, OPENING_BALANCE):
        ask(rounds=affordable + 1)
    ask(rounds=affordable)
    assert market.contract.balanceOf(market.model_owner) == OPENING_BALANCE - affordable * escrow


def test_requests(market: LiveMarket, dataset: LiveDataset, ask: Callable[..., Any]) -> None:
    owner, escrow = market.model_owner, 2 * (1_000 + 3 * 100)
    tc = couple_id(owner.address, 1)
    with moves_coins(market, {owner: -escrow, tc: escrow}):
        tx = ask(quorum=3)
    assert tx.return_value == tc
    assert events(tx) == [CoupleRequested(tc, owner, dataset.ds, market.mod, 2, TIP, 3, escrow)]
    facts = LiveCouple(dataset, tc, 2).facts
    assert facts["phase"] == CouplePhase.REQUESTED
    assert (facts["ds"], facts["mod"]) == (dataset.ds, market.mod)
    assert (facts["round"], facts["maxRounds"], facts["quorum"]) == (0, 2, 3)
    assert facts["deadline"] == tx.timestamp + TERMS.answer_window_seconds
    assert facts["windowEndsAt"] == facts["deadline"] + TERMS.couple_window_seconds
    assert bytes(facts["moTip"]) == TIP
    assert bytes(facts["doTip"]) == bytes(32)


def test_asks_again_under_the_next_serial(market: LiveMarket, dataset: LiveDataset) -> None:
    owner = market.model_owner.address
    assert [request(dataset).tc for _ in range(2)] == [couple_id(owner, 1), couple_id(owner, 2)]


def test_needs_no_instance(market: LiveMarket, ask: Callable[..., Any]) -> None:
    empty = market.dataset()
    assert events(ask(ds=empty.ds))[0].ds == empty.ds  # type: ignore[union-attr]


def test_locks_for_every_replica_of_every_drawn_subset(market: LiveMarket, ask: Callable[..., Any]) -> None:
    dataset = market.dataset(subsets=5, subsets_per_round=2, max_replicas=7)
    tx = ask(ds=dataset.ds, rounds=4)
    assert events(tx)[0].escrow == 4 * (1_000 + 2 * 7 * 100)  # type: ignore[union-attr]
