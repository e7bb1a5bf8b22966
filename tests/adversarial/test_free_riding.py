"""Attacks for coins or for work that is not paid: each with the attacker's best play, and what it costs.

Prices are those of the arena: job 100, round 1,000, bond 300, miss penalty 40, couple bond 500.

Rules: R3, R5, S1, S4, S7, S8, S12, S21, S22, S23, S24, S25, T20, T28, T29
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations_with_replacement

import pytest

from agents.core import calls
from agents.core.enums import CouplePhase, InstanceStatus, JobStatus
from testing.arena import Arena, refused
from testing.script import FORGED, LOCATION

JOB, ROUND, BOND, MISS, COUPLE = 100, 1_000, 300, 40, 500


def training(**settings: int) -> Arena:
    arena = Arena(**settings)
    arena.bring_to(CouplePhase.TRAINING)
    return arena


# --- the model owner ---


def test_an_mo_that_lets_one_replica_read_pays_the_whole_price() -> None:
    """Best play: seal the weights to one CO, fetch its result, let the others flag the round out.

    Saves: nothing.
    """
    arena = training()
    with arena.changes(mo=-ROUND - 3 * JOB, do=ROUND + 2 * JOB, co0=JOB):
        arena.answer("AGG")
        arena.close()
    assert arena.phase is CouplePhase.APPROVED


def test_an_mo_that_lets_just_too_few_read_pays_the_whole_price() -> None:
    """Best play.

    Two of four read, in a subset beside one that all read, so that the round is not flagged out.
    """
    arena = training(replicas=4, subsets=2, subsets_per_round=2)
    with arena.changes(mo=-ROUND - 8 * JOB, do=ROUND + 2 * JOB, co0=2 * JOB, co1=2 * JOB, co2=JOB, co3=JOB):
        arena.answer("AAGG", "AAAA")
        arena.settle(1)
        arena.close()


@pytest.mark.parametrize(("answers", "reported"), [("AFG", 2), ("AAFG", 3), ("AAFFG", 4), ("AAAFFFG", 6)])
def test_an_mo_with_a_minority_of_liars_and_one_unread_co_pays_the_whole_price(
    answers: str, reported: int
) -> None:
    """Best play.

    It leaves just enough honest COs unread that the others are no quorum; its own, fewer than half, report
    nonsense. The subset can be neither settled nor flagged out. Saves: nothing; its liars' pay is its own.
    """
    arena = training(replicas=len(answers))
    paid = {f"co{number}": JOB for number in range(reported)}
    unread = JOB * (len(answers) - reported)
    with arena.changes(mo=-ROUND - len(answers) * JOB, do=ROUND + unread, **paid):
        arena.answer(answers)
        with refused("Settlement_NoQuorum"):
            arena.settle(0)
        arena.close()


@pytest.mark.parametrize("replicas", range(1, 8))
def test_who_reports_what_it_trained_is_paid_as_long_as_fewer_than_half_are_dishonest(replicas: int) -> None:
    """A search of all coalitions of an MO with a minority of a subset's COs, up to the order of the replicas.

    The MO chooses which honest COs can read; each of its own lies or is silent (if it flags it is as one that
    cannot read); flags come last, which is best for it. Whoever reported what it trained is paid its job's
    price at least, and the DO its share.
    """
    lost = []
    for word in coalitions(replicas):
        arena = training(replicas=replicas)
        before = arena.wealth()
        arena.answer(word)
        if arena.phase is CouplePhase.SETTLING and 2 * word.count("A") > replicas:
            arena.settle(0, by=arena.stranger)
        else:
            arena.close()
        after = arena.wealth()
        honest = [f"co{number}" for number, letter in enumerate(word) if letter == "A"]
        owed = [("do", ROUND)] * bool(honest) + [(name, JOB) for name in honest]
        lost += [(word, name) for name, due in owed if after[name] < before[name] + due]
    assert lost == []


def coalitions(replicas: int) -> Iterator[str]:
    """Answers of a subset in which fewer than half are dishonest.

    Honest and trained (A), lying (F), honest and unread (G), silent (M). Once more than half have flagged the
    round is flagged out, and nobody can answer any more.
    """
    for word in combinations_with_replacement("AFGM", replicas):
        if 2 * (word.count("F") + word.count("M")) < replicas:
            flags = word.count("G")
            heard = min(flags, replicas // 2 + 1)
            yield "".join(word).replace("G" * flags, "G" * heard + "M" * (flags - heard), 1)


def test_an_mo_whose_weights_nobody_can_read_pays_nothing_and_gets_nothing() -> None:
    """It loses one of the rounds that it may start, and its gas; the COs the gas of a flag."""
    arena = training()
    with arena.changes():
        arena.answer("GGM")
        arena.close()
    assert (arena.couple.round, arena.couple.max_rounds) == (1, 2)


def test_an_mo_that_asks_for_all_and_has_one_liar_gets_the_others_work_for_nothing() -> None:
    """Best play: `quorum` = n and one CO in league.

    Costs it nothing: the answer is the DO's, which declines (A28).
    """
    arena = training(quorum=3)
    with arena.changes():
        arena.answer("AAF")
        with refused("Settlement_NoQuorum"):
            arena.settle(0)
        arena.close()


def test_an_mo_that_does_not_settle_is_settled_for() -> None:
    """Best play: keep silent. Any CO that trained opens the digest itself. Saves the MO the gas of it."""
    arena = training()
    arena.answer("AAA")
    with arena.changes(mo=-ROUND - 3 * JOB, do=ROUND, co0=JOB, co1=JOB, co2=JOB):
        arena.settle(0, by=arena.cos[1])


# --- the data owner ---


def test_a_do_that_withholds_after_it_has_seen_the_draw_loses_its_bond() -> None:
    """Best play: work out the draw from both seeds, dislike it, say nothing. No second draw follows."""
    arena = Arena()
    arena.bring_to(CouplePhase.DRAWING)
    arena.now = arena.couple.deadline + 1
    with arena.changes(do=-COUPLE, mo=COUPLE):
        arena.attempt("stranger", calls.expire_draw(arena.tc))
    with refused("Training_WrongPhase"):
        arena.draw()
    assert arena.phase is CouplePhase.ABORTED


def test_a_do_that_takes_an_honest_co_out_before_its_draw_changes_nothing() -> None:
    """Best play: retire the honest majority once the MO's seed is open.

    They are summoned, paid, and decide.
    """
    arena = Arena()
    arena.bring_to(CouplePhase.DRAWING)
    for number in (0, 1):
        arena.attempt("do", calls.retire_ci(arena.ci(number)))
    arena.draw()
    assert arena.couple.rem == 3
    with arena.changes(mo=-ROUND - 2 * JOB + JOB, do=ROUND, co0=JOB + 100, co1=JOB + 100, co2=-BOND):
        arena.answer("AAF")
        arena.settle(0)


def test_a_do_that_verifies_its_own_before_its_draw_changes_nothing() -> None:
    """Best play: hold accomplices back as Joined, verify them once the draw is known.

    They are not summoned.
    """
    arena = Arena(replicas=5)
    arena.register()
    arena.offer()
    arena.name()
    for ci in arena.cis():
        arena.join(ci)
    arena.verify(*arena.cis()[:3])
    arena.request()
    arena.approve()
    arena.start()
    arena.verify(*arena.cis()[3:])
    arena.draw()
    assert [arena.market.instances[ci].cloud_owner for ci in arena.summoned(0)] == [
        co.address for co in arena.cos[:3]
    ]
    with refused("Training_NotDrawn"):
        arena.report(arena.ci(3))


def test_a_do_that_moves_the_places_about_stops_no_settlement() -> None:
    """Best play: refuse and name anew before each settlement, so that its reports are in the wrong order."""
    arena = Arena(replicas=4)
    arena.register()
    arena.offer()
    arena.name()
    for ci in arena.cis()[1:]:
        arena.join(ci)
    arena.verify(*arena.cis()[1:])
    arena.request()
    arena.approve()
    arena.start()
    arena.draw()
    arena.answer("AAA")
    prepared = arena.market.reports_of(arena.couple, 0)
    arena.attempt("do", calls.retire_ci(arena.cis()[0]))
    assert arena.market.reports_of(arena.couple, 0) != prepared
    arena.attempt("mo", calls.settle_round(arena.tc, 0, arena.model_digest(0), prepared))
    assert arena.phase is CouplePhase.APPROVED


# --- cloud owners ---


@pytest.mark.parametrize("replicas", [3, 5, 16])
def test_a_dishonest_minority_pays_the_honest(replicas: int) -> None:
    """Best play: agree on a lie.

    Each liar loses its bond: a job's price to the MO, the rest to the honest.
    """
    liars = (replicas - 1) // 2
    arena = training(replicas=replicas)
    arena.answer("F" * liars + "A" * (replicas - liars))
    with refused("Settlement_NoQuorum"):
        arena.settle(0, FORGED, by=arena.cos[0])
    before = arena.wealth()
    arena.settle(0)
    gained = {name: has - before[name] for name, has in arena.wealth().items()}
    bonus = liars * (BOND - JOB) // (replicas - liars)
    assert all(gained[f"co{number}"] == -BOND for number in range(liars))
    assert all(gained[f"co{number}"] == JOB + bonus for number in range(liars, replicas))


def test_a_dishonest_majority_takes_the_honest_bond() -> None:
    """What the assumption is about: two of three liars settle their lie.

    Only the choice of COs prevents it.
    """
    arena = training()
    arena.answer("FFA")
    with arena.changes(co0=JOB + 100, co1=JOB + 100, co2=-BOND, do=ROUND, mo=-ROUND - 2 * JOB + JOB):
        arena.settle(0, FORGED, by=arena.cos[0])


def test_a_copied_report_convicts_who_copied_it() -> None:
    """Best play: send another's hash and nonce at once, mined before or after.

    It opens to nothing: the bond.
    """
    arena = training()
    receipt, nonce = arena.receipt(arena.ci(0))
    arena.attempt("co1", calls.update_tj(arena.tc, arena.ci(1), 1, receipt, nonce, LOCATION))
    arena.report(arena.ci(0))
    arena.report(arena.ci(2))
    with arena.changes(co1=-BOND, co0=JOB + 100, co2=JOB + 100, do=ROUND, mo=-ROUND - 2 * JOB + JOB):
        arena.settle(0)


def test_a_report_replayed_in_the_next_round_convicts() -> None:
    """Best play: train once, send the first round's receipt again. It binds its round: the bond."""
    arena = training()
    old = arena.receipt(arena.ci(0))
    arena.answer("AAA")
    arena.settle(0)
    arena.start()
    arena.draw()
    arena.attempt("co0", calls.update_tj(arena.tc, arena.ci(0), 2, *old, LOCATION))
    arena.report(arena.ci(1))
    arena.report(arena.ci(2))
    arena.settle(0)
    assert arena.couple.current.verdicts[arena.ci(0)] == (JobStatus.FAULTY, BOND)


