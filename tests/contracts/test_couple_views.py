# phaseOf: what is stored, and what time makes of it, to the second
# trainCouple: every field; all zero for none; `pending` is empty but in an open round
# trainJob: all zero until answered; a report whose round ended without a verdict is Void
#
# Rules: T16, T23, T25, T26, T27

from __future__ import annotations

from collections.abc import Callable

import pytest

from agents.core.enums import CouplePhase as P
from agents.core.enums import JobStatus
from testing.backend import TERMS
from testing.contracts import clock
from testing.contracts.couple import LiveCouple, couple_in, do_link, mo_link
from testing.contracts.market import LiveDataset, LiveMarket


def deadline(couple: LiveCouple) -> int:
    return couple.deadline


def settle_deadline(couple: LiveCouple) -> int:
    return couple.settle_deadline


def window_ends_at(couple: LiveCouple) -> int:
    return int(couple.facts["windowEndsAt"])


@pytest.mark.parametrize(
    ("before", "last_second", "after"),
    [
        (P.REQUESTED, deadline, P.LAPSED),
        (P.APPROVED, window_ends_at, P.ENDED),
        (P.DRAWING, deadline, P.WITHHELD),
        (P.TRAINING, deadline, P.SETTLING),
        (P.SETTLING, settle_deadline, P.OVERDUE),
    ],
)
def test_a_phase_lasts_to_the_end_of_its_last_second(
    dataset: LiveDataset, before: P, last_second: Callable[[LiveCouple], int], after: P
) -> None:
    couple = couple_in(before, dataset)
    moment = last_second(couple)
    clock.travel_to(moment)
    assert couple.facts["phase"] == couple.phase == before
    clock.travel_to(moment + 1)
    assert couple.facts["phase"] == couple.phase == after


def test_settling_comes_by_time_or_by_the_last_answer_and_ends_alike(dataset: LiveDataset) -> None:
    couple = couple_in(P.TRAINING, dataset)
    moment = couple.settle_deadline
    clock.travel_to(moment)
    assert couple.facts["phase"] == P.SETTLING
    clock.travel_to(moment + 1)
    assert couple.facts["phase"] == P.OVERDUE


@pytest.mark.parametrize("phase", [P.DECLINED, P.CANCELLED, P.ABORTED, P.COMPLETED])
def test_a_terminal_phase_outlasts_everything(dataset: LiveDataset, phase: P) -> None:
    couple = couple_in(phase, dataset)
    clock.travel_to(TERMS.ends_at)
    assert couple.phase is phase


def test_shows_a_round_in_training(market: LiveMarket, dataset: LiveDataset) -> None:
    couple = couple_in(P.APPROVED, dataset, rounds=3, quorum=2)
    window = window_ends_at(couple)
    couple.start()
    tx = couple.draw()
    facts = couple.facts.dict()
    assert [bytes(facts.pop(tip)) for tip in ("moTip", "doTip")] == [mo_link(3, 1), do_link(3, 1)]
    assert facts == {
        "ds": dataset.ds,
        "mod": market.mod,
        "phase": P.TRAINING,
        "round": 1,
        "maxRounds": 3,
        "rem": 3,
        "flagsLeft": 1,
        "quorum": 2,
        "poolVersion": 3,
        "deadline": tx.timestamp + TERMS.report_window_seconds,
        "windowEndsAt": window,
        "escrow": 3 * TERMS.escrow_per_round,
        "drawnThisEpoch": 0,  # an epoch of one draw is not remembered
        "pending": 1,
    }


def test_shows_nothing_of_a_couple_that_is_none(market: LiveMarket, dataset: LiveDataset) -> None:
    couple = couple_in(P.NONE, dataset)
    assert couple.phase is P.NONE
    assert not any(int(value.hex(), 16) if isinstance(value, bytes) else value for value in couple.facts)


@pytest.mark.parametrize("phase", [P.REQUESTED, P.APPROVED, P.DRAWING, P.COMPLETED, P.ABORTED])
def test_nothing_is_pending_outside_a_round(dataset: LiveDataset, phase: P) -> None:
    assert couple_in(phase, dataset).facts["pending"] == 0


def test_nothing_is_pending_while_the_second_round_is_drawn(dataset: LiveDataset) -> None:
    couple = couple_in(P.TRAINING, dataset)
    couple.finish_round()
    couple.start()
    assert couple.facts["pending"] == 0


def test_a_job_is_idle_until_it_is_answered(dataset: LiveDataset) -> None:
    couple = couple_in(P.TRAINING, dataset)
    job = couple.job(dataset.instances()[0])
    assert (bytes(job["commitment"]), job["round"], job["status"]) == (bytes(27), 0, JobStatus.IDLE)


def test_a_report_is_reported_while_its_round_is_open_and_void_after(dataset: LiveDataset) -> None:
    couple, ci = couple_in(P.SETTLING, dataset), dataset.instances()[0]
    assert couple.status(ci) is JobStatus.REPORTED
    couple.outlive_settlement()
    assert couple.facts["phase"] == P.OVERDUE
    assert couple.job(ci)["status"] == JobStatus.REPORTED
    couple.close()
    assert couple.job(ci)["status"] == JobStatus.VOID
    couple.start()
    couple.draw()
    assert (couple.job(ci)["round"], couple.job(ci)["status"]) == (1, JobStatus.VOID)


def test_one_subsets_reports_are_void_while_anothers_are_open(market: LiveMarket) -> None:
    dataset = market.dataset_with(replicas=1, subsets=2, subsets_per_round=2)
    couple = couple_in(P.SETTLING, dataset)
    couple.outlive_settlement()
    couple.close(0)
    statuses = [couple.status(dataset.instances(subset)[0]) for subset in (0, 1)]
    assert statuses == [JobStatus.VOID, JobStatus.REPORTED]
