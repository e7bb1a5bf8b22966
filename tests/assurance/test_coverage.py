"""The measuring of coverage: what is marked, what is told, and that nothing is counted that was not run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

import pytest

from agents.core import calls
from agents.core.calls import Call
from agents.core.enums import Role
from agents.core.errors import Refused
from agents.core.ids import Address
from assurance.coverage import __main__ as report
from assurance.coverage.instrument import Point, instrument
from assurance.coverage.meter import CoverageMeter
from testing.compiler import compiled_sources
from testing.evm import codec
from testing.script import identity
from testing.world import address_of

ALICE = address_of("alice")
TOY = """// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

// a sign of several bytes: é
contract Toy {
    error Odd(uint256 number);
    error Empty();

    function halve(uint256 number, bool strict) external pure returns (uint256 half) {
        if (number == 0) revert Empty();
        if (strict && number % 2 != 0) revert Odd(number);
        else if (number > 8) return 4;
        for (half = 0; (half + 1) * 2 <= number; ++half) continue;
        return strict ? half : half + (number % 2);
    }
}
"""


def toy() -> tuple[str, tuple[Point, ...]]:
    tree = compiled_sources({"Toy.sol": TOY}, [], "abi")["sources"]["Toy.sol"]["ast"]
    made = instrument({"Toy.sol": TOY}, {"Toy.sol": tree})
    compiled_sources(made.sources, [], "abi")
    return made.sources["Toy.sol"], made.points


def test_marks_each_statement_and_both_outcomes_of_each_condition() -> None:
    _, points = toy()
    statements = [point.text for point in points if point.outcome is None]
    assert sorted(statements) == sorted(
        [
            "if (number == 0) revert Empty();",
            "revert Empty();",
            "if (strict && number % 2 != 0) revert Odd(number);",
            "revert Odd(number);",
            "if (number > 8) return 4;",
            "return 4;",
            "for (half = 0; (half + 1) * 2 <= number; ++half) continue;",
            "continue;",
            "return strict ? half : half + (number % 2);",
        ]
    )
    conditions = [point.text for point in points if point.outcome is True]
    assert conditions == [point.text for point in points if point.outcome is False]
    assert sorted(conditions) == sorted(
        [
            "number == 0",
            "strict && number % 2 != 0",
            "strict",
            "number % 2 != 0",
            "number > 8",
            "(half + 1) * 2 <= number",
            "strict",
        ]
    )


def test_says_where() -> None:
    _, points = toy()
    (place,) = (point for point in points if point.text == "number > 8" and point.outcome)
    assert str(place) == "Toy.sol:12:18: number > 8 is never true"
    assert TOY.splitlines()[place.line - 1][place.column - 1 :].startswith(place.text)


def test_hands_the_marks_over_where_a_call_is_refused() -> None:
    source, _ = toy()
    assert "refuse(abi.encodeWithSelector(Odd.selector, number));" in source
    assert "refuse(abi.encodeWithSelector(Empty.selector));" in source


@pytest.fixture(scope="module")
def meter() -> CoverageMeter:
    return CoverageMeter()


def reached(meter: CoverageMeter, *sent: tuple[Address, Call]) -> Iterator[tuple[str, bool | None]]:
    """What these calls reach in a market of their own."""
    market = meter.market()
    for sender, call in sent:
        with suppress(Refused):
            market.send(sender, call)
    for mark in market.marks:
        point = meter.instrumented.points[mark]
        yield point.text, point.outcome


def test_nothing_is_reached_before_a_call(meter: CoverageMeter) -> None:
    assert list(reached(meter)) == []


def test_a_call_that_is_mined_leaves_its_marks(meter: CoverageMeter) -> None:
    marks = list(reached(meter, (ALICE, calls.deposit(5))))
    assert ("address(this).balance > MAX_HOLDINGS", False) in marks
    assert ("address(this).balance > MAX_HOLDINGS", True) not in marks


@pytest.mark.parametrize("wrapped", [False, True])
def test_a_call_that_is_refused_leaves_its_marks(meter: CoverageMeter, wrapped: bool) -> None:
    call = calls.withdraw(5)
    if wrapped:
        call = Call("multicall", ([codec().call(call)],))
    marks = list(reached(meter, (ALICE, call)))
    assert ("amount > balance", True) in marks
    assert ("amount > balance", False) not in marks


def test_marks_of_several_calls_add_up(meter: CoverageMeter) -> None:
    marks = list(reached(meter, (ALICE, calls.withdraw(5)), (ALICE, calls.deposit(5))))
    assert ("amount > balance", True) in marks
    assert ("address(this).balance > MAX_HOLDINGS", False) in marks


def test_tells_what_is_left_out(meter: CoverageMeter) -> None:
    fresh = CoverageMeter()
    alice = identity("alice")
    fresh.market().send(alice.address, calls.register(Role.DATA_OWNER, alice.encryption_key))
    faults = list(report.faults_of(fresh.instrumented.points, fresh.reached))
    assert any("msg.value != 0 is never true" in fault for fault in faults)
    assert not any("msg.value != 0 is never false" in fault for fault in faults)
    assert not any(text in fault for _, text in report.EXPLAINED for fault in faults)


def test_tells_an_explanation_of_what_is_run(meter: CoverageMeter) -> None:
    points = meter.instrumented.points
    assert [fault for fault in report.faults_of(points, set(points)) if "is explained" not in fault] == []
    assert len(list(report.faults_of(points, set(points)))) == len(report.EXPLAINED)


def test_counts_by_file_and_in_all() -> None:
    points = [Point("A", 1, 1, "a"), Point("A", 2, 1, "b", False), Point("B", 1, 1, "c", True)]
    assert list(report.lines_of(points, {points[0], points[2]})) == [
        report.Line("A", 1, 1, 1, 0),
        report.Line("B", 0, 0, 1, 1),
        report.Line("all", 1, 1, 2, 1),
    ]
