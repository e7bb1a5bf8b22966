# settleRound: who is heard, and who has a majority (what it pays: test_settle_round_money.py)
# ├── when the couple is not Settling: refused (test_phase_gates.py)
# ├── when the subset is not drawn, or settled already, or none: refused
# ├── when a report is left out, given twice or of another instance: refused
# ├── when a report is not the one that was made: refused
# ├── when there are more reports than were made: refused
# ├── when fewer reports agree than a strict majority of the drawn, or than the couple's quorum (or all, where
# │   fewer were drawn): refused
# └── else whoever calls: verdicts stand, the subset is settled, and with the last one the round is closed
#
# Rules: D23, T16, T26, T28, S1, S3, S4, S13, S14, S19, S21, S24, R5

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import permutations
from typing import Any

import pytest

from agents.core.enums import CouplePhase, InstanceStatus, JobStatus
from agents.core.events import JobJudged, RoundClosed, SubsetSettled
from agents.core.hashing import receipt_domain, training_receipt
from testing.backend import TERMS
from testing.contracts import clock
from testing.contracts.chain import chain
from testing.contracts.couple import FORGED, ZERO, LaidReport, LiveCouple, couple_in
from testing.contracts.logs import events
from testing.contracts.market import LiveDataset, LiveMarket
from testing.contracts.reverts import reverts_with

A, F, M = JobStatus.ACCEPTED, JobStatus.FAULTY, JobStatus.MISSED


@pytest.fixture(scope="module")
def couple(dataset: LiveDataset) -> LiveCouple:
    return couple_in(CouplePhase.SETTLING, dataset)


def statuses(couple: LiveCouple, subset: int = 0) -> list[JobStatus]:
    return [couple.status(ci) for ci in couple.dataset.instances(subset)]


def pool_of(market: LiveMarket, replicas: int, quorum: int = 0, rounds: int = 2) -> LiveCouple:
    return couple_in(CouplePhase.TRAINING, market.dataset_with(replicas), rounds, quorum)


# --- who may, and when ---


def test_anyone_settles_who_knows_the_digest(market: LiveMarket, couple: LiveCouple) -> None:
    tx = couple.settle(by=market.stranger)
    judged = [JobJudged(couple.tc, ci, 1, A, TERMS.job_price) for ci in couple.dataset.instances()]
    settled = SubsetSettled(couple.tc, market.stranger, 1, 0, couple.model_digest(), TERMS.round_price)
    assert events(tx) == [*judged, settled, RoundClosed(couple.tc, 1)]
    facts = couple.facts
    assert facts["phase"] == CouplePhase.APPROVED
    assert (facts["rem"], facts["pending"], facts["deadline"]) == (0, 0, 0)
    assert statuses(couple) == [A, A, A]


def test_waits_for_the_silent_until_the_deadline(dataset: LiveDataset) -> None:
    couple = couple_in(CouplePhase.TRAINING, dataset)
    for ci in dataset.instances()[:2]:
        couple.report(ci)
    settle = partial(couple.settle, 0, couple.model_digest(), couple.reports())
    with reverts_with("Training_WrongPhase", couple.tc, CouplePhase.TRAINING, 1 << CouplePhase.SETTLING):
        clock.at(couple.deadline, settle)
    clock.at(couple.deadline + 1, settle)
    assert statuses(couple) == [A, A, M]


def test_settles_in_the_last_second(couple: LiveCouple) -> None:
    clock.at(couple.settle_deadline, partial(couple.settle, 0, couple.model_digest(), couple.reports()))
    assert statuses(couple) == [A, A, A]


def test_refuses_a_second_late(couple: LiveCouple) -> None:
    settle = partial(couple.settle, 0, couple.model_digest(), couple.reports())
    with reverts_with("Training_WrongPhase", couple.tc, CouplePhase.OVERDUE, 1 << CouplePhase.SETTLING):
        clock.at(couple.settle_deadline + 1, settle)


# --- which subset ---


def test_settles_subsets_one_by_one(market: LiveMarket) -> None:
    dataset = market.dataset_with(replicas=1, subsets=3, subsets_per_round=2)
    couple = couple_in(CouplePhase.SETTLING, dataset)
    first, second = couple.pending
    (idle,) = {0, 1, 2} - {first, second}
    with reverts_with("Settlement_NotPending", couple.tc, idle):
        couple.settle(idle)
    assert RoundClosed(couple.tc, 1) not in events(couple.settle(second))
    assert (couple.facts["phase"], couple.pending) == (CouplePhase.SETTLING, (first,))
    with reverts_with("Settlement_NotPending", couple.tc, second):
        couple.settle(second)
    assert events(couple.settle(first))[-1] == RoundClosed(couple.tc, 1)
    assert couple.phase is CouplePhase.APPROVED


