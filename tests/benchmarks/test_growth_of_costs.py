"""Fits of powers, lives of a size, and the figure of both."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import benchmarks.growth as growth
from agents.audit.replay import audit
from agents.core.enums import CouplePhase
from agents.core.market import Market
from benchmarks.growth.figure import svg
from benchmarks.growth.fit import Growth
from benchmarks.growth.sweeps import MeteredEvm, Size, gas, live, log
from benchmarks.profile import SHORT


def test_finds_the_exponent() -> None:
    square = Growth({1: 3.0, 2: 12.0, 10: 300.0})
    assert square.exponent == pytest.approx(2)
    assert square.end == pytest.approx(2)
    assert square.at(5) == pytest.approx(75)


def test_a_fixed_part_counts_less_in_the_end() -> None:
    line = Growth({size: 100.0 + size for size in (1, 10, 100, 1_000, 10_000)})
    assert line.exponent < line.end < 1
    assert line.end > 0.9


def test_what_does_not_grow_has_exponent_zero() -> None:
    assert Growth({1: 7.0, 1_000: 7.0}).exponent == pytest.approx(0)


def test_a_life_grows_with_its_subsets_and_not_with_others_members() -> None:
    assert gas((1, 2, 4), lambda size: Size(subsets=size)).exponent > 0.3
    members = gas((1, 20), lambda size: Size(members=size))
    assert len(set(members.cost.values())) == 1


def test_gas_is_of_cold_calls_and_time_is_counted() -> None:
    cold, warm = (live(Size(), as_transactions=as_transactions) for as_transactions in (True, False))
    assert isinstance(cold, MeteredEvm)
    assert cold.gas > warm.gas > 500_000
    assert warm.seconds > 0


def test_a_log_is_of_honest_trainings_that_end() -> None:
    events, domain = log(trainings=2)
    market = Market(events)
    assert [couple.phase for couple in market.couples.values()] == [CouplePhase.COMPLETED] * 2
    assert audit(events, domain).ok


def test_measures_and_draws_each(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sweeps = tuple(growth.CostSweep(sweep.unit, sweep.sizes[:2], sweep.of) for sweep in growth.SWEEPS)
    monkeypatch.setattr(growth, "SWEEPS", sweeps)
    monkeypatch.setattr(growth, "TRAININGS", (1, 2))
    report: dict[str, Any] = dict(growth.measure(SHORT, tmp_path, lambda _: None))
    units = [sweep.unit for sweep in sweeps]
    assert set(report) == {f"{what}_{unit}" for what in ("gas", "time") for unit in units} | {
        "rebuilding",
        "auditing",
    }
    drawn = (tmp_path / "growth.svg").read_text()
    assert drawn == svg(report)
    assert "auditing the market" in drawn
    assert all(f">{unit}<" in drawn for unit in units)