def test_who_waits_for_the_digest_comes_too_late() -> None:
    """Best play: stay silent until a digest is opened, then report it.

    Reporting is closed by then: the penalty.
    """
    arena = training()
    arena.report(arena.ci(0))
    arena.report(arena.ci(1))
    with refused("Training_WrongPhase"):
        arena.settle(0)
    arena.now = arena.couple.deadline + 1
    arena.settle(0)
    with refused("Training_WrongPhase"):
        arena.report(arena.ci(2))
    assert arena.couple.current.verdicts[arena.ci(2)] == (JobStatus.MISSED, MISS)


def test_a_liar_that_leaves_before_the_verdict_is_slashed() -> None:
    """Best play: retire at once after the false report. The bond is held until every such round is over."""
    arena = training()
    arena.answer("AAF")
    arena.attempt("co2", calls.retire_ci(arena.ci(2)))
    arena.now = arena.market.settle_deadline(arena.couple)
    with refused("Distribution_TooEarly"):
        arena.attempt("co2", calls.release_ci(arena.ci(2)))
    arena.settle(0)
    assert arena.instance(arena.ci(2)).bond == 0


def test_a_co_that_leaves_right_after_the_start_is_summoned_nevertheless() -> None:
    """Best play: see the round start, leave before the draw. It is asked to train, and fined for silence."""
    arena = Arena()
    arena.bring_to(CouplePhase.DRAWING)
    arena.attempt("co2", calls.retire_ci(arena.ci(2)))
    arena.draw()
    arena.answer("AAM")
    arena.settle(0)
    assert arena.couple.current.verdicts[arena.ci(2)] == (JobStatus.MISSED, MISS)


