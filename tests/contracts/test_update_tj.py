# updateTJ
# ├── when the couple is not Training (everyone answered, the deadline passed): refused (test_phase_gates.py)
# ├── when the report is for another round: refused
# ├── when the caller is not the instance's CO: refused
# ├── when the instance was not drawn: refused
# │   (another dataset's, of a subset not drawn, verified after the draw, retired before it)
# ├── when the job was answered in this round: refused
# └── else the job is Reported, its commitment is kept and one answer less is awaited
#     └── with the last one the couple is Settling
#
# Rules: T12, T13, T16, T19

from __future__ import annotations

from functools import partial

import pytest

from agents.core.enums import CouplePhase, JobStatus
from agents.core.events import JobReported
from agents.core.hashing import commitment
from agents.core.ids import InstanceId
from testing.contracts import clock
from testing.contracts.couple import ZERO, LiveCouple, couple_in
from testing.contracts.ledger_checks import moves_coins
from testing.contracts.logs import events
from testing.contracts.market import SEALED_LOCATION, LiveDataset, LiveMarket
from testing.contracts.reverts import reverts_with

NOBODY = "0x" + 40 * "0"
TRAINING = 1 << CouplePhase.TRAINING


@pytest.fixture(scope="module")
def couple(dataset: LiveDataset) -> LiveCouple:
    return couple_in(CouplePhase.TRAINING, dataset)


@pytest.fixture(scope="module")
def ci(dataset: LiveDataset) -> InstanceId:
    return dataset.instances()[0]


def test_reports(market: LiveMarket, couple: LiveCouple, ci: InstanceId) -> None:
    deadline = couple.deadline
    hash_, nonce = couple.receipt(ci)
    with moves_coins(market, {}):
        tx = couple.report(ci)
    owner = market.cloud_owners[0]
    assert events(tx) == [JobReported(couple.tc, ci, owner, 1, hash_, nonce, SEALED_LOCATION)]
    job = couple.job(ci)
    assert (bytes(job["commitment"]), job["round"], job["status"]) == (
        commitment(hash_, nonce),
        1,
        JobStatus.REPORTED,
    )
    assert (couple.facts["rem"], couple.phase, couple.deadline) == (2, CouplePhase.TRAINING, deadline)


def test_the_last_report_closes_reporting(couple: LiveCouple) -> None:
    deadline = couple.deadline
    couple.report_all()
    assert (couple.facts["rem"], couple.phase, couple.deadline) == (0, CouplePhase.SETTLING, deadline)


def test_reports_in_the_last_second(couple: LiveCouple, ci: InstanceId) -> None:
    clock.at(couple.deadline, partial(couple.report, ci))
    assert couple.status(ci) is JobStatus.REPORTED


def test_refuses_a_second_late(couple: LiveCouple, ci: InstanceId) -> None:
    with reverts_with("Training_WrongPhase", couple.tc, CouplePhase.SETTLING, TRAINING):
        clock.at(couple.deadline + 1, partial(couple.report, ci))
    assert couple.status(ci) is JobStatus.IDLE


def test_refuses_another_round(couple: LiveCouple, ci: InstanceId) -> None:
    for round_ in (0, 2):
        with reverts_with("Training_WrongRound", couple.tc, round_, 1):
            couple.report(ci, round_=round_)


def test_refuses_a_late_report_of_an_older_round(couple: LiveCouple, ci: InstanceId) -> None:
    couple.finish_round()
    couple.start()
    couple.draw()
    with reverts_with("Training_WrongRound", couple.tc, 1, 2):
        couple.report(ci, round_=1)


def test_refuses_who_is_not_the_cloud_owner(market: LiveMarket, couple: LiveCouple, ci: InstanceId) -> None:
    for caller in (market.cloud_owners[1], market.data_owner, market.stranger):
        with reverts_with("Training_NotInstanceOwner", ci, caller, market.cloud_owners[0]):
            couple.report(ci, by=caller)


def test_refuses_an_instance_that_is_none(
    market: LiveMarket, couple: LiveCouple, dataset: LiveDataset
) -> None:
    none, caller = InstanceId(dataset.instances()[2] + 1), market.cloud_owners[3]
    with reverts_with("Training_NotInstanceOwner", none, caller, NOBODY):
        couple.report_raw(none, ZERO, ZERO, by=caller)


def test_refuses_another_datasets_instance(market: LiveMarket, couple: LiveCouple) -> None:
    (stray,) = market.dataset_with(replicas=1).instances()
    with reverts_with("Training_NotDrawn", couple.tc, stray):
        couple.report(stray)


def test_refuses_a_subset_that_was_not_drawn(market: LiveMarket) -> None:
    dataset = market.dataset_with(replicas=1, subsets=2)
    couple = couple_in(CouplePhase.TRAINING, dataset)
    (drawn,) = couple.pending
    (idle,) = dataset.instances(1 - drawn)
    with reverts_with("Training_NotDrawn", couple.tc, idle):
        couple.report(idle)


def test_refuses_an_instance_verified_after_the_draw(market: LiveMarket) -> None:
    dataset = market.dataset_with(replicas=1, max_replicas=2)
    (late,) = dataset.join(*dataset.name(market.cloud_owners[1]))
    couple = couple_in(CouplePhase.TRAINING, dataset)
    dataset.verify(late)
    with reverts_with("Training_NotDrawn", couple.tc, late):
        couple.report(late)
    assert couple.facts["rem"] == 1


def test_refuses_an_instance_retired_before_the_start(dataset: LiveDataset, ci: InstanceId) -> None:
    couple = couple_in(CouplePhase.APPROVED, dataset)
    dataset.retire(ci)
    couple.start()
    couple.draw()
    with reverts_with("Training_NotDrawn", couple.tc, ci):
        couple.report(ci)


def test_takes_the_report_of_an_instance_that_left_after_the_draw(
    dataset: LiveDataset, couple: LiveCouple, ci: InstanceId
) -> None:
    dataset.retire(ci)
    couple.report(ci)
    assert couple.status(ci) is JobStatus.REPORTED


def test_refuses_a_second_answer(couple: LiveCouple, dataset: LiveDataset) -> None:
    reported, flagged, _ = dataset.instances()
    couple.report(reported)
    with reverts_with("Training_AlreadyAnswered", couple.tc, reported, JobStatus.REPORTED):
        couple.report(reported)
    couple.flag(flagged)
    with reverts_with("Training_AlreadyAnswered", couple.tc, flagged, JobStatus.FLAGGED):
        couple.report(flagged)
    assert couple.facts["rem"] == 1


def test_two_couples_of_one_dataset_take_reports_apart(
    dataset: LiveDataset, couple: LiveCouple, ci: InstanceId
) -> None:
    other = couple_in(CouplePhase.TRAINING, dataset)
    other.report(ci)
    assert (other.status(ci), couple.status(ci)) == (JobStatus.REPORTED, JobStatus.IDLE)
    assert (other.facts["rem"], couple.facts["rem"]) == (2, 3)