@pytest.mark.parametrize("subset", [1, 255, 256, 65_535])
def test_refuses_a_subset_that_the_dataset_does_not_have(couple: LiveCouple, subset: int) -> None:
    with reverts_with("Settlement_NotPending", couple.tc, subset):
        couple.settle(subset, FORGED, [])


# --- which reports ---


def left_out(reports: list[LaidReport]) -> list[LaidReport]:
    return reports[:1] + reports[2:]


def twice(reports: list[LaidReport]) -> list[LaidReport]:
    return [reports[0], reports[0], reports[2]]


def cut_short(reports: list[LaidReport]) -> list[LaidReport]:
    return reports[:1]


@pytest.mark.parametrize("tamper", [left_out, twice, cut_short])
def test_refuses_to_leave_a_report_out(
    couple: LiveCouple, dataset: LiveDataset, tamper: Callable[[list[LaidReport]], list[LaidReport]]
) -> None:
    with reverts_with("Settlement_ReportMissing", couple.tc, dataset.instances()[1]):
        couple.settle(reports=tamper(couple.reports()))


def test_refuses_to_hear_nobody(couple: LiveCouple, dataset: LiveDataset) -> None:
    with reverts_with("Settlement_ReportMissing", couple.tc, dataset.instances()[0]):
        couple.settle(reports=[])


def another_hash(report: LaidReport, honest: LaidReport) -> LaidReport:
    return report[0], honest[1], report[2]


def another_nonce(report: LaidReport, honest: LaidReport) -> LaidReport:
    return report[0], report[1], ZERO


def an_honest_ones(report: LaidReport, honest: LaidReport) -> LaidReport:
    return report[0], honest[1], honest[2]


@pytest.mark.parametrize("alter", [another_hash, another_nonce, an_honest_ones])
def test_refuses_to_alter_a_report(
    couple: LiveCouple, dataset: LiveDataset, alter: Callable[[LaidReport, LaidReport], LaidReport]
) -> None:
    reports = couple.reports()
    reports[1] = alter(reports[1], reports[0])
    with reverts_with("Settlement_ReportAltered", couple.tc, dataset.instances()[1]):
        couple.settle(reports=reports)


def test_refuses_a_report_too_many(couple: LiveCouple) -> None:
    reports = couple.reports()
    with reverts_with("Settlement_TooManyReports", 4, 3):
        couple.settle(reports=[*reports, reports[0]])


@pytest.mark.parametrize("script", ["AAM", "AAG"])
def test_refuses_a_report_made_up_for_who_made_none(dataset: LiveDataset, script: str) -> None:
    couple = couple_in(CouplePhase.TRAINING, dataset)
    couple.answer(script)
    made_up = (dataset.instances()[2], *couple.receipt(dataset.instances()[2]))
    with reverts_with("Settlement_TooManyReports", 3, 2):
        couple.settle(reports=[*couple.reports(), made_up])


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_hears_reports_in_any_order(market: LiveMarket, couple: LiveCouple, order: tuple[int, ...]) -> None:
    reports = couple.reports()
    tx = couple.settle(reports=[reports[place] for place in order])
    judged = [JobJudged(couple.tc, ci, 1, A, TERMS.job_price) for ci in couple.dataset.instances()]
    assert events(tx)[:3] == judged


@pytest.mark.parametrize("place", [0, 1, 2])
def test_refuses_a_report_twice_wherever_it_comes(couple: LiveCouple, place: int) -> None:
    reports = couple.reports()
    reports.insert(place, reports[2])
    with reverts_with("Settlement_TooManyReports", 4, 3):
        couple.settle(reports=reports)


# --- which digest ---


@pytest.mark.parametrize(
    ("replicas", "script", "agreeing", "needed"),
    [
        (1, "M", 0, 1),
        (2, "AF", 1, 2),
        (2, "AM", 1, 2),
        (3, "AFM", 1, 2),
        (3, "AMM", 1, 2),
        (3, "AGF", 1, 2),
        (4, "AAFF", 2, 3),
        (4, "AAGG", 2, 3),
        (5, "AAFMG", 2, 3),
        (16, "AAAAAAAAFFFFMMGG", 8, 9),
    ],
)
def test_refuses_without_a_strict_majority_of_the_drawn(
    market: LiveMarket, replicas: int, script: str, agreeing: int, needed: int
) -> None:
    couple = pool_of(market, replicas)
    couple.answer(script)
    with reverts_with("Settlement_NoQuorum", couple.tc, 0, agreeing, needed):
        couple.settle()
    assert couple.phase is CouplePhase.SETTLING


