"""What the market costs by the size of what a call is for: straight lines, and the largest round fits blocks.

``make gas`` writes the slopes to snapshots/gas.json and the plot to docs/figures.

Rules: G7, G8, G9, G10.
"""

from __future__ import annotations

import pytest

from testing.gas_growth import Series, all_series, draws_by_dataset, largest
from testing.snapshot import GROWTH, assert_committed, is_written
from tests.gas.plot import draw

pytestmark = pytest.mark.gas

BLOCK = 30_000_000
LUCK = 3_000
"""Gas by which one draw may differ from another of the same size."""


def test_a_draw_costs_the_same_of_however_many_subsets() -> None:
    gas = draws_by_dataset().gas.values()
    assert max(gas) - min(gas) < LUCK


def test_grows_in_a_straight_line() -> None:
    fits = {series.name: series.r_squared for series in all_series()}
    assert min(fits.values()) > 0.999, fits


def test_has_no_cliff() -> None:
    bends = {
        series.name: max(abs(step / series.slope - 1) for step in series.steps) for series in all_series()
    }
    assert max(bends.values()) < 0.06, bends


@pytest.mark.parametrize("call", ["drawRound", "settleRound", "closeRound"])
def test_the_largest_round_fits_blocks(call: str) -> None:
    assert largest()[call] < BLOCK


def test_is_what_the_snapshot_says() -> None:
    slopes = {series.name: round(series.slope) for series in all_series()}
    offered = {f"drawRound.m{m}": gas for m, gas in draws_by_dataset().gas.items()}
    most = {f"largest.{name}": figure for name, figure in largest().items()}
    figures = {GROWTH + name: figure for name, figure in (offered | slopes | most).items()}
    assert_committed(figures, growth=True)
    if is_written():
        draw([draws_by_dataset(), *(series for series in all_series() if series.unit != "faulty_job")])


def test_a_line_is_told_from_a_cliff() -> None:
    straight = Series("call", "thing", {1: 110, 2: 120, 4: 140, 8: 180})
    assert straight.slope == pytest.approx(10)
    assert straight.r_squared == pytest.approx(1)
    assert straight.steps == (10, 10, 10)
    cliff = Series("call", "thing", {1: 110, 2: 120, 4: 140, 8: 380})
    assert cliff.r_squared < 0.999
    assert cliff.steps == (10, 10, 60)
