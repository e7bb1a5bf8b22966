"""snapshots/gas.json: figures that are committed, compared by the tests that measure them.

Names that begin with ``growth.`` are of tests/gas, the others of tests/contracts/test_gas.py. Each compares
and writes its own part.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path

SNAPSHOT = Path(__file__).parents[1] / "snapshots" / "gas.json"
GROWTH = "growth."

Figures = dict[str, int]


def is_written() -> bool:
    """Whether figures are to be committed anew: under ``make gas``."""
    return os.environ.get("HOLDFAST_GAS") == "write"


def assert_committed(figures: Figures, *, growth: bool = False, path: Path = SNAPSHOT) -> None:
    """Compares one part of the snapshot, or writes it; the other part stays as it is."""
    if is_written():
        kept = _part(_read(path), growth=not growth)
        both = kept | figures if growth else figures | kept
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(both, indent=2) + "\n")
    committed = _part(_read(path), growth=growth)
    changes = [
        f"{name}: {committed.get(name)} -> {figures.get(name)}"
        for name in sorted(committed.keys() | figures.keys())
        if committed.get(name) != figures.get(name)
    ]
    assert not changes, "gas has changed: if that is meant, run `make gas` and commit\n" + "\n".join(changes)


def _read(path: Path) -> Figures:
    committed: Figures = json.loads(path.read_text()) if path.exists() else {}
    return committed


def _part(figures: Mapping[str, int], *, growth: bool) -> Figures:
    return {name: gas for name, gas in figures.items() if name.startswith(GROWTH) is growth}
