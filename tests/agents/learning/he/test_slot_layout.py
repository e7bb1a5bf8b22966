"""Rotations and products of slots, played on arrays, give products of matrices."""

from __future__ import annotations

import numpy as np
import pytest

from agents.core.errors import BadPlan
from agents.learning.data.samples import FloatArray
from agents.learning.he.ckks.slot_layout import SlotLayout

SHAPES = [(64, 5, 1, 7), (64, 3, 2, 7), (256, 6, 3, 20), (256, 8, 4, 6), (512, 8, 4, 12)]


def rotated(values: FloatArray, rotation: int) -> FloatArray:
    return np.roll(values, -rotation)


def summed(values: FloatArray, rotations: tuple[int, ...]) -> FloatArray:
    for rotation in rotations:
        values = values + rotated(values, rotation)
    return values


def times(values: FloatArray, data: FloatArray, layout: SlotLayout) -> FloatArray:
    total: FloatArray = sum(
        (rotated(values, k * layout.stride) * diagonal for k, diagonal in enumerate(data)),
        start=np.zeros_like(values),
    )
    return total


@pytest.mark.parametrize(
    ("inside", "slots", "features", "columns", "rows"),
    [(True, *shape) for shape in [*SHAPES, (64, 8, 4, 9)]] + [(False, *shape) for shape in SHAPES],
)
def test_both_products(inside: bool, slots: int, features: int, columns: int, rows: int) -> None:
    layout = SlotLayout.fit(slots, features, columns, rows, columns_inside=inside)
    assert layout.slots == slots
    rng = np.random.default_rng(0)
    data, weights = rng.normal(size=(rows, features)), rng.normal(size=(features, columns))
    scores = summed(times(layout.spread(weights), layout.towards_rows(data), layout), layout.block_sums)
    for column in range(columns):
        expected = layout.spread_rows((data @ weights)[:, column]) * layout.spread_columns(
            np.eye(columns)[column]
        )
        assert np.allclose(scores * layout.spread_columns(np.eye(columns)[column]), expected)
    gradient = summed(times(scores, layout.towards_features(data), layout), layout.row_sums)
    assert np.allclose(gradient[layout.weight_slots(features, columns)], data.T @ (data @ weights))


@pytest.mark.parametrize(("slots", "features", "columns", "rows"), SHAPES)
def test_sums_over_columns_and_rows(slots: int, features: int, columns: int, rows: int) -> None:
    layout = SlotLayout.fit(slots, features, columns, rows, columns_inside=False)
    rng = np.random.default_rng(1)
    data, weights = rng.normal(size=(rows, features)), rng.normal(size=(features, columns))
    scores = summed(times(layout.spread(weights), layout.towards_rows(data), layout), layout.block_sums)
    assert np.allclose(summed(scores, layout.column_sums), layout.spread_rows((data @ weights).sum(axis=1)))
    down = summed(scores, layout.all_row_sums)[layout.column_slots(columns)]
    assert np.allclose(down, (data @ weights).sum(axis=0))


def test_baby_steps_and_giant_steps_reach_every_diagonal() -> None:
    layout = SlotLayout.fit(8192, 66, 10, 256, columns_inside=True)
    assert (layout.blocks, layout.diagonals, layout.baby_steps) == (2, 64, 8)
    assert layout.diagonal_rotations == tuple(16 * step for step in [*range(1, 8), *range(8, 64, 8)])


def test_refuses_what_does_not_fit() -> None:
    with pytest.raises(BadPlan, match="9 rows of 8 features for 4 columns do not fit into 64 slots"):
        SlotLayout.fit(64, 8, 4, 9, columns_inside=False)
    with pytest.raises(BadPlan, match="do not fit into 64 slots"):
        SlotLayout.fit(64, 64, 2, 2, columns_inside=True)
