"""Attacks that want harm, not coins: delays, races, floods, clocks and forks. Each says what it costs whom.

Rules: D20, L2, L3, L5, L7, L9, L11, R7, S3, S24, S14, S15, S21, T9, T10, T14, T17, T22
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from agents.core import calls
from agents.core.assets import Report
from agents.core.enums import CouplePhase, Role
from agents.core.hashing import draw_round, round_seed
from agents.core.ids import InstanceId, couple_id
from agents.roles.common import seed_link
from testing.attack_fixture import AttackFixture, refused
from testing.backend import MARKET
from testing.script import FORGED, LOCATION, METADATA, identity

JOB, ROUND, MISS, COUPLE = 100, 1_000, 40, 500
BLOCK_GAS = 30_000_000
Alteration = Callable[[list[Report]], list[Report]]


def at(phase: CouplePhase, **settings: int) -> AttackFixture:
    attack = AttackFixture(**settings)
    attack.bring_to(phase)
    return attack


# --- settlers ---


@pytest.mark.parametrize(
    ("alter", "error"),
    [
        (lambda reports: reports[1:], "Settlement_ReportMissing"),
        (lambda reports: [*reports, reports[0]], "Settlement_TooManyReports"),
        (lambda reports: [reports[0], *reports[:-1]], "Settlement_ReportMissing"),
        (lambda reports: [replace(reports[0], hash=FORGED), *reports[1:]], "Settlement_ReportAltered"),
        (lambda reports: [replace(reports[0], nonce=FORGED), *reports[1:]], "Settlement_ReportAltered"),
    ],
)
def test_a_settler_cannot_leave_out_repeat_or_alter_a_report(alter: Alteration, error: str) -> None:
    """It costs the settler its gas; who reported is settled by anybody else."""
    attack = at(CouplePhase.SETTLING)
    reports = alter(attack.market.reports_of(attack.couple, 0))
    with attack.changes(), refused(error):
        attack.attempt("stranger", calls.settle_round(attack.tc, 0, attack.model_digest(0), reports))
    attack.settle(0)


def test_a_false_digest_settles_nothing() -> None:
    attack = at(CouplePhase.SETTLING)
    with attack.changes(), refused("Settlement_NoQuorum"):
        attack.settle(0, FORGED, by=attack.stranger)


def test_the_second_of_two_settlers_finds_it_done() -> None:
    """Whoever is mined first decides nothing: digest and reports give the same verdicts.

    The second pays its gas.
    """
    attack = at(CouplePhase.SETTLING)
    prepared = attack.market.reports_of(attack.couple, 0)
    attack.settle(0, by=attack.stranger)
    with attack.changes(), refused("Training_WrongPhase"):
        attack.attempt("mo", calls.settle_round(attack.tc, 0, attack.model_digest(0), prepared))


def test_who_closes_one_subset_first_stops_a_batch_but_not_the_closing() -> None:
    """Each such call brings the round nearer to its end, at the cost of who makes it."""
    attack = at(CouplePhase.TRAINING, subsets=3, subsets_per_round=3)
    attack.now = attack.market.settle_deadline(attack.couple) + 1
    attack.attempt("stranger", calls.close_round(attack.tc, [1]))
    with refused("Settlement_NotPending"):
        attack.attempt("mo", calls.close_round(attack.tc, [0, 1, 2]))
    attack.attempt("mo", calls.close_round(attack.tc, [0, 2]))
    assert attack.phase is CouplePhase.APPROVED


# --- who does not come ---


def test_an_mo_that_never_starts_binds_the_do_for_the_couples_window_alone() -> None:
    """It costs the MO the use of its escrow for as long; afterwards anybody frees both."""
    attack = at(CouplePhase.APPROVED)
    attack.now = attack.couple.window_ends_at
    with refused("Training_WrongPhase"):
        attack.attempt("stranger", calls.expire_tc(attack.tc))
    attack.now += 1
    before = attack.coins(attack.do), attack.coins(attack.mo)
    attack.attempt("stranger", calls.expire_tc(attack.tc))
    freed = attack.coins(attack.do) - before[0], attack.coins(attack.mo) - before[1]
    assert freed == (COUPLE, 2 * (ROUND + 3 * JOB))


def test_a_flood_of_requests_binds_the_coins_of_who_sends_it() -> None:
    """Each request locks a whole escrow, and nothing of the DO's, which answers those that it likes."""
    attack = at(CouplePhase.REQUESTED)
    before = attack.coins(attack.mo)
    for _ in range(9):
        attack.request()
    assert before - attack.coins(attack.mo) == 9 * 2 * (ROUND + 3 * JOB)
    assert attack.coins(attack.do) == 10**9
    last = couple_id(attack.mo.address, 10)
    attack.now = attack.market.couples[last].deadline + 1
    with attack.changes():
        attack.attempt("stranger", calls.expire_request(last))


