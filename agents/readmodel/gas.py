"""What the transactions cost."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import groupby

from agents.core.mined import Mined


@dataclass(frozen=True)
class GasUse:
    """The gas of one kind of transaction; `mean` is rounded to whole gas."""

    count: int
    min: int
    mean: int
    max: int
    total: int


def gas_by(key: Callable[[Mined], str], transactions: Iterable[Mined]) -> dict[str, GasUse]:
    """The gas of each kind of transaction, the costliest kind first."""
    spent: dict[str, list[int]] = {}
    for mined in transactions:
        spent.setdefault(key(mined), []).append(mined.gas_used)
    uses = {kind: _use(gas) for kind, gas in spent.items()}
    return dict(sorted(uses.items(), key=lambda item: (-item[1].total, item[0])))


def label(mined: Mined) -> str:
    """``updateTJ``, ``multicall(createDS, createCI)``, ``multicall(joinCI x3)``; a reverted one says so."""
    counted = [(name, len(list(same))) for name, same in groupby(mined.functions)]
    names = [name if count == 1 else f"{name} x{count}" for name, count in counted]
    one = names[0] if len(mined.functions) == 1 else f"multicall({', '.join(names)})"
    return one if mined.succeeded else f"{one}, reverted"


def _use(gas: list[int]) -> GasUse:
    return GasUse(len(gas), min(gas), round(sum(gas) / len(gas)), max(gas), sum(gas))
