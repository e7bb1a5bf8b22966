# closeRound
# ├── when the couple is not Overdue: refused (test_phase_gates.py)
# ├── when a subset is not pending: refused
# └── else each subset is void
#     ├── the round was flagged out: its reports are paid, nobody is fined (test_flag_tj.py)
#     ├── the subset is flagged, by one replica or more, or the couple's quorum is over the strict majority of
#     │   the assigned, filled places or not: its reports are paid, if there are any,
#     │   the silent lose their penalty
#     ├── else nothing is paid for it, the silent lose their penalty, reports are void
#     └── with the last one the round is closed and the next one may start
#
# Rules: T17, S8, S12, S14, S15, S16, S20, S22, S23, S25

from __future__ import annotations

import pytest

from agents.core.enums import CouplePhase, InstanceStatus, JobStatus
from agents.core.events import InstanceRetiring, JobJudged, RoundClosed, SubsetVoided
from testing.backend import TERMS
from testing.contracts import clock
from testing.contracts.couple import LiveCouple, couple_in
from testing.contracts.ledger_checks import moves_coins
from testing.contracts.logs import events
from testing.contracts.market import LiveDataset, LiveMarket
from testing.contracts.reverts import reverts_with
from testing.script import FORGED

OVERDUE = 1 << CouplePhase.OVERDUE


@pytest.fixture(scope="module")
def couple(dataset: LiveDataset) -> LiveCouple:
    return couple_in(CouplePhase.SETTLING, dataset)


@pytest.fixture(scope="module")
def pair(market: LiveMarket) -> LiveCouple:
    """Two subsets of one replica each, both drawn, nobody answered, Overdue."""
    dataset = market.dataset_with(replicas=1, subsets=2, subsets_per_round=2)
    couple = couple_in(CouplePhase.TRAINING, dataset)
    couple.outlive_settlement()
    return couple


def test_refuses_in_the_last_second_of_settlement(couple: LiveCouple) -> None:
    with reverts_with("Training_WrongPhase", couple.tc, CouplePhase.SETTLING, OVERDUE):
        clock.at(couple.settle_deadline, lambda: couple.close(0))


def test_closes_a_second_later(market: LiveMarket, couple: LiveCouple) -> None:
    with moves_coins(market, {}):  # all had reported: nobody loses anything
        tx = clock.at(couple.settle_deadline + 1, lambda: couple.close(0))
    assert events(tx) == [SubsetVoided(couple.tc, market.stranger, 1, 0, 0), RoundClosed(couple.tc, 1)]
    facts = couple.facts
    assert facts["phase"] == CouplePhase.APPROVED
    assert (facts["rem"], facts["pending"], facts["deadline"]) == (0, 0, 0)
    assert {couple.status(ci) for ci in couple.dataset.instances()} == {JobStatus.VOID}


def test_punishes_the_silent_alone_and_pays_who_reported(market: LiveMarket, dataset: LiveDataset) -> None:
    couple = couple_in(CouplePhase.TRAINING, dataset)
    couple.answer("AGM")
    couple.outlive_settlement()
    reported, flagged, silent = dataset.instances()
    price, penalty, share = TERMS.job_price, TERMS.miss_penalty, TERMS.round_price + 2 * TERMS.job_price
    escrow = penalty - price - share
    with moves_coins(
        market,
        {silent: -penalty, dataset.owner_of(reported): price, market.data_owner: share, couple.tc: escrow},
    ):
        tx = couple.close()
    assert events(tx) == [
        JobJudged(couple.tc, reported, 1, JobStatus.VOID, price),
        JobJudged(couple.tc, silent, 1, JobStatus.MISSED, penalty),
        SubsetVoided(couple.tc, market.stranger, 1, 0, share),
        RoundClosed(couple.tc, 1),
    ]
    verdicts = [JobStatus.VOID, JobStatus.FLAGGED, JobStatus.MISSED]
    assert [couple.status(ci) for ci in (reported, flagged, silent)] == verdicts


