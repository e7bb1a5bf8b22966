"""Chains that take blocks back once something was seen on them: what that is worth to whom.

Two fixtures with the same history are two branches of one chain. A draw that was seen cannot be rolled again
as long as both commitments stand; what a fork must take back to be worth something is said in each test.
Forks that leave them standing are in `test_griefing.py`.

Prices are those of the attack: job 100, round 1,000, miss penalty 40.

Rules: R7, S1, T10, T11, T21, T28
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from hashlib import sha256

from agents.core import calls
from agents.core.enums import CouplePhase
from agents.core.hashing import draw_round, round_seed, set_bits
from agents.roles.acts import Identity
from agents.roles.common import seed_link
from testing.attack_fixture import AttackFixture
from testing.script import FORGED, METADATA

JOB, ROUND, MISS = 100, 1_000, 40
WANTED = 0b00011
"""The draw that an attacker would like, of five subsets."""


def branch(phase: CouplePhase, subsets: int = 5, subsets_per_round: int = 2) -> AttackFixture:
    attack = AttackFixture(subsets=subsets, subsets_per_round=subsets_per_round)
    attack.bring_to(phase)
    return attack


def other_seeds(member: Identity) -> Iterator[Identity]:
    """The same member with other secrets, one after another."""
    for number in range(10_000):
        yield replace(member, derive=partial(_derive, b"secret %d " % number))


def _derive(secret: bytes, purpose: bytes) -> bytes:
    return sha256(secret + purpose).digest()


def first_link(attack: AttackFixture, member: Identity) -> bytes:
    return seed_link(member, attack.tc, attack.rounds, 1)


def first_draw(attack: AttackFixture, mo: Identity, do: Identity) -> int:
    """What the first round would draw."""
    seed = round_seed(first_link(attack, mo), first_link(attack, do), attack.tc, 1)
    return draw_round(seed, 0, 5, 2)[0]


def test_a_fork_that_takes_a_settlement_back_pays_who_copies_the_open_digest() -> None:
    """Best play.

    Do not train; take the digest from the branch that dies, and report it on the one that lives. The price of
    a job instead of the penalty.
    """
    dies, lives = (branch(CouplePhase.TRAINING, 1, 1) for _ in range(2))
    for attack in (dies, lives):
        attack.report(attack.ci(0))
        attack.report(attack.ci(1))
    dies.now = dies.couple.deadline + 1
    with dies.changes(co0=JOB, co1=JOB, co2=-MISS, do=ROUND, mo=-ROUND - 2 * JOB + MISS):
        dies.settle(0)
    opened = next(iter(dies.couple.current.digests.values()))
    with lives.changes(co0=JOB, co1=JOB, co2=JOB, do=ROUND, mo=-ROUND - 3 * JOB):
        lives.report(lives.ci(2), opened)
        lives.settle(0)


def test_a_fork_before_the_start_lets_an_mo_leave_a_draw_that_it_has_seen() -> None:
    """Best play.

    Start, see the draw, dislike it, and end the couple on the other branch. It keeps its escrow, as it does
    whenever it ends a couple; the DO goes without the round.
    """
    dies, lives = (branch(CouplePhase.APPROVED) for _ in range(2))
    dies.start()
    dies.draw()
    assert dies.couple.current.drawn == first_draw(dies, dies.mo, dies.do)
    with lives.changes():
        lives.attempt("mo", calls.complete_tc(lives.tc, METADATA))
    assert lives.couple.escrow == 0


def test_a_fork_before_the_start_lets_a_do_choose_who_answers_a_draw_that_it_has_seen() -> None:
    """Best play.

    Retire the honest of the drawn subsets before the round is started again; its accomplice is the majority
    of those who are left. It wins what a job pays in each, for nothing.
    """
    dies, lives = (branch(CouplePhase.APPROVED) for _ in range(2))
    dies.start()
    dies.draw()
    seen = dies.couple.current.drawn
    for subset in set_bits(seen):
        for honest in (0, 1):
            lives.attempt("do", calls.retire_ci(lives.ci(honest, subset)))
    lives.start()
    lives.draw()
    assert lives.couple.current.drawn == seen
    with lives.changes(co2=2 * JOB, do=ROUND, mo=-ROUND - 2 * JOB):
        lives.answer("F", "F")
        for subset in set_bits(seen):
            lives.settle(subset, FORGED, by=lives.cos[2])


def test_a_fork_before_the_approval_lets_a_do_choose_the_first_draw() -> None:
    """Best play.

    Approve, see the MO's link, then commit on the other branch to seeds that draw what one wants. It costs
    the DO nothing; a CO whose subset is left out is not paid.
    """
    dies, lives = branch(CouplePhase.REQUESTED), branch(CouplePhase.REQUESTED)
    dies.approve()
    dies.start()
    assert dies.couple.mo_tip == first_link(dies, dies.mo), "it is open"
    lives.do = next(do for do in other_seeds(lives.do) if first_draw(lives, lives.mo, do) == WANTED)
    with lives.changes():
        lives.attempt("do", calls.approve_tc(lives.tc, seed_link(lives.do, lives.tc, lives.rounds, 0)))
        lives.start()
        lives.draw()
    assert lives.couple.current.drawn == WANTED


def test_a_fork_before_the_request_lets_an_mo_choose_the_first_draw() -> None:
    """Best play.

    Ask, see the DO's link, then ask on the other branch with seeds that draw what one wants. The DO commits
    to the seeds that it used before: its agent derives them from the couple's id. It costs the MO nothing.
    """
    dies = branch(CouplePhase.TRAINING)
    lives = AttackFixture(subsets=5, subsets_per_round=2)
    lives.open()
    lives.mo = next(mo for mo in other_seeds(lives.mo) if first_draw(lives, mo, lives.do) == WANTED)
    with lives.changes():
        lives.request()
        lives.approve()
        lives.start()
        lives.draw()
    assert dies.couple.do_tip == lives.couple.do_tip == first_link(lives, lives.do)
    assert lives.couple.current.drawn == WANTED
