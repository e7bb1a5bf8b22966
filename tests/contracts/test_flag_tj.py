# flagTJ
# ├── when an answer would be refused: refused, as in updateTJ
# ├── when at most half of the round's jobs are flagged: the job is Flagged, one answer less is awaited
# └── when it is more than half: the round is flagged out, Overdue at once; closing it pays who had reported,
#     fines nobody, and the next one may start
#
# Rules: T14, T17, T29, S22

from __future__ import annotations

from functools import partial

import pytest

from agents.core.enums import CouplePhase, FlagReason, JobStatus
from agents.core.events import JobFlagged, JobJudged, RoundClosed, RoundVoided, SubsetVoided
from testing.backend import TERMS
from testing.contracts import clock
from testing.contracts.couple import FORGED, LiveCouple, couple_in
from testing.contracts.ledger_checks import moves_coins
from testing.contracts.logs import events
from testing.contracts.market import LiveDataset, LiveMarket
from testing.contracts.reverts import reverts_with

TRAINING = 1 << CouplePhase.TRAINING


@pytest.fixture(scope="module")
def couple(dataset: LiveDataset) -> LiveCouple:
    return couple_in(CouplePhase.TRAINING, dataset)


@pytest.mark.parametrize("reason", FlagReason)
def test_flags(market: LiveMarket, dataset: LiveDataset, couple: LiveCouple, reason: FlagReason) -> None:
    ci = dataset.instances()[1]
    with moves_coins(market, {}):
        tx = couple.flag(ci, reason)
    assert events(tx) == [JobFlagged(couple.tc, ci, market.cloud_owners[1], 1, reason)]
    job = couple.job(ci)
    assert (bytes(job["commitment"]), job["round"], job["status"]) == (bytes(27), 1, JobStatus.FLAGGED)
    assert (couple.facts["rem"], couple.facts["flagsLeft"]) == (2, 0)
    assert couple.phase is CouplePhase.TRAINING


def test_flags_in_the_last_second(dataset: LiveDataset, couple: LiveCouple) -> None:
    clock.at(couple.deadline, partial(couple.flag, dataset.instances()[0]))
    assert couple.status(dataset.instances()[0]) is JobStatus.FLAGGED


def test_refuses_a_second_late(dataset: LiveDataset, couple: LiveCouple) -> None:
    with reverts_with("Training_WrongPhase", couple.tc, CouplePhase.SETTLING, TRAINING):
        clock.at(couple.deadline + 1, partial(couple.flag, dataset.instances()[0]))


def test_refuses_what_a_report_would_be_refused_for(
    market: LiveMarket, dataset: LiveDataset, couple: LiveCouple
) -> None:
    ci = dataset.instances()[0]
    (stray,) = market.dataset_with(replicas=1).instances()
    with reverts_with("Training_WrongRound", couple.tc, 2, 1):
        couple.flag(ci, round_=2)
    with reverts_with("Training_NotInstanceOwner", ci, market.stranger, market.cloud_owners[0]):
        couple.flag(ci, by=market.stranger)
    with reverts_with("Training_NotDrawn", couple.tc, stray):
        couple.flag(stray)
    couple.report(ci)
    with reverts_with("Training_AlreadyAnswered", couple.tc, ci, JobStatus.REPORTED):
        couple.flag(ci)


@pytest.mark.parametrize(("replicas", "bearable"), [(1, 0), (2, 1), (3, 1), (4, 2), (5, 2)])
def test_flags_the_round_out_by_more_than_half(market: LiveMarket, replicas: int, bearable: int) -> None:
    dataset = market.dataset_with(replicas)
    couple = couple_in(CouplePhase.TRAINING, dataset)
    *_, decisive = flagging = dataset.instances()[: bearable + 1]
    for ci in flagging[:-1]:
        couple.flag(ci)
    assert couple.phase is CouplePhase.TRAINING
    with moves_coins(market, {}):
        tx = couple.flag(decisive)
    owner = dataset.owner_of(decisive)
    reason = FlagReason.WEIGHTS_UNAVAILABLE
    assert events(tx) == [JobFlagged(couple.tc, decisive, owner, 1, reason), RoundVoided(couple.tc, owner, 1)]
    facts = couple.facts
    assert facts["phase"] == CouplePhase.OVERDUE
    assert (facts["rem"], facts["pending"], facts["flagsLeft"]) == (replicas - bearable - 1, 1, 65_535)
    for late in dataset.instances()[bearable + 1 :]:
        with reverts_with("Training_WrongPhase", couple.tc, CouplePhase.OVERDUE, TRAINING):
            couple.report(late)


