"""What terms, sizes and the order of rounds allow to whom: traps, floods, dust. Each says what it costs whom.

Prices are those of the attack: job 100, round 1,000, bond 300, miss penalty 40, couple bond 500.

Rules: D10, D17, D18, L1, S7, S10, S15, S16, S22, S24, S25, T12, T21, R9
"""

from __future__ import annotations

import pytest

from agents.core import calls
from agents.core.amounts import ETHER, GWEI
from agents.core.enums import CouplePhase, InstanceStatus
from agents.portfolio.entries import MAX_REPLICAS, MAX_SUBSETS
from agents.portfolio.terms import Terms
from testing.attack_fixture import AttackFixture, refused
from testing.script import FORGED, METADATA

JOB, ROUND, BOND, MISS = 100, 1_000, 300, 40
BLOCK_GAS, BLOCK_SECONDS = 30_000_000, 12


def at(phase: CouplePhase, **settings: int) -> AttackFixture:
    attack = AttackFixture(**settings)
    attack.bring_to(phase)
    return attack


# --- terms ---


def test_a_report_window_too_short_to_train_in_takes_the_penalties() -> None:
    """Best play of a DO and an MO in league.

    Offer windows of a second, let COs join, start rounds. It pays, and costs them gas: a CO must read the
    terms.
    """
    attack = at(CouplePhase.TRAINING, report_window_seconds=1)
    attack.now = attack.couple.deadline + 1
    with attack.changes(co0=-MISS, co1=-MISS, co2=-MISS, mo=3 * MISS):
        attack.close()


def test_of_two_replicas_a_liar_loses_its_pay_alone() -> None:
    """Neither convicts the other: the honest one has worked for nothing."""
    attack = at(CouplePhase.TRAINING, replicas=2)
    with attack.changes():
        attack.answer("AF")
        with refused("Settlement_NoQuorum"):
            attack.settle(0)
        attack.close()


def test_one_replica_is_paid_for_whatever_it_reports() -> None:
    attack = at(CouplePhase.TRAINING, replicas=1)
    with attack.changes(co0=JOB, do=ROUND, mo=-ROUND - JOB):
        attack.answer("F")
        attack.settle(0, FORGED, by=attack.cos[0])


