"""Attacks for coins or for work that is not paid: each with the attacker's best play, and what it costs.

Prices are those of the attack: job 100, round 1,000, bond 300, miss penalty 40, couple bond 500.

Rules: R3, R5, S1, S4, S7, S8, S12, S21, S22, S23, S24, S25, T20, T28, T29
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations_with_replacement

import pytest

from agents.core import calls
from agents.core.enums import CouplePhase, InstanceStatus, JobStatus
from testing.attack_fixture import AttackFixture, refused
from testing.script import FORGED, LOCATION

JOB, ROUND, BOND, MISS, COUPLE = 100, 1_000, 300, 40, 500


def training(**settings: int) -> AttackFixture:
    attack = AttackFixture(**settings)
    attack.bring_to(CouplePhase.TRAINING)
    return attack


# --- the model owner ---


def test_an_mo_that_lets_one_replica_read_pays_the_whole_price() -> None:
    """Best play: seal the weights to one CO, fetch its result, let the others flag the round out.

    Saves: nothing.
    """
    attack = training()
    with attack.changes(mo=-ROUND - 3 * JOB, do=ROUND + 2 * JOB, co0=JOB):
        attack.answer("AGG")
        attack.close()
    assert attack.phase is CouplePhase.APPROVED


def test_an_mo_that_lets_just_too_few_read_pays_the_whole_price() -> None:
    """Best play.

    Two of four read, in a subset beside one that all read, so that the round is not flagged out.
    """
    attack = training(replicas=4, subsets=2, subsets_per_round=2)
    with attack.changes(mo=-ROUND - 8 * JOB, do=ROUND + 2 * JOB, co0=2 * JOB, co1=2 * JOB, co2=JOB, co3=JOB):
        attack.answer("AAGG", "AAAA")
        attack.settle(1)
        attack.close()


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


@pytest.mark.parametrize(
    ("replicas", "quorum"),
    sorted({(n, q) for n in range(1, 8) for q in (0, n // 2 + 1, n // 2 + 2, n) if q <= n}),
)
def test_who_reports_what_it_trained_is_paid_as_long_as_fewer_than_half_are_dishonest(
    replicas: int, quorum: int
) -> None:
    """A search of all coalitions of an MO with a minority of a subset's COs, up to the order of the replicas.

    The MO chooses its quorum and which honest COs can read; each of its own lies or is silent (if it flags it
    is as one that cannot read); flags come last, which is best for it. Whoever reported what it trained is
    paid its job's price at least, and the DO its share.
    """
    lost = []
    for word in coalitions(replicas):
        arena = training(replicas=replicas, quorum=quorum)
        before = arena.wealth()
        arena.answer(word)
        if arena.phase is CouplePhase.SETTLING and word.count("A") >= max(quorum, replicas // 2 + 1):
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
    attack = training()
    with attack.changes():
        attack.answer("GGM")
        attack.close()
    assert (attack.couple.round, attack.couple.max_rounds) == (1, 2)


@pytest.mark.parametrize("replicas", [3, 4, 5, 7])
def test_an_mo_that_asks_for_all_and_has_one_liar_pays_the_whole_price(replicas: int) -> None:
    """Best play: `quorum` = n and one CO in league, so that nothing can be settled and nobody flags.

    Saves: nothing; its liar's pay is its own. A DO declines such a quorum besides (A28).
    """
    attack = training(replicas=replicas, quorum=replicas)
    paid = {f"co{number}": JOB for number in range(replicas)}
    with attack.changes(mo=-ROUND - replicas * JOB, do=ROUND, **paid):
        attack.answer("A" * (replicas - 1) + "F")
        with refused("Settlement_NoQuorum"):
            attack.settle(0)
        attack.close()


def test_one_that_is_silent_for_it_is_fined_and_saves_it_nothing() -> None:
    attack = training(quorum=3)
    with attack.changes(mo=-ROUND - 3 * JOB + MISS, do=ROUND + JOB, co0=JOB, co1=JOB, co2=-MISS):
        attack.answer("AAM")
        attack.close()


def part_filled(places: int, assigned: int, quorum: int) -> AttackFixture:
    """In training, with fewer instances than places."""
    attack = AttackFixture(replicas=places, quorum=quorum)
    attack.register()
    attack.offer()
    attack.name()
    attack.cos = attack.cos[:assigned]
    for ci in attack.cis()[:assigned]:
        attack.join(ci)
    attack.verify(*attack.cis()[:assigned])
    attack.request()
    attack.approve()
    attack.start()
    attack.draw()
    return attack


@pytest.mark.parametrize(("places", "assigned"), [(5, 3), (7, 4), (7, 5), (8, 3)])
def test_a_majority_of_the_places_is_more_than_one_of_the_assigned(places: int, assigned: int) -> None:
    """Best play: a quorum that the DO's agent lets pass, where of so few places filled a minority voids.

    Saves: nothing.
    """
    attack = part_filled(places, assigned, places // 2 + 1)
    paid = {f"co{number}": JOB for number in range(assigned)}
    liars = (assigned - 1) // 2
    with attack.changes(mo=-ROUND - assigned * JOB, do=ROUND, **paid):
        attack.answer("A" * (assigned - liars) + "F" * liars)
        with refused("Settlement_NoQuorum"):
            attack.settle(0)
        attack.close()


def test_a_liar_that_leaves_and_is_released_makes_the_quorum_no_smaller() -> None:
    """Best play: nobody closes until the liar is gone; of the two that are left a majority is all.

    Saves: what the liar would have been paid.
    """
    attack = AttackFixture(quorum=3)
    attack.bring_to(CouplePhase.DRAWING)
    attack.attempt("co2", calls.retire_ci(attack.ci(2)))
    attack.draw()
    with attack.changes(mo=-ROUND - 2 * JOB, do=ROUND, co0=JOB, co1=JOB):
        attack.answer("AAF")
        liar = attack.market.instances[attack.ci(2)]
        attack.now = liar.since + attack.terms.unbonding_seconds + 1
        attack.attempt("stranger", calls.release_ci(liar.id))
        attack.close()


def test_an_mo_that_asks_for_just_a_majority_owes_nothing_where_no_majority_is_honest() -> None:
    """What the rule is not about: it takes so many that they could settle what they like."""
    attack = training(quorum=2)
    with attack.changes(mo=MISS, co2=-MISS):
        attack.answer("AFM")
        attack.close()


def test_an_mo_that_does_not_settle_is_settled_for() -> None:
    """Best play: keep silent. Any CO that trained opens the digest itself. Saves the MO the gas of it."""
    attack = training()
    attack.answer("AAA")
    with attack.changes(mo=-ROUND - 3 * JOB, do=ROUND, co0=JOB, co1=JOB, co2=JOB):
        attack.settle(0, by=attack.cos[1])


# --- the data owner ---


def test_a_do_that_withholds_after_it_has_seen_the_draw_loses_its_bond() -> None:
    """Best play: work out the draw from both seeds, dislike it, say nothing. No second draw follows."""
    attack = AttackFixture()
    attack.bring_to(CouplePhase.DRAWING)
    attack.now = attack.couple.deadline + 1
    with attack.changes(do=-COUPLE, mo=COUPLE):
        attack.attempt("stranger", calls.expire_draw(attack.tc))
    with refused("Training_WrongPhase"):
        attack.draw()
    assert attack.phase is CouplePhase.ABORTED


def test_a_do_that_takes_an_honest_co_out_before_its_draw_changes_nothing() -> None:
    """Best play: retire the honest majority once the MO's seed is open.

    They are assigned, paid, and decide.
    """
    attack = AttackFixture()
    attack.bring_to(CouplePhase.DRAWING)
    for number in (0, 1):
        attack.attempt("do", calls.retire_ci(attack.ci(number)))
    attack.draw()
    assert attack.couple.rem == 3
    with attack.changes(mo=-ROUND - 2 * JOB + JOB, do=ROUND, co0=JOB + 100, co1=JOB + 100, co2=-BOND):
        attack.answer("AAF")
        attack.settle(0)


def test_a_do_that_verifies_its_own_before_its_draw_changes_nothing() -> None:
    """Best play: hold accomplices back as Joined, verify them once the draw is known.

    They are not assigned.
    """
    attack = AttackFixture(replicas=5)
    attack.register()
    attack.offer()
    attack.name()
    for ci in attack.cis():
        attack.join(ci)
    attack.verify(*attack.cis()[:3])
    attack.request()
    attack.approve()
    attack.start()
    attack.verify(*attack.cis()[3:])
    attack.draw()
    assert [attack.market.instances[ci].cloud_owner for ci in attack.assigned(0)] == [
        co.address for co in attack.cos[:3]
    ]
    with refused("Training_NotDrawn"):
        attack.report(attack.ci(3))


def test_a_do_that_moves_the_places_about_stops_no_settlement() -> None:
    """Best play: refuse and name anew before each settlement, so that its reports are in the wrong order."""
    attack = AttackFixture(replicas=4)
    attack.register()
    attack.offer()
    attack.name()
    for ci in attack.cis()[1:]:
        attack.join(ci)
    attack.verify(*attack.cis()[1:])
    attack.request()
    attack.approve()
    attack.start()
    attack.draw()
    attack.answer("AAA")
    prepared = attack.market.reports_of(attack.couple, 0)
    attack.attempt("do", calls.retire_ci(attack.cis()[0]))
    assert attack.market.reports_of(attack.couple, 0) != prepared
    attack.attempt("mo", calls.settle_round(attack.tc, 0, attack.model_digest(0), prepared))
    assert attack.phase is CouplePhase.APPROVED


# --- cloud owners ---


@pytest.mark.parametrize("replicas", [3, 5, 16])
def test_a_dishonest_minority_pays_the_honest(replicas: int) -> None:
    """Best play: agree on a lie.

    Each liar loses its bond: a job's price to the MO, the rest to the honest.
    """
    liars = (replicas - 1) // 2
    attack = training(replicas=replicas)
    attack.answer("F" * liars + "A" * (replicas - liars))
    with refused("Settlement_NoQuorum"):
        attack.settle(0, FORGED, by=attack.cos[0])
    before = attack.wealth()
    attack.settle(0)
    gained = {name: has - before[name] for name, has in attack.wealth().items()}
    bonus = liars * (BOND - JOB) // (replicas - liars)
    assert all(gained[f"co{number}"] == -BOND for number in range(liars))
    assert all(gained[f"co{number}"] == JOB + bonus for number in range(liars, replicas))


def test_a_dishonest_majority_takes_the_honest_bond() -> None:
    """What the assumption is about: two of three liars settle their lie.

    Only the choice of COs prevents it.
    """
    attack = training()
    attack.answer("FFA")
    with attack.changes(co0=JOB + 100, co1=JOB + 100, co2=-BOND, do=ROUND, mo=-ROUND - 2 * JOB + JOB):
        attack.settle(0, FORGED, by=attack.cos[0])


def test_a_copied_report_convicts_who_copied_it() -> None:
    """Best play: send another's hash and nonce at once, mined before or after.

    It opens to nothing: the bond.
    """
    attack = training()
    receipt, nonce = attack.receipt(attack.ci(0))
    attack.attempt("co1", calls.update_tj(attack.tc, attack.ci(1), 1, receipt, nonce, LOCATION))
    attack.report(attack.ci(0))
    attack.report(attack.ci(2))
    with attack.changes(co1=-BOND, co0=JOB + 100, co2=JOB + 100, do=ROUND, mo=-ROUND - 2 * JOB + JOB):
        attack.settle(0)


def test_a_report_replayed_in_the_next_round_convicts() -> None:
    """Best play: train once, send the first round's receipt again. It binds its round: the bond."""
    attack = training()
    old = attack.receipt(attack.ci(0))
    attack.answer("AAA")
    attack.settle(0)
    attack.start()
    attack.draw()
    attack.attempt("co0", calls.update_tj(attack.tc, attack.ci(0), 2, *old, LOCATION))
    attack.report(attack.ci(1))
    attack.report(attack.ci(2))
    attack.settle(0)
    assert attack.couple.current.verdicts[attack.ci(0)] == (JobStatus.FAULTY, BOND)