@pytest.mark.parametrize(
    ("replicas", "script"),
    [
        (1, "A"),
        (2, "AA"),
        (3, "AAF"),
        (3, "MAA"),
        (4, "AFAA"),
        (5, "AAFMA"),
        (16, "FAFAFAFAMAMAGAAA"),
    ],
)
def test_settles_by_a_strict_majority_of_the_drawn(market: LiveMarket, replicas: int, script: str) -> None:
    couple = pool_of(market, replicas)
    couple.answer(script)
    couple.settle()
    verdict = {"A": A, "F": F, "M": M, "G": JobStatus.FLAGGED}
    assert statuses(couple) == [verdict[letter] for letter in script]
    assert couple.phase is CouplePhase.APPROVED


def test_a_false_digest_does_nothing(couple: LiveCouple) -> None:
    with reverts_with("Settlement_NoQuorum", couple.tc, 0, 0, 2):
        couple.settle(digest=FORGED)


def test_a_minoritys_digest_does_nothing(dataset: LiveDataset) -> None:
    couple = couple_in(CouplePhase.TRAINING, dataset)
    couple.answer("AFA")
    with reverts_with("Settlement_NoQuorum", couple.tc, 0, 1, 2):
        couple.settle(digest=FORGED)


def test_trusts_a_majority_even_if_it_lies(dataset: LiveDataset) -> None:
    couple = couple_in(CouplePhase.TRAINING, dataset)
    couple.answer("AFF")
    couple.settle(digest=FORGED)
    assert statuses(couple) == [F, A, A]


@pytest.mark.parametrize(("script", "agreeing"), [("AA", None), ("AF", 1), ("AM", 1)])
def test_asks_for_all_when_fewer_are_left_than_the_quorum(
    market: LiveMarket, script: str, agreeing: int | None
) -> None:
    dataset = market.dataset_with(replicas=4)
    couple = couple_in(CouplePhase.APPROVED, dataset, quorum=4)
    gone = dataset.instances()[:2]
    for ci in gone:
        dataset.retire(ci)
    couple.start()
    couple.draw()
    for ci, letter in zip(dataset.instances()[2:], script, strict=True):
        if letter != "M":
            couple.report(ci, FORGED if letter == "F" else None)
    couple.outlive_reporting()
    if agreeing is None:
        couple.settle()
        assert statuses(couple) == [JobStatus.IDLE, JobStatus.IDLE, A, A]
    else:
        with reverts_with("Settlement_NoQuorum", couple.tc, 0, agreeing, 2):
            couple.settle()


def test_asks_for_the_quorum_of_the_couple(market: LiveMarket) -> None:
    couple = pool_of(market, replicas=3, quorum=3)
    couple.answer("AAF")
    with reverts_with("Settlement_NoQuorum", couple.tc, 0, 2, 3):
        couple.settle()


def test_reaches_the_quorum_of_the_couple(market: LiveMarket) -> None:
    couple = pool_of(market, replicas=3, quorum=3)
    couple.answer("AAA")
    couple.settle()
    assert statuses(couple) == [A, A, A]


def test_a_quorum_below_the_majority_lowers_nothing(market: LiveMarket) -> None:
    couple = pool_of(market, replicas=3, quorum=1)
    couple.answer("AFM")
    with reverts_with("Settlement_NoQuorum", couple.tc, 0, 1, 2):
        couple.settle()


# --- receipts from elsewhere ---


ELSEWHERE: dict[str, Callable[[LiveCouple], dict[str, Any]]] = {
    "another round": lambda _: {"round_": 2},
    "another couple": lambda couple: {"tc": couple.tc + (1 << 32)},
    "another instance": lambda couple: {"ci": couple.dataset.instances()[0]},
    "another cloud owner": lambda couple: {"co": couple.market.cloud_owners[0].address},
    "another chain": lambda couple: {"domain": receipt_domain(1, couple.market.contract.address)},
    "another market": lambda couple: {"domain": receipt_domain(chain().id, couple.market.stranger.address)},
}


@pytest.mark.parametrize("elsewhere", ELSEWHERE.values(), ids=ELSEWHERE)
def test_a_receipt_from_elsewhere_opens_to_nothing(
    dataset: LiveDataset, elsewhere: Callable[[LiveCouple], dict[str, Any]]
) -> None:
    couple = couple_in(CouplePhase.TRAINING, dataset)
    replayer = dataset.instances()[2]
    couple.report_all(but=replayer)
    here = {
        "domain": couple.market.domain,
        "tc": couple.tc,
        "round_": 1,
        "ci": replayer,
        "co": dataset.owner_of(replayer).address,
        "digest": couple.model_digest(),
        "nonce": FORGED,
    }
    couple.report_raw(replayer, training_receipt(**here | elsewhere(couple)), FORGED)
    couple.settle()
    assert statuses(couple) == [A, A, F]