def test_exactly_half_does_not_flag_the_round_out(market: LiveMarket) -> None:
    dataset = market.dataset_with(replicas=4)
    couple = couple_in(CouplePhase.TRAINING, dataset)
    couple.answer("GGAA")
    assert couple.phase is CouplePhase.SETTLING


def test_counts_the_jobs_of_all_drawn_subsets(market: LiveMarket) -> None:
    dataset = market.dataset_with(replicas=2, subsets=2, subsets_per_round=2)
    couple = couple_in(CouplePhase.TRAINING, dataset)
    couple.flag(dataset.instances(0)[0])
    couple.flag(dataset.instances(0)[1])
    assert couple.facts["phase"] == CouplePhase.TRAINING
    couple.flag(dataset.instances(1)[0])
    assert couple.phase is CouplePhase.OVERDUE


def test_the_last_answer_can_decide(dataset: LiveDataset, couple: LiveCouple) -> None:
    couple.answer("AGG")
    assert couple.phase is CouplePhase.OVERDUE
    assert couple.facts["rem"] == 0
    with reverts_with("Training_WrongPhase", couple.tc, CouplePhase.OVERDUE, 1 << CouplePhase.SETTLING):
        couple.settle()


def test_closing_pays_who_had_reported_and_fines_nobody(market: LiveMarket) -> None:
    dataset = market.dataset_with(replicas=5)
    couple, price = couple_in(CouplePhase.TRAINING, dataset), TERMS.job_price
    honest, forger, *flagging = dataset.instances()
    couple.report(honest)
    couple.report(forger, FORGED)
    for ci in flagging:
        couple.flag(ci)
    assert couple.status(honest) is JobStatus.REPORTED
    share = TERMS.round_price + 3 * price
    paid = {dataset.owner_of(honest): price, dataset.owner_of(forger): price, market.data_owner: share}
    paid[couple.tc] = -2 * price - share
    with moves_coins(market, paid):
        tx = couple.close()
    assert events(tx) == [
        JobJudged(couple.tc, honest, 1, JobStatus.VOID, price),
        JobJudged(couple.tc, forger, 1, JobStatus.VOID, price),
        SubsetVoided(couple.tc, market.stranger, 1, 0, share),
        RoundClosed(couple.tc, 1),
    ]
    facts = couple.facts
    assert facts["phase"] == CouplePhase.APPROVED
    assert (facts["rem"], facts["pending"], facts["deadline"]) == (0, 0, 0)
    assert couple.job(honest)["round"] == 1
    assert [couple.status(ci) for ci in (honest, forger)] == [JobStatus.VOID] * 2
    assert {couple.status(ci) for ci in flagging} == {JobStatus.FLAGGED}


def test_a_flagged_out_round_is_closed_subset_by_subset(market: LiveMarket) -> None:
    dataset = market.dataset_with(replicas=2, subsets=2, subsets_per_round=2)
    couple, price = couple_in(CouplePhase.TRAINING, dataset), TERMS.job_price
    (reported, flagged), (second, decisive) = dataset.instances(0), dataset.instances(1)
    couple.report(reported)
    for ci in (flagged, second, decisive):
        couple.flag(ci)
    with moves_coins(market, {}):
        couple.close(1)
    assert (couple.phase, couple.pending) == (CouplePhase.OVERDUE, (0,))
    share = TERMS.round_price // 2 + price
    paid = {dataset.owner_of(reported): price, market.data_owner: share, couple.tc: -price - share}
    with moves_coins(market, paid):
        tx = couple.close(0)
    assert events(tx)[-1] == RoundClosed(couple.tc, 1)
    assert couple.phase is CouplePhase.APPROVED


def test_who_stayed_silent_in_a_flagged_out_round_keeps_its_bond(market: LiveMarket) -> None:
    dataset = market.dataset_with(replicas=3)
    couple = couple_in(CouplePhase.TRAINING, dataset)
    for ci in dataset.instances()[:2]:
        couple.flag(ci)
    with moves_coins(market, {}):
        couple.close()
    assert couple.status(dataset.instances()[2]) is JobStatus.IDLE


def test_a_void_round_counts_and_the_next_one_asks_everyone_again(
    dataset: LiveDataset, couple: LiveCouple
) -> None:
    couple.void_round()
    couple.start()
    couple.draw()
    assert (couple.round, couple.facts["rem"], couple.facts["flagsLeft"]) == (2, 3, 1)
    for ci in dataset.instances():
        couple.report(ci)
    assert couple.phase is CouplePhase.SETTLING


def test_a_couple_whose_last_round_is_void_has_ended(dataset: LiveDataset) -> None:
    couple = couple_in(CouplePhase.TRAINING, dataset, rounds=1)
    couple.void_round()
    assert couple.phase is CouplePhase.ENDED