def test_voids_what_has_no_quorum(market: LiveMarket, dataset: LiveDataset) -> None:
    couple = couple_in(CouplePhase.TRAINING, dataset)
    couple.answer("AFM")
    couple.outlive_settlement()
    silent = dataset.instances()[2]
    with moves_coins(market, {silent: -TERMS.miss_penalty, couple.tc: TERMS.miss_penalty}):
        couple.close()
    assert couple.phase is CouplePhase.APPROVED


@pytest.mark.parametrize(
    ("letters", "quorum"),
    [
        *[("AGGM", 0), ("AFGG", 0), ("AAGM", 0), ("AAGM", 3), ("AAAG", 4), ("AMMG", 4)],
        *[("AAFM", 0), ("AAFM", 2), ("AAFM", 3), ("AAFM", 4), ("AAAF", 4), ("AAAM", 4), ("MMMM", 4)],
    ],
)
def test_pays_the_reports_where_one_flagged_or_more_than_a_majority_had_to_agree_and_no_others(
    market: LiveMarket, letters: str, quorum: int
) -> None:
    """Three of four are a majority.

    A second subset, in which all report, keeps the round from being flagged out.
    """
    dataset = market.dataset_with(replicas=4, subsets=2, subsets_per_round=2)
    couple = couple_in(CouplePhase.TRAINING, dataset, quorum=quorum)
    couple.answer(letters, "AAAA")
    couple.settle(1)
    couple.outlive_settlement()
    price, penalty = TERMS.job_price, TERMS.miss_penalty
    replicas = list(zip(dataset.instances(0), letters, strict=True))
    paid = [ci for ci, letter in replicas if letter in "AF" and ("G" in letters or quorum == 4)]
    silent = [ci for ci, letter in replicas if letter == "M"]
    share = 500 + price * (4 - len(paid)) if paid else 0
    expected = {dataset.owner_of(ci): price for ci in paid} | dict.fromkeys(silent, -penalty)
    expected |= {market.data_owner: share} if share else {}
    with moves_coins(market, expected | {couple.tc: penalty * len(silent) - price * len(paid) - share}):
        tx = couple.close()
    assert events(tx) == [
        *(JobJudged(couple.tc, ci, 1, JobStatus.VOID, price) for ci in paid),
        *(JobJudged(couple.tc, ci, 1, JobStatus.MISSED, penalty) for ci in silent),
        SubsetVoided(couple.tc, market.stranger, 1, 0, share),
        RoundClosed(couple.tc, 1),
    ]
    assert all(couple.status(ci) is JobStatus.VOID for ci, letter in replicas if letter in "AF")


@pytest.mark.parametrize(("quorum", "pays"), [(2, False), (3, True), (4, True)])
def test_it_is_the_majority_of_the_assigned_that_a_quorum_is_over(
    market: LiveMarket, quorum: int, pays: bool
) -> None:
    """Of five places two are given up before the start: two of three are a majority."""
    dataset = market.dataset_with(replicas=5)
    couple = couple_in(CouplePhase.APPROVED, dataset, quorum=quorum)
    for ci in dataset.instances()[:2]:
        dataset.retire(ci)
    couple.start()
    couple.draw()
    first, second, silent = dataset.instances()[2:]
    couple.report(first)
    couple.report(second, FORGED)
    couple.outlive_settlement()
    price, penalty = TERMS.job_price, TERMS.miss_penalty
    share = TERMS.round_price + price if pays else 0
    expected = {silent: -penalty, couple.tc: penalty - (2 * price if pays else 0) - share}
    if pays:
        expected |= {
            dataset.owner_of(first): price,
            dataset.owner_of(second): price,
            market.data_owner: share,
        }
    with moves_coins(market, expected):
        couple.close()