def test_a_copied_receipt_opens_to_nothing(dataset: LiveDataset) -> None:
    couple = couple_in(CouplePhase.TRAINING, dataset)
    copier = dataset.instances()[2]
    couple.report_all(but=copier)
    _, hash_, nonce = couple.reports()[0]
    couple.report_raw(copier, hash_, nonce)
    couple.settle()
    assert statuses(couple) == [A, A, F]


def test_an_honest_receipt_of_the_last_round_is_worth_nothing_in_this_one(dataset: LiveDataset) -> None:
    couple = couple_in(CouplePhase.TRAINING, dataset)
    *honest, replayer = dataset.instances()
    hash_, nonce = couple.receipt(replayer, FORGED)
    couple.finish_round()
    couple.start()
    couple.draw()
    for ci in honest:
        couple.report(ci, FORGED)  # the model has converged: the digest is the same again
    couple.report_raw(replayer, hash_, nonce)
    couple.settle(digest=FORGED)
    assert statuses(couple) == [A, A, F]


# --- a pool that changes ---


def test_who_is_verified_after_the_draw_is_not_of_the_round(market: LiveMarket) -> None:
    dataset = market.dataset_with(replicas=3, max_replicas=4)
    couple = couple_in(CouplePhase.TRAINING, dataset)
    (late,) = dataset.join(*dataset.name(market.cloud_owners[3]))
    dataset.verify(late)
    couple.report_all(but=late)
    couple.settle()
    assert statuses(couple) == [A, A, A, JobStatus.IDLE]
    couple.start()
    couple.draw()
    assert couple.facts["rem"] == 4


def test_who_left_before_the_start_is_not_of_the_round(dataset: LiveDataset) -> None:
    couple = couple_in(CouplePhase.APPROVED, dataset)
    leaver, *others = dataset.instances()
    dataset.retire(leaver)
    couple.start()
    couple.draw()
    couple.report_all(but=leaver)
    couple.settle()
    assert [couple.status(ci) for ci in (leaver, *others)] == [JobStatus.IDLE, A, A]
    assert dataset.instance(leaver)["bond"] == TERMS.instance_bond


@pytest.mark.parametrize(("script", "verdict"), [("AAA", A), ("FAA", F), ("MAA", M)])
def test_who_left_after_the_draw_is_judged(dataset: LiveDataset, script: str, verdict: JobStatus) -> None:
    couple = couple_in(CouplePhase.TRAINING, dataset)
    leaver = dataset.instances()[0]
    dataset.retire(leaver)
    couple.answer(script)
    couple.settle()
    assert couple.status(leaver) is verdict
    assert dataset.status(leaver) is InstanceStatus.RETIRING


def test_who_left_after_the_draw_stays_as_long_as_the_round_can(
    market: LiveMarket, dataset: LiveDataset
) -> None:
    couple = couple_in(CouplePhase.TRAINING, dataset)
    leaver = dataset.instances()[0]
    dataset.retire(leaver)
    left_at = dataset.instance(leaver)["since"]
    held_until = left_at + TERMS.unbonding_seconds
    moment = couple.settle_deadline + TERMS.settle_window_seconds
    with reverts_with("Distribution_TooEarly", leaver, held_until, moment):
        clock.at(moment, partial(market.contract.releaseCI, leaver, {"from": market.stranger}))


# --- jobs after the verdict ---


def test_the_verdict_stays_until_the_instance_answers_again(dataset: LiveDataset) -> None:
    couple = couple_in(CouplePhase.TRAINING, dataset)
    couple.answer("AAM")
    couple.settle()
    couple.start()
    couple.draw()
    jobs = [couple.job(ci) for ci in dataset.instances()]
    assert [(job["round"], job["status"]) for job in jobs] == [(1, A), (1, A), (1, M)]
    couple.report(dataset.instances()[2])
    assert statuses(couple) == [A, A, JobStatus.REPORTED]


def test_missing_leaves_no_seal(dataset: LiveDataset) -> None:
    couple = couple_in(CouplePhase.TRAINING, dataset)
    couple.finish_round()
    couple.start()
    couple.draw()
    couple.answer("AAM")
    couple.settle()
    job = couple.job(dataset.instances()[2])
    assert (bytes(job["commitment"]), job["round"], job["status"]) == (bytes(27), 2, M)
