"""The README's figures are those of the snapshot. Rules: G1, G2, G3."""

from __future__ import annotations

import json

import pytest

from scripts.local_chain import ROOT


@pytest.mark.parametrize(
    "figure", ["round.first", "round.later", "life.gas", "life.transactions", "draw.m4", "draw.m256"]
)
def test_quotes_the_snapshot(figure: str) -> None:
    gas = json.loads((ROOT / "snapshots" / "gas.json").read_text())
    assert f"{gas[figure]:,}" in (ROOT / "README.md").read_text()
