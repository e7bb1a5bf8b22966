"""Plots that any report may show: what they tell, and that they follow the page."""

from __future__ import annotations

import re

from agents.readmodel.gas import GasUse
from agents.report.plots import gas_plot

USE = GasUse(3, 10, 20, 30, 60)


def test_draws_gas_by_transaction() -> None:
    drawn = gas_plot({"updateTJ": USE, "multicall(" + "joinCI, " * 20 + "joinCI)": USE})
    assert "updateTJ" in drawn
    assert "3 \N{MULTIPLICATION SIGN} 20" in drawn
    assert "\N{HORIZONTAL ELLIPSIS}" in drawn
    assert "joinCI, " * 20 not in drawn


def test_draws_no_gas_at_all() -> None:
    assert gas_plot({}).startswith("<svg ")


def test_a_plot_takes_the_colours_of_the_page() -> None:
    drawn = gas_plot({"updateTJ": USE})
    assert drawn.startswith('<svg role="img" aria-label="')
    assert "var(--ink)" in drawn or "var(--soft)" in drawn
    assert set(re.findall(r"#[0-9a-f]{6}\b", drawn)) <= {"#000000"}
    assert "<metadata" not in drawn