def test_to_be_named_costs_a_co_nothing() -> None:
    """A DO that names COs who never asked pays for it; they need not even answer."""
    attack = AttackFixture()
    attack.register()
    attack.offer()
    attack.name()
    with attack.changes():
        attack.now += attack.terms.answer_window_seconds + 1
        for ci in attack.cis():
            attack.attempt("stranger", calls.release_ci(ci))


def test_a_dataset_for_nothing_trains_for_nothing() -> None:
    """Prices and bonds of zero are allowed: nobody can lose, so nothing is deterred.

    The agents warn of it.
    """
    attack = at(
        CouplePhase.TRAINING, round_price=0, job_price=0, instance_bond=0, miss_penalty=0, couple_bond=0
    )
    with attack.changes():
        attack.answer("AFA")
        attack.settle(0)


# --- floods of bytes ---


@pytest.mark.parametrize("size", [0, 1_000, 100_000])
def test_a_long_location_costs_who_sends_it_and_nobody_else(size: int) -> None:
    """Locations are logged, not stored: what others pay to settle or close does not depend on them."""
    attack = at(CouplePhase.TRAINING)
    receipt, nonce = attack.receipt(attack.ci(0))
    attack.attempt("co0", calls.update_tj(attack.tc, attack.ci(0), 1, receipt, nonce, bytes(size)))
    assert attack.evm.gas_used >= 8 * size
    attack.report(attack.ci(1))
    attack.report(attack.ci(2))
    attack.evm.cool()
    attack.settle(0)
    assert attack.evm.gas_used < 120_000


def test_a_long_list_of_reports_that_nobody_made_fails_at_the_cost_of_its_sender() -> None:
    attack = at(CouplePhase.SETTLING)
    reports = [
        replace(attack.market.reports_of(attack.couple, 0)[0], ci=InstanceId(number))
        for number in range(2_000)
    ]
    with refused("Settlement_ReportMissing"):
        attack.attempt("stranger", calls.settle_round(attack.tc, 0, attack.model_digest(0), reports))
    attack.settle(0)


def test_nobody_can_make_anothers_exit_too_dear() -> None:
    """The most that one exit call can be made to do, at the largest sizes: 16 places a subset."""
    attack = at(CouplePhase.TRAINING, replicas=16)
    attack.now = attack.market.settle_deadline(attack.couple) + 1
    attack.evm.cool()
    attack.attempt("stranger", calls.close_round(attack.tc, [0]))
    assert attack.evm.gas_used < BLOCK_GAS // 30
    attack.evm.cool()
    attack.now = attack.terms.ends_at + 1
    attack.attempt("stranger", calls.release_ci(attack.cis()[-1]))
    assert attack.evm.gas_used < BLOCK_GAS // 300


def test_a_subset_has_at_most_255_names_and_its_pool_cannot_overflow() -> None:
    """Names are used up by naming and taking back; 2 changes each are far below the 2^24 that are counted."""
    attack = AttackFixture(replicas=1)
    attack.register()
    attack.offer()
    for _ in range(255):
        attack.name()
        attack.attempt("do", calls.retire_ci(attack.cis()[0]))
    with refused("Distribution_ReplicasExhausted"):
        attack.name()
    assert 256 * 255 * 2 < 2**24


# --- clocks ---


ANSWERS: dict[CouplePhase, Callable[[AttackFixture], object]] = {
    CouplePhase.REQUESTED: AttackFixture.approve,
    CouplePhase.DRAWING: AttackFixture.draw,
    CouplePhase.TRAINING: lambda attack: attack.report(attack.ci(0)),
}


@pytest.mark.parametrize("phase", ANSWERS)
def test_the_last_second_is_in_time_and_the_next_is_not(phase: CouplePhase) -> None:
    """A validator that moves the clock past a deadline hurts who acts in its last seconds: agents do not."""
    attack = at(phase)
    attack.now = attack.couple.deadline + 1
    with refused("Training_WrongPhase"):
        ANSWERS[phase](attack)
    attack.now -= 1
    ANSWERS[phase](attack)


