"""Which terms deter nobody: at the bound they do, one wei beside it they do not.

Rules: A29.
"""

from __future__ import annotations

import pytest

from agents.demo.scenario import Scenario
from agents.portfolio.terms import Terms
from agents.roles.terms import weaknesses


def told(replicas: int = 3, **terms: int) -> list[str]:
    """The names of the terms that are warned of."""
    lines = list(weaknesses(Terms(**terms).of(4, 2, replicas)))
    assert all(line.isprintable() and " choose " in line for line in lines)
    return [line.split()[0] for line in lines]


def test_the_default_terms_and_the_demo_s_deter() -> None:
    assert told() == []
    assert list(weaknesses(Scenario().terms.of(4, 2, 3))) == []


@pytest.mark.parametrize(
    ("deters", "does_not"),
    [
        ({"replicas": 3}, {"replicas": 2}),
        ({"job_price": 1}, {"job_price": 0}),
        ({"job_price": 7, "miss_penalty": 7}, {"job_price": 7, "miss_penalty": 6}),
        (
            {"job_price": 7, "instance_bond": 14, "miss_penalty": 7},
            {"job_price": 7, "instance_bond": 13, "miss_penalty": 7},
        ),
        ({"round_price": 7, "couple_bond": 7}, {"round_price": 7, "couple_bond": 6}),
    ],
)
def test_one_less_is_warned_of(deters: dict[str, int], does_not: dict[str, int]) -> None:
    assert told(**deters) == []
    (name,) = told(**does_not)
    assert does_not[name] != deters[name]


def test_what_costs_nothing_deters_nobody() -> None:
    free = {"job_price": 0, "miss_penalty": 0, "couple_bond": 0, "round_price": 0}
    assert told(**free) == ["job_price", "miss_penalty", "couple_bond"]