def test_who_waits_for_the_digest_comes_too_late() -> None:
    """Best play: stay silent until a digest is opened, then report it.

    Reporting is closed by then: the penalty.
    """
    attack = training()
    attack.report(attack.ci(0))
    attack.report(attack.ci(1))
    with refused("Training_WrongPhase"):
        attack.settle(0)
    attack.now = attack.couple.deadline + 1
    attack.settle(0)
    with refused("Training_WrongPhase"):
        attack.report(attack.ci(2))
    assert attack.couple.current.verdicts[attack.ci(2)] == (JobStatus.MISSED, MISS)


def test_a_liar_that_leaves_before_the_verdict_is_slashed() -> None:
    """Best play: retire at once after the false report. The bond is held until every such round is over."""
    attack = training()
    attack.answer("AAF")
    attack.attempt("co2", calls.retire_ci(attack.ci(2)))
    attack.now = attack.market.settle_deadline(attack.couple)
    with refused("Distribution_TooEarly"):
        attack.attempt("co2", calls.release_ci(attack.ci(2)))
    attack.settle(0)
    assert attack.instance(attack.ci(2)).bond == 0


def test_a_co_that_leaves_right_after_the_start_is_assigned_nevertheless() -> None:
    """Best play: see the round start, leave before the draw. It is asked to train, and fined for silence."""
    attack = AttackFixture()
    attack.bring_to(CouplePhase.DRAWING)
    attack.attempt("co2", calls.retire_ci(attack.ci(2)))
    attack.draw()
    attack.answer("AAM")
    attack.settle(0)
    assert attack.couple.current.verdicts[attack.ci(2)] == (JobStatus.MISSED, MISS)


