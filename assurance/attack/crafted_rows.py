"""Weights in the slots of one row alone (leak 1): the model owner repeats them for all rows itself.

Without weights a row adds nothing to a sum but what is known without them. Of the rows x that do have weights
v, one of each subset, a sum shows s(a) x, added up, a being v x and s a known polynomial of degree three. Two
such sums with other weights give two rows, exactly; where the largest subset is alone with a row, one does.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np

from agents.learning.data.samples import FEATURE_BITS, FloatArray
from agents.learning.families.cubic import LINEAR, SHRINK
from agents.learning.families.encrypted_cubic import CubicCircuit
from agents.learning.families.encrypted_network import NetworkCircuit
from agents.learning.he.ckks.family import ApproximateFamily
from agents.learning.he.ckks.model import real_rows
from assurance.attack import scenes
from assurance.attack.attack import Attack, Found, Stage
from assurance.attack.levels import LEVELS, Level, asked, default_for
from testing.market_of_ciphertexts import EncryptedCouple

TABLE = "breast-cancer"
FAMILIES = ("encrypted-cubic", "encrypted-network")

LARGE = 50.0
"""Weights some dozens of times as large as honest ones; of the cubic family, times its factor."""

FAR = 30_000.0
"""An intercept of the output."""

ADMITTED = "At level `none` a model owner who breaks the rules can have single rows."
REFUSED = "A plan whose sums can give single rows is declined at every level but `none`."


def attacks() -> Iterator[Attack]:
    """Both families at each level."""
    for family in FAMILIES:
        for level in LEVELS:
            yield Attack(
                f"crafted-rows/{family}/{level}",
                "a model owner",
                "single rows",
                ADMITTED if level == "none" else REFUSED,
                partial(play, name=family, level=level),
            )


def play(stage: Stage, name: str, level: Level) -> Found:
    """Asks for the plan; if it may, it gives crafted weights out and solves for rows."""
    there = stage.on(TABLE)
    granted = asked(there, level, default_for(there, name))
    most = {} if level == "none" else {"rows": 0.0}
    if granted.refusal:
        return Found({"rows": 0, "the agent": f"refused: {granted.refusal}"}, most)
    plan = granted.plan.model_copy(update={"sums": "dataset"})
    owner = scenes.couple(there, plan)
    family = owner.family
    assert isinstance(family, ApproximateFamily)
    sizes = [len(subset.samples) for subset in owner.subsets]
    last = max(sizes) - 1
    truths = [real_rows(family.plan, s.samples)[last] for s in owner.subsets if len(s.samples) > last]
    circuit = family.circuit
    if isinstance(circuit, CubicCircuit):
        found = _of_cubic(owner, family, circuit, last)
    else:
        assert isinstance(circuit, NetworkCircuit)
        found = _of_network(owner, family, circuit, last)
    return Found(
        {
            "rows": sum(any(_same(row, truth) for row in found) for truth in truths),
            "in the slot": len(truths),
            "features of each": family.plan.features,
            "sums": 3,
        },
        most,
    )


def _same(row: FloatArray, truth: FloatArray) -> bool:
    return bool(np.array_equal(np.rint(row * 2.0**FEATURE_BITS), np.rint(truth * 2.0**FEATURE_BITS)))


# --- with a cubic sigmoid ---


def _of_cubic(
    owner: EncryptedCouple, family: ApproximateFamily, circuit: CubicCircuit, row: int
) -> list[FloatArray]:
    """From the sums without any weights, with an intercept alone, and with more beside it."""
    layout, size = circuit.scheme.layout, family.plan.features + 1
    slots = layout.spread_rows(np.eye(row + 1)[row])
    intercept = np.eye(size)[-1] * LARGE
    beside = np.append(np.random.default_rng(1).normal(size=size - 1), 0.0) * LARGE / 3
    nothing, one, other = (
        _gradient(owner, family, [layout.spread(direction[:, None] / SHRINK) * slots])
        / -float(circuit.plan.step)
        for direction in (np.zeros(size), intercept, intercept + beside)
    )
    total: FloatArray = (one - nothing) / _bent(LARGE)
    rows = round(float(total[-1]))
    return [total] if rows == 1 else _pair(total, other - nothing, intercept + beside)


def _bent(a: float) -> float:
    """The sigmoid's odd part."""
    return a * (LINEAR - a * a)


def _pair(total: FloatArray, bent: FloatArray, direction: FloatArray) -> list[FloatArray]:
    """Two rows from their sum, and from the sum of s(a) x: their a are half of all apart on either side."""
    half = float(direction @ total) / 2
    b, c = 12 * half**2 - 2 * LINEAR, 2 * half**4 - 2 * LINEAR * half**2 + float(direction @ bent)
    apart = np.sqrt(max(np.sqrt(max(b * b - 8 * c, 0.0)) - b, 0.0) / 4)
    if not apart:
        return []
    upper, lower = _bent(half + apart), _bent(half - apart)
    one: FloatArray = (bent - lower * total) / (upper - lower)
    return [one, total - one]


# --- with units that square ---


def _of_network(
    owner: EncryptedCouple, family: ApproximateFamily, circuit: NetworkCircuit, row: int
) -> list[FloatArray]:
    """From three sums with other weights of the outputs: one unit's gradient has a x and a^3 x in it.

    A slot's weights reach as many rows as there are diagonals: those past the last row reach it alone.
    """
    layout, plan = circuit.scheme.layout, circuit.plan
    beyond = row + layout.diagonals - 1
    slots = layout.spread_rows(np.eye(beyond + 1)[beyond])
    chosen = np.arange(plan.features + 1) % layout.diagonals == (layout.margin + beyond) % layout.diagonals
    direction = np.where(chosen, LARGE, 0.0)
    hidden = np.zeros((plan.features + 1, plan.hidden + 1))
    ones = hidden.copy()
    hidden[:, 0], ones[-1, -1] = direction, 1.0
    first = layout.spread(hidden) * slots + layout.spread(ones)
    seen = {}
    for unit, intercept in ((1.0, 0.0), (1.0, FAR), (2.0, 0.0)):
        output = np.zeros(plan.hidden + 1)
        output[0], output[-1] = unit, intercept
        gradient = _gradient(owner, family, [first, layout.spread_columns(output)])
        seen[unit, intercept] = gradient / (-2 * float(plan.step) * unit)
    of_degree_one = (seen[1.0, FAR] - seen[1.0, 0.0]) / FAR
    return _solved(of_degree_one, seen[2.0, 0.0] - seen[1.0, 0.0], direction)


def _gradient(owner: EncryptedCouple, family: ApproximateFamily, slots: list[FloatArray]) -> FloatArray:
    """The first column of the first matrix in a whole sum."""
    results = owner.results(scenes.published_slots(owner, slots))
    numbers = scenes.opened(family, owner.keys, results)
    name = min(family.plan.shapes)
    rows, columns = family.plan.shapes[name]
    column: FloatArray = numbers[: rows * columns].reshape(rows, columns)[:, 0]
    return column


def _solved(first: FloatArray, third: FloatArray, direction: FloatArray) -> list[FloatArray]:
    """The one or two rows x, their last entry 1, whose a x add up to `first` and a^3 x to `third`."""
    squares, fourths = float(direction @ first), float(direction @ third)
    if abs(squares**2 - fourths) < 1e-3 * fourths:
        return [first / first[-1]]
    spread = np.sqrt(max(2 * fourths - squares**2, 0.0))
    larger, smaller = (squares + spread) / 2, (squares - spread) / 2
    one = (third - smaller * first) / (larger - smaller)
    other = first - one
    return [one / one[-1], other / other[-1]]
