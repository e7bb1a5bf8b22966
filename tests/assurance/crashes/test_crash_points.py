"""Agents that are killed wherever they write, send or store: each life ends as the undisturbed one.

`make crashes` plays more of them. Rules: A7, A8.
"""

from __future__ import annotations

import shutil
from functools import cache
from pathlib import Path

import pytest

from agents.core.enums import CouplePhase
from assurance.crashes.__main__ import POINTS, told
from assurance.crashes.agent import Member, Process, forked
from assurance.crashes.deaths import Place, places, points_of
from assurance.crashes.killer import Drawn
from assurance.crashes.life import ROLES, Life, Outcome, Passed
from assurance.crashes.points import Death
from assurance.crashes.trunk import Survived, live, undisturbed

pytestmark = pytest.mark.forks

LIVES, MOST_LIVES = 4, 12
"""In how many lives each point is died at; who dies at one may never come to another that is after it."""

EACH = 30
"""Of the lives with one death, so many are played here once."""


@cache
def recorded() -> tuple[Outcome, list[Passed]]:
    return undisturbed()


def test_the_undisturbed_life_ends_well() -> None:
    outcome, _ = recorded()
    assert outcome.phases == [CouplePhase.COMPLETED]
    assert len(outcome.model) == 64
    assert (outcome.audit, outcome.reverted, outcome.twice) == ("", 0, [])
    assert sum(outcome.coins.values()) < outcome.contract == sum(outcome.paid_in.values())


def test_the_points_are_those_that_are_committed() -> None:
    """What writes somewhere else than before is seen in review."""
    points = points_of(recorded()[1])
    anew = "if that is meant, run `python -m assurance.crashes --write` and commit"
    assert "".join(f"{point}\n" for point in points) == POINTS.read_text(), anew


def test_every_role_writes_sends_and_stores() -> None:
    points = points_of(recorded()[1])
    for role in ROLES:
        for seam in ("commit", "replace", "put", "send", "work", "record"):
            assert any(point.startswith(f"{role} / {seam} ") for point in points), (role, seam)


def test_agents_that_are_killed_at_each_point_go_on_where_they_were(tmp_path: Path) -> None:
    """In few lives, each of many deaths: `make crashes` plays one for each."""
    outcome, passed = recorded()
    left = set(points_of(passed))
    for number in range(MOST_LIVES):
        life = Life(tmp_path / str(number))
        life.everywhere = set(sorted(left)[:: max(1, LIVES - number)])
        chosen = set(life.everywhere)
        assert life.play().differs_from(outcome) == [], sorted(chosen)
        died_at = chosen - life.everywhere
        assert life.killed == len(died_at) > 0
        left -= died_at
        if not left:
            break
    assert left == set()


def test_an_agent_that_is_killed_once_goes_on_where_it_was() -> None:
    outcome, passed = recorded()
    chosen = places(passed, passes=("first", "last"))[::EACH]
    lives = list(live(chosen, outcome))
    assert sorted(one.place.name for one in lives) == sorted(place.name for place in chosen)
    assert [(one.place, one.problems) for one in lives if one.problems] == []


def test_agents_that_lose_their_homes_are_noticed(tmp_path: Path) -> None:
    """That all lives end alike is no matter of course."""
    outcome, _ = recorded()
    sent = "model owner / send chain.broadcasts.Broadcasts._send requestTC / after"
    starts: list[str] = []

    def forgetful(member: Member) -> Process:
        if member.role in starts:
            for file in member.home.glob("*.sqlite*"):
                file.unlink()
            shutil.rmtree(member.home / "models" / "wine")
        starts.append(member.role)
        return forked(member)

    life = Life(tmp_path, forgetful)
    life.before = lambda life: life.deaths.update({} if life.killed else {"model owner": Death(sent, 0)})
    problems = life.play().differs_from(outcome)
    assert life.killed == 1
    assert any(problem.startswith("phases") for problem in problems)


# --- where to be killed ---


def in_turns(*turns: str) -> list[Passed]:
    """Points by one letter: ``a`` is before, ``A`` after the same."""
    names = {letter: f"{letter.lower()} / {'before' if letter.islower() else 'after'}" for letter in "aAbBcC"}
    return [Passed(turn, "mo", [names[letter] for letter in passed]) for turn, passed in enumerate(turns, 1)]


def moments(found: list[Place]) -> list[tuple[int, str, int]]:
    return [(place.turn, place.death.point, place.death.passes) for place in found]


def test_between_two_effects_one_death_is_enough() -> None:
    (first, second, third) = places(in_turns("aAbB"), passes=("first",))
    assert [pass_[0] for pass_ in first.stands_for] == ["a / before"]
    assert [pass_[0] for pass_ in second.stands_for] == ["a / after", "b / before"]
    assert [pass_[0] for pass_ in third.stands_for] == ["b / after"]


def test_between_two_turns_others_act() -> None:
    assert moments(places(in_turns("aA", "bB"), passes=("first",))) == [
        (1, "a / before", 0),
        (1, "a / after", 0),
        (2, "b / before", 0),
        (2, "b / after", 0),
    ]


def test_what_is_around_is_not_done_before_what_is_in_it() -> None:
    found = places(in_turns("abBA"), passes=("first",))
    assert moments(found) == [(1, "a / before", 0), (1, "b / after", 0)]


def test_a_point_has_a_first_a_second_and_a_last_pass() -> None:
    life = in_turns("aAaA", "aA", "aA")
    before = [place for place in places(life, passes=("first", "second", "last")) if place.turn != 2]
    assert moments(before) == [
        (1, "a / before", 0),
        (1, "a / after", 0),
        (1, "a / after", 1),
        (3, "a / before", 0),
        (3, "a / after", 0),
    ]


# --- what is told ---


def test_the_report_counts_what_came_through() -> None:
    place = Place(3, "mo", Death("a / before", 0), (("a / before", 2),))
    lives = [Survived(place, [], 1.0), Survived(place, ["coins: 1, not 2"], 1.0)]
    report = told(["a / before"], lives, [Drawn("mo", ("fsync", 40), [])], 1)
    assert (report["crash_points"], report["lives"], report["survived"]) == (1, 3, 2)
    assert report["problems"] == ["turn 3: a / before, pass 2: coins: 1, not 2"]