def test_an_honest_co_that_is_retired_in_mid_round_is_paid() -> None:
    """A DO's best play against a CO: it costs the CO its place from the next round on, and no coin."""
    attack = training()
    attack.attempt("do", calls.retire_ci(attack.ci(0)))
    attack.answer("AAA")
    with attack.changes(co0=JOB, co1=JOB, co2=JOB, do=ROUND, mo=-ROUND - 3 * JOB):
        attack.settle(0)
    leaver = attack.market.instances[attack.ci(0)]
    attack.now = leaver.since + attack.terms.unbonding_seconds + 1
    with attack.changes():
        attack.attempt("stranger", calls.release_ci(leaver.id))


def test_silence_runs_a_bond_out_and_ends_the_place() -> None:
    """Best play of who would rather not work: stay silent.

    Out of the pool once the bond covers no further miss.
    """
    attack = training(rounds=9, instance_bond=100)
    for _ in range(2):
        attack.answer("AAM")
        attack.settle(0)
        last = attack.instance(attack.ci(2))
        attack.start()
        attack.draw()
    assert (last.bond, last.status) == (100 - 2 * MISS, InstanceStatus.RETIRING)
    assert attack.couple.rem == 2


def test_lying_in_two_couples_for_one_bond_is_paid_in_neither() -> None:
    """Best play: lie wherever one is assigned at once.

    The second verdict finds no bond, and no pay either.
    """
    attack = training()
    first = attack.tc
    attack.tc = type(first)(first + (1 << 32))
    attack.request()
    attack.approve()
    attack.start()
    attack.draw()
    lost = 0
    for tc in (first, attack.tc):
        attack.tc = tc
        attack.answer("AAF")
        before = attack.wealth()["co2"]
        attack.settle(0)
        lost += before - attack.wealth()["co2"]
    assert lost == BOND
    assert attack.couple.current.verdicts[attack.ci(2)] == (JobStatus.FAULTY, 0)


def test_one_co_on_two_subsets_answers_for_each_with_a_bond_of_its_own() -> None:
    """Best play: lie in one, work in the other. Each instance has its bond, its verdict and its place."""
    attack = training(subsets=2, subsets_per_round=2)
    attack.answer("FAA", "AAA")
    attack.settle(0)
    attack.settle(1)
    assert attack.instance(attack.ci(0, 0)).bond == 0
    assert attack.instance(attack.ci(0, 1)).bond == BOND
    assert attack.couple.current.verdicts[attack.ci(0, 1)] == (JobStatus.ACCEPTED, JOB)
