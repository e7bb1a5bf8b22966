"""How the report writes for people."""

from __future__ import annotations

import math

import pytest

from agents.core.enums import Role
from agents.report.words import (
    brief,
    coins,
    duration,
    gap,
    listed,
    moment,
    numbered,
    role_name,
    score,
    share,
    size,
)

ETHER = 10**18


@pytest.mark.parametrize(
    ("wei", "text"),
    [
        (0, "0"),
        (1, "<0.000001"),
        (-1, "−<0.000001"),
        (ETHER, "1"),
        (ETHER // 400, "0.0025"),
        (-ETHER // 100, "−0.01"),
        (1_234 * ETHER + ETHER // 2, "1,234.5"),
        (ETHER // 3, "0.333333"),
        (10**12 // 2, "0.000001"),
        (999_999_999_999_999_999, "1"),
        (100 * ETHER, "100"),
    ],
)
def test_writes_amounts(wei: int, text: str) -> None:
    assert coins(wei) == text


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1_600, "1.6 kB"),
        (393_448, "393 kB"),
        (999_499, "999 kB"),
        (999_500, "1.0 MB"),
        (22_400_000, "22 MB"),
    ],
)
def test_writes_sizes(count: int, text: str) -> None:
    assert size(count) == text


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.0004, "0.4 ms"), (0.0381, "38 ms"), (1.74, "1.7 s"), (95.2, "95 s")]
)
def test_writes_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_writes_scores() -> None:
    assert score(0.97249, "accuracy") == "97.2\N{NO-BREAK SPACE}%"
    assert score(-0.5, "R2") == "−0.500"
    assert score(None, "R2") == score(math.nan, "accuracy") == "—"


def test_writes_differences_of_scores() -> None:
    assert gap(-0.0071, "accuracy") == "−0.7 points"
    assert gap(0.25, "R2") == "+0.250"
    assert gap(None, "R2") == gap(math.inf, "R2") == "—"


def test_writes_hashes_by_head_and_tail() -> None:
    assert brief("0x" + "ab" * 32) == "0xabab…abab"
    assert brief("0x1234") == "0x1234"


def test_writes_times_and_numbers() -> None:
    assert moment(1_767_225_600) == "1 January 2026, 00:00 UTC"
    assert numbered(1, "round") == "1 round"
    assert numbered(1200, "event") == "1,200 events"
    assert listed([]) == ""
    assert listed([2]) == "2"
    assert listed([2, 3, 5]) == "2, 3 and 5"
    assert share(1, 3) == "33\N{NO-BREAK SPACE}%"
    assert share(1, 0) == "—"


def test_writes_roles() -> None:
    assert [role_name(role) for role in Role] == ["no member", "data owner", "cloud owner", "model owner"]
