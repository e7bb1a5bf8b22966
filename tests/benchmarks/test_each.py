"""One chain after the other: what one finds, and what becomes of one that cannot be measured."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from agents.core.errors import NodeUnavailable
from benchmarks import each
from benchmarks.profile import Json, Load, Skipped

LOADS = {name: Load((1,), 1.0, ()) for name in ("anvil", "validators4", "ganache")}


def test_a_chain_that_cannot_be_measured_leaves_the_others_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    @contextmanager
    def started(folder: Path) -> Iterator[str]:
        if folder.name == "validators4":
            raise Skipped("there is no Go")
        yield folder.name

    def on_one(network: Any, treasury: Any, name: str, load: Load) -> dict[str, Json]:
        if name == "ganache":
            raise NodeUnavailable("it stopped")
        assert (network, treasury, load) == ("anvil", "treasury of anvil", LOADS[name])
        return {"found": name}

    @contextmanager
    def treasury(network: str) -> Iterator[str]:
        yield f"treasury of {network}"

    monkeypatch.setattr(each, "chain", lambda _: started)
    monkeypatch.setattr(each, "Treasury", treasury)
    told: list[str] = []
    assert each.on_each(LOADS, tmp_path, told.append, on_one) == {
        "anvil": {"found": "anvil"},
        "validators4": {"skipped": "there is no Go"},
        "ganache": {"failed": "it stopped"},
    }
    assert "4 validators skipped: there is no Go" in told
    assert "Ganache failed: it stopped" in told
