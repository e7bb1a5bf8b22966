# releaseCI, by anyone
# ├── when the instance is not Free, Joined, Retiring or Verified: refused (test_instance_gates.py)
# ├── in the last second of these and before: refused; a second later its place and its bond are free
# │   ├── Free: the answer window since it was named
# │   ├── Joined: the answer window since it joined
# │   ├── Retiring: drawWindow + reportWindow + 2 * settleWindow since it left
# │   └── Verified: the offer; it leaves the pool first
# └── when the bond was slashed: what is left of it is free
#
# Rules: D20, S8

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest

from agents.core.enums import CouplePhase, InstanceStatus
from agents.core.events import InstanceRetired, InstanceRetiring
from agents.core.ids import InstanceId
from testing.backend import TERMS
from testing.contracts import clock
from testing.contracts.couple import FORGED, couple_in
from testing.contracts.ledger_checks import moves_coins
from testing.contracts.logs import events
from testing.contracts.market import LiveDataset, LiveMarket
from testing.contracts.reverts import reverts_with

BOND = TERMS.instance_bond
UNBONDING_SECONDS = TERMS.unbonding_seconds
Place = Callable[[InstanceStatus], tuple[LiveDataset, InstanceId, int]]


@pytest.fixture
def place(market: LiveMarket) -> Place:
    """Brings the only instance of a dataset into a status; with the last second in which that holds it."""

    def place(status: InstanceStatus) -> tuple[LiveDataset, InstanceId, int]:
        offer = market.dataset(ends_at=clock.now() + 1_000_000)
        (ci,) = offer.name(market.cloud_owners[0])
        if status is not InstanceStatus.FREE:
            offer.join(ci)
        if status in (InstanceStatus.VERIFIED, InstanceStatus.RETIRING):
            offer.verify(ci)
        if status is InstanceStatus.RETIRING:
            offer.retire(ci)
        window = UNBONDING_SECONDS if status is InstanceStatus.RETIRING else TERMS.answer_window_seconds
        last = (
            offer.terms.ends_at if status is InstanceStatus.VERIFIED else offer.instance(ci)["since"] + window
        )
        return offer, ci, last

    return place


RELEASABLE = [
    InstanceStatus.FREE,
    InstanceStatus.JOINED,
    InstanceStatus.VERIFIED,
    InstanceStatus.RETIRING,
]
each_status = pytest.mark.parametrize("status", RELEASABLE, ids=lambda status: status.name)


@each_status
def test_refuses_while_it_is_needed(market: LiveMarket, place: Place, status: InstanceStatus) -> None:
    _, ci, last = place(status)
    for caller in (market.stranger, market.data_owner, market.cloud_owners[0]):
        with reverts_with("Distribution_TooEarly", ci, last, last):
            clock.at(last, partial(market.contract.releaseCI, ci, {"from": caller}))


@each_status
def test_anyone_releases_a_second_later(market: LiveMarket, place: Place, status: InstanceStatus) -> None:
    offer, ci, last = place(status)
    before, bond = offer.instance(ci), 0 if status is InstanceStatus.FREE else BOND
    with moves_coins(market, {market.cloud_owners[0]: bond, ci: -bond}):
        tx = clock.at(last + 1, lambda: market.contract.releaseCI(ci, {"from": market.stranger}))
    left_pool = [InstanceRetiring(ci, market.stranger)] if status is InstanceStatus.VERIFIED else []
    assert events(tx) == [*left_pool, InstanceRetired(ci, market.stranger, bond)]
    left_at = 2 if left_pool else before["leftAt"]
    retired = (market.cloud_owners[0], InstanceStatus.RETIRED, before["verifiedAt"], left_at, 0, last + 1)
    assert offer.standing(ci) == retired
    assert offer.pool == (left_at, 0)
    assert offer.instances() == []


def test_a_miss_leaves_the_rest_of_the_bond(market: LiveMarket, dataset: LiveDataset) -> None:
    silent, *honest = dataset.instances()
    couple = couple_in(CouplePhase.TRAINING, dataset)
    for ci in honest:
        couple.report(ci)
    clock.travel_to(couple.deadline + 1)
    couple.settle()
    dataset.retire(silent)
    clock.travel_to(dataset.instance(silent)["since"] + UNBONDING_SECONDS + 1)
    rest = BOND - TERMS.miss_penalty
    with moves_coins(market, {dataset.owner_of(silent): rest, silent: -rest}):
        tx = market.contract.releaseCI(silent, {"from": market.stranger})
    assert events(tx) == [InstanceRetired(silent, market.stranger, rest)]


def test_a_lie_leaves_nothing(market: LiveMarket, dataset: LiveDataset) -> None:
    liar, *honest = dataset.instances()
    couple = couple_in(CouplePhase.TRAINING, dataset)
    couple.report(liar, FORGED)
    for ci in honest:
        couple.report(ci)
    couple.settle()
    assert dataset.status(liar) is InstanceStatus.RETIRING
    clock.travel_to(dataset.instance(liar)["since"] + UNBONDING_SECONDS + 1)
    with moves_coins(market, {}):
        tx = market.contract.releaseCI(liar, {"from": market.stranger})
    assert events(tx) == [InstanceRetired(liar, market.stranger, 0)]
    assert liar not in dataset.instances()


def test_the_silent_of_the_last_round_can_be_judged_before_the_offer_ends(market: LiveMarket) -> None:
    """The longest couple that the offer allows: nothing is released while its last round can be closed."""
    moment = clock.now() + 1_000
    longest = TERMS.answer_window_seconds + TERMS.couple_window_seconds + TERMS.draw_window_seconds
    longest += TERMS.report_window_seconds + 2 * TERMS.settle_window_seconds
    dataset = market.dataset_with(replicas=1, ends_at=moment + longest)
    (silent,) = dataset.instances()
    couple = clock.at(moment, lambda: couple_in(CouplePhase.REQUESTED, dataset))
    couple.approve()
    clock.at(int(couple.facts["windowEndsAt"]), couple.start)
    clock.at(couple.deadline, couple.draw)

    clock.travel_to(couple.settle_deadline + 1)
    assert couple.phase is CouplePhase.OVERDUE
    ends_at, now = dataset.terms.ends_at, clock.now()
    assert ends_at - now == TERMS.settle_window_seconds - 1
    with reverts_with("Distribution_TooEarly"):
        market.contract.releaseCI(silent, {"from": market.stranger})
    clock.at(ends_at, lambda: market.contract.closeRound(couple.tc, [0], {"from": market.stranger}))
    assert dataset.instance(silent)["bond"] == BOND - TERMS.miss_penalty
