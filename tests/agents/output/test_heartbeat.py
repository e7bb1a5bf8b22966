"""What is said to whoever waits, when nothing else is."""

from __future__ import annotations

import time

import pytest

from agents.output.heartbeat import Heartbeat


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def said() -> list[str]:
    return []


def test_it_says_what_is_under_way_when_it_begins_and_after_each_silence(said: list[str]) -> None:
    clock = Clock()
    heart = Heartbeat(said.append, clock, every=4)
    heart.begin("compiling")
    for clock.now in (3.9, 4.0, 7.9, 8.5):
        heart.look()
    assert said == ["compiling ..", "compiling .. 4 s", "compiling .. 8 s"]


def test_what_others_say_breaks_the_silence(said: list[str]) -> None:
    clock = Clock()
    heart = Heartbeat(said.append, clock, every=4)
    heart.follow(lambda: f"round {clock.now:.0f}")
    clock.now = 3.0
    heart.said()
    clock.now = 6.0
    heart.look()
    assert said == []
    clock.now = 7.0
    heart.look()
    assert said == ["round 7 .. 7 s"]


def test_nothing_is_said_of_nothing(said: list[str]) -> None:
    clock = Clock()
    heart = Heartbeat(said.append, clock, every=4)
    clock.now = 100.0
    heart.look()
    assert said == []


def test_it_beats_by_itself_and_ends(said: list[str]) -> None:
    with Heartbeat(said.append, every=0.02) as heart:
        heart.begin("waiting")
        deadline = time.monotonic() + 10
        while len(said) < 3 and time.monotonic() < deadline:
            time.sleep(0.01)
    count = len(said)
    assert count >= 3
    time.sleep(0.05)
    assert len(said) == count