def test_a_settlement_has_the_last_second_too() -> None:
    attack = at(CouplePhase.SETTLING)
    attack.now = attack.market.settle_deadline(attack.couple) + 1
    with refused("Training_WrongPhase"):
        attack.settle(0)
    with refused("Settlement_NotPending"):
        attack.attempt("stranger", calls.close_round(attack.tc, [1]))
    attack.now -= 1
    with refused("Training_WrongPhase"):
        attack.attempt("stranger", calls.close_round(attack.tc, [0]))
    attack.settle(0)


def test_a_clock_that_is_15_seconds_fast_costs_a_late_reporter_its_penalty() -> None:
    """The harm of a drifting validator is the price of being late, once, to who was at the edge."""
    attack = at(CouplePhase.TRAINING)
    attack.report(attack.ci(0))
    attack.report(attack.ci(1))
    attack.now = attack.couple.deadline - 14 + 15
    with refused("Training_WrongPhase"):
        attack.report(attack.ci(2))
    with attack.changes(co0=JOB, co1=JOB, co2=-MISS, do=ROUND, mo=-ROUND - 2 * JOB + MISS):
        attack.settle(0)


# --- forks ---


def test_a_fork_after_both_seeds_were_seen_draws_the_same() -> None:
    """Best play.

    Have the block of the draw taken back, then try another order, another time, other weights.
    """
    drawn = set()
    for delay in (0, 15, 3_000):
        attack = at(CouplePhase.APPROVED, subsets=5, subsets_per_round=2)
        attack.now += delay
        for _ in range(delay % 4):
            attack.attempt("mo", calls.deposit(0))
        link = seed_link(attack.mo, attack.tc, attack.rounds, 1)
        attack.attempt("mo", calls.start_round(attack.tc, link, bytes([delay % 251] * 32), LOCATION))
        attack.draw()
        drawn.add(attack.couple.current.drawn)
    assert len(drawn) == 1


def test_a_forked_draw_cannot_be_rolled_again_with_another_seed() -> None:
    """Both chains are committed: any other link is refused, on every branch."""
    attack = at(CouplePhase.DRAWING)
    with refused("Training_WrongSeed"):
        attack.attempt("do", calls.draw_round(attack.tc, seed_link(attack.do, attack.tc, attack.rounds, 2)))
    with refused("Training_WrongSeed"):
        attack.attempt("do", calls.draw_round(attack.tc, FORGED))


def test_a_do_that_commits_to_the_mos_tip_lets_the_mo_foresee_its_draws() -> None:
    """It opens what the MO has opened. The MO can work out every draw beforehand, and change none."""
    attack = at(CouplePhase.REQUESTED, subsets=5, subsets_per_round=2)
    attack.attempt("do", calls.approve_tc(attack.tc, attack.couple.mo_tip))
    link = seed_link(attack.mo, attack.tc, attack.rounds, 1)
    foreseen, _ = draw_round(round_seed(link, link, attack.tc, 1), 0, 5, 2)
    attack.start()
    attack.attempt("do", calls.draw_round(attack.tc, link))
    assert attack.couple.current.drawn == foreseen


# --- coins ---


def test_forced_coins_change_nothing() -> None:
    """It costs who forces them every one of them."""
    attack = at(CouplePhase.TRAINING)
    before = attack.wealth()
    attack.evm.force(10**6)
    assert attack.wealth() == before
    attack.answer("AAA")
    attack.settle(0)
    assert attack.evm.balance(MARKET) == attack.market.total() + 10**6


def test_the_market_takes_no_more_than_its_fields_can_hold() -> None:
    """So no payment, penalty or bond can overflow a field and keep an exit from being taken."""
    attack = AttackFixture()
    whale = identity("whale")
    attack.send(whale, calls.deposit(2**96 - 1))
    with refused("Ledger_Full"):
        attack.send(whale, calls.deposit(1))
    attack.send(whale, calls.withdraw(2**96 - 1))


def test_nobody_outside_a_role_can_act_in_it() -> None:
    attack = at(CouplePhase.APPROVED)
    with refused("Members_WrongRole"):
        attack.attempt("stranger", calls.create_ds(attack.terms, METADATA, LOCATION))
    with refused("Members_AlreadyRegistered"):
        attack.attempt("do", calls.register(Role.CLOUD_OWNER, bytes(64)))
    with refused("Training_NotParty"):
        attack.attempt("do", calls.complete_tc(attack.tc, METADATA))
    with refused("Distribution_NotOwner"):
        attack.attempt("mo", calls.retire_ci(attack.ci(0)))