def test_an_honest_co_that_is_retired_in_mid_round_is_paid() -> None:
    """A DO's best play against a CO: it costs the CO its place from the next round on, and no coin."""
    arena = training()
    arena.attempt("do", calls.retire_ci(arena.ci(0)))
    arena.answer("AAA")
    with arena.changes(co0=JOB, co1=JOB, co2=JOB, do=ROUND, mo=-ROUND - 3 * JOB):
        arena.settle(0)
    leaver = arena.market.instances[arena.ci(0)]
    arena.now = leaver.since + arena.terms.unbonding_seconds + 1
    with arena.changes():
        arena.attempt("stranger", calls.release_ci(leaver.id))


def test_silence_runs_a_bond_out_and_ends_the_place() -> None:
    """Best play of who would rather not work: stay silent.

    Out of the pool once the bond covers no further miss.
    """
    arena = training(rounds=9, instance_bond=100)
    for _ in range(2):
        arena.answer("AAM")
        arena.settle(0)
        last = arena.instance(arena.ci(2))
        arena.start()
        arena.draw()
    assert (last.bond, last.status) == (100 - 2 * MISS, InstanceStatus.RETIRING)
    assert arena.couple.rem == 2


def test_lying_in_two_couples_for_one_bond_is_paid_in_neither() -> None:
    """Best play: lie wherever one is summoned at once.

    The second verdict finds no bond, and no pay either.
    """
    arena = training()
    first = arena.tc
    arena.tc = type(first)(first + (1 << 32))
    arena.request()
    arena.approve()
    arena.start()
    arena.draw()
    lost = 0
    for tc in (first, arena.tc):
        arena.tc = tc
        arena.answer("AAF")
        before = arena.wealth()["co2"]
        arena.settle(0)
        lost += before - arena.wealth()["co2"]
    assert lost == BOND
    assert arena.couple.current.verdicts[arena.ci(2)] == (JobStatus.FAULTY, 0)


def test_one_co_on_two_subsets_answers_for_each_with_a_bond_of_its_own() -> None:
    """Best play: lie in one, work in the other. Each instance has its bond, its verdict and its place."""
    arena = training(subsets=2, subsets_per_round=2)
    arena.answer("FAA", "AAA")
    arena.settle(0)
    arena.settle(1)
    assert arena.instance(arena.ci(0, 0)).bond == 0
    assert arena.instance(arena.ci(0, 1)).bond == BOND
    assert arena.couple.current.verdicts[arena.ci(0, 1)] == (JobStatus.ACCEPTED, JOB)