def test_stuffing_blocks_for_a_window_costs_more_than_a_round_is_worth() -> None:
    """Best play of an MO.

    Fill every block of the report window, for the penalties; or of the settle window, once it has the
    results, for the price. At 1 gwei it costs five times what the largest round there can be is worth: it
    would pay below 0.19 gwei, and in a round of six jobs below 0.0003.
    """
    terms, jobs = Terms(), MAX_SUBSETS * MAX_REPLICAS
    window = min(terms.report_window_seconds, terms.settle_window_seconds)
    costs = window // BLOCK_SECONDS * BLOCK_GAS * GWEI
    penalties, price = jobs * terms.miss_penalty, terms.round_price + jobs * terms.job_price
    assert costs == 54 * ETHER
    assert (penalties, price) == (10_240 * ETHER // 1000, 4_106 * ETHER // 1000)
    assert costs * 19 // 100 > penalties > price
    assert costs * 3 // 10_000 > 6 * terms.job_price + terms.round_price > 6 * terms.miss_penalty


# --- rounds ---


def test_a_cartel_of_flags_has_a_made_up_result_paid_unheard() -> None:
    """Best play of COs with most of a round's jobs.

    One reports what it made up, the others flag. It pays: a job's price. The MO loses the whole price.
    """
    attack = at(CouplePhase.TRAINING)
    with attack.changes(co0=JOB, do=ROUND + 2 * JOB, mo=-ROUND - 3 * JOB):
        attack.answer("FGG")
        attack.close()


def test_a_do_that_empties_a_subset_voids_its_rounds() -> None:
    """Best play of a DO that wants an MO to fail.

    Retire every replica between two rounds. It loses the price of each round, the MO one of those it may
    start.
    """
    attack = at(CouplePhase.APPROVED)
    for ci in attack.cis():
        attack.attempt("do", calls.retire_ci(ci))
    with attack.changes():
        attack.start()
        attack.draw()
        assert (attack.couple.rem, attack.phase) == (0, CouplePhase.SETTLING)
        with refused("Settlement_NoQuorum"):
            attack.settle(0)
        attack.close()
    assert (attack.couple.round, attack.couple.max_rounds) == (1, 2)


def test_an_mo_foresees_the_last_draw_of_an_epoch_and_may_stop_there() -> None:
    """It draws what is left. To end the couple there costs the MO nothing, the DO the price of the round."""
    stops, goes_on = (at(CouplePhase.TRAINING, subsets=2) for _ in range(2))
    for attack in (stops, goes_on):
        attack.answer("AAA")
        attack.settle_all()
    foreseen = 0b11 ^ goes_on.couple.rounds[1].drawn
    goes_on.start()
    goes_on.draw()
    assert goes_on.couple.current.drawn == foreseen
    with stops.changes():
        stops.attempt("mo", calls.complete_tc(stops.tc, METADATA))


def test_an_mo_that_asks_and_ends_at_once_costs_the_do_an_approval() -> None:
    """Gas for gas: the bond comes back at once. The DO's agent approves three couples of one MO."""
    attack = at(CouplePhase.REQUESTED)
    with attack.changes():
        attack.approve()
        attack.attempt("mo", calls.complete_tc(attack.tc, METADATA))
    assert attack.phase is CouplePhase.COMPLETED


# --- places ---


def test_a_co_that_joins_and_leaves_wastes_a_name() -> None:
    """Gas for gas: its bond and its place are free at once; of the 255 names of the subset one is used up."""
    attack = AttackFixture()
    attack.register()
    attack.offer()
    attack.name()
    gone = attack.ci(0)
    with attack.changes():
        attack.join(gone)
        attack.attempt("co0", calls.retire_ci(gone))
        attack.name(attack.cos[0])
    assert attack.instance(gone).status is InstanceStatus.RETIRED
    assert gone not in attack.cis()
    assert len(attack.cis()) == 3


# --- dust ---


def test_dust_in_the_ledger_weighs_on_nobody() -> None:
    """A wei in, a wei out, a hundred times: what others pay to settle stays what it was."""
    gas = []
    for dust in (0, 100):
        attack = at(CouplePhase.SETTLING)
        with attack.changes():
            for _ in range(dust):
                attack.attempt("stranger", calls.deposit(1))
            for _ in range(dust):
                attack.attempt("stranger", calls.withdraw(1))
        attack.evm.cool()
        attack.settle(0)
        gas.append(attack.evm.gas_used)
    assert gas[0] == gas[1]


@pytest.mark.parametrize(("price", "share"), [(1_000, 333), (5, 1)])
def test_what_a_rounds_price_does_not_divide_into_stays_the_mos(price: int, share: int) -> None:
    """A DO loses it: at most a wei less than the subsets that a round draws."""
    attack = at(CouplePhase.TRAINING, subsets=3, subsets_per_round=3, round_price=price)
    with attack.changes(do=3 * share, mo=-3 * share - 9 * JOB, co0=3 * JOB, co1=3 * JOB, co2=3 * JOB):
        attack.answer("AAA", "AAA", "AAA")
        attack.settle_all()


def test_what_a_bond_does_not_divide_into_is_the_mos() -> None:
    """Of 200 wei three have 66 each: the accepted lose at most a wei each to it."""
    attack = at(CouplePhase.TRAINING, replicas=4)
    each = JOB + 66
    with attack.changes(co0=-BOND, co1=each, co2=each, co3=each, do=ROUND, mo=-ROUND - 3 * JOB + JOB + 2):
        attack.answer("FAAA")
        attack.settle(0)


# --- arrays ---


def test_a_long_list_of_subsets_fails_at_the_cost_of_its_sender() -> None:
    """The second of two alike is refused, and nothing has happened; what it cost others is nothing."""
    attack = at(CouplePhase.OVERDUE)
    with attack.changes(), refused("Settlement_NotPending"):
        attack.attempt("stranger", calls.close_round(attack.tc, [0] * 5_000))
    assert attack.evm.gas_used > 5_000 * 4
    with attack.changes():
        attack.close()


def test_a_long_list_of_names_is_paid_for_by_the_do() -> None:
    """The most that fit, in one call; what a CO pays to join does not depend on them."""
    gas = []
    for subsets in (1, 100):
        attack = AttackFixture(subsets=subsets)
        attack.register()
        attack.offer()
        attack.name()
        assert attack.evm.gas_used > 20_000 * 3 * subsets
        attack.evm.cool()
        attack.join(attack.ci(0))
        gas.append(attack.evm.gas_used)
    assert gas[0] == gas[1]