def test_a_miss_that_the_bond_cannot_cover_again_ends_the_instance(market: LiveMarket) -> None:
    dataset = market.dataset_with(replicas=1, instance_bond=100, miss_penalty=60)
    couple, (silent,) = couple_in(CouplePhase.TRAINING, dataset), dataset.instances()
    couple.outlive_settlement()
    with moves_coins(market, {silent: -60, couple.tc: 60}):
        tx = couple.close()
    assert events(tx)[0] == InstanceRetiring(silent, market.stranger)
    assert dataset.status(silent) is InstanceStatus.RETIRING


def test_closes_all_at_once(market: LiveMarket, pair: LiveCouple) -> None:
    (first,), (second,) = pair.dataset.instances(0), pair.dataset.instances(1)
    penalty = TERMS.miss_penalty
    with moves_coins(market, {first: -penalty, second: -penalty, pair.tc: 2 * penalty}):
        tx = pair.close(1, 0)
    assert events(tx) == [
        JobJudged(pair.tc, second, 1, JobStatus.MISSED, penalty),
        SubsetVoided(pair.tc, market.stranger, 1, 1, 0),
        JobJudged(pair.tc, first, 1, JobStatus.MISSED, penalty),
        SubsetVoided(pair.tc, market.stranger, 1, 0, 0),
        RoundClosed(pair.tc, 1),
    ]


def test_closes_subsets_one_by_one(pair: LiveCouple) -> None:
    assert RoundClosed(pair.tc, 1) not in events(pair.close(1))
    assert (pair.facts["phase"], pair.pending) == (CouplePhase.OVERDUE, (0,))
    assert events(pair.close(0))[-1] == RoundClosed(pair.tc, 1)
    assert pair.phase is CouplePhase.APPROVED


@pytest.mark.parametrize("subset", [2, 255, 256, 65_535])
def test_refuses_a_subset_that_the_dataset_does_not_have(pair: LiveCouple, subset: int) -> None:
    with reverts_with("Settlement_NotPending", pair.tc, subset):
        pair.close(subset)


def test_refuses_a_subset_twice(pair: LiveCouple) -> None:
    with reverts_with("Settlement_NotPending", pair.tc, 0):
        pair.close(0, 0)
    pair.close(0)
    with reverts_with("Settlement_NotPending", pair.tc, 0):
        pair.close(0)


def test_leaves_what_is_settled_alone(market: LiveMarket) -> None:
    dataset = market.dataset_with(replicas=1, subsets=2, subsets_per_round=2)
    couple = couple_in(CouplePhase.TRAINING, dataset)
    couple.answer("A", "M")
    couple.settle(0)
    couple.outlive_settlement()
    with reverts_with("Settlement_NotPending", couple.tc, 0):
        couple.close(0)
    (silent,) = dataset.instances(1)
    with moves_coins(market, {silent: -TERMS.miss_penalty, couple.tc: TERMS.miss_penalty}):
        couple.close(1)
    assert couple.phase is CouplePhase.APPROVED


def test_who_left_in_time_to_be_released_is_not_punished_late(
    market: LiveMarket, dataset: LiveDataset
) -> None:
    couple, leaver = couple_in(CouplePhase.TRAINING, dataset), dataset.instances()[0]
    dataset.retire(leaver)
    couple.report_all(but=leaver)
    held_until = dataset.instance(leaver)["since"] + TERMS.unbonding_seconds
    clock.at(held_until + 1, lambda: market.contract.releaseCI(leaver, {"from": market.stranger}))
    with moves_coins(market, {}):
        tx = couple.close()
    assert events(tx) == [SubsetVoided(couple.tc, market.stranger, 1, 0, 0), RoundClosed(couple.tc, 1)]


def test_the_next_round_starts_after_a_void_one(couple: LiveCouple) -> None:
    couple.outlive_settlement()
    couple.close()
    couple.start()
    couple.draw()
    couple.finish_round()
    assert couple.phase is CouplePhase.ENDED
