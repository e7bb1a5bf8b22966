"""The layout of diagonals in slots, with rotations played on arrays, against a product of matrices."""

from __future__ import annotations

import numpy as np
import pytest

from agents.learning.data.samples import Int64Array
from agents.learning.he.bfv.diagonal_layout import DiagonalLayout

SHAPES = [(64, 3, 1), (64, 5, 3), (64, 16, 1), (256, 13, 4)]


def rotated(slots: Int64Array, steps: int) -> Int64Array:
    """As BFV rotates: each half in itself."""
    return np.concatenate([np.roll(half, -steps) for half in np.split(slots, 2)])


def multiplied(layout: DiagonalLayout, diagonals: list[Int64Array], weights: Int64Array) -> Int64Array:
    """Baby steps rotate the weights, giant steps sums of products."""
    total = np.zeros(layout.degree, dtype=np.int64)
    for giant in reversed(range(layout.giant_steps)):
        total = rotated(total, layout.baby_steps)
        part = diagonals[giant * layout.baby_steps : (giant + 1) * layout.baby_steps]
        for baby, diagonal in enumerate(part):
            total += rotated(weights, baby) * diagonal
    return total


@pytest.mark.parametrize(("degree", "p", "outputs"), SHAPES)
def test_the_sum_of_rotated_products_is_that_of_matrices(degree: int, p: int, outputs: int) -> None:
    layout, rng = DiagonalLayout(degree, p, outputs), np.random.default_rng(p)
    assert layout.fits
    factors, weights = rng.integers(-9, 10, (p, p)), rng.integers(-9, 10, (p, outputs))
    offsets = rng.integers(-99, 100, (p, outputs))
    product = multiplied(layout, list(layout.diagonals(factors)), layout.weights(weights))
    assert not product[layout.unused(0)].any()
    (added,) = layout.offsets(offsets, 41)
    found, rows = layout.results([product + added])
    assert np.array_equal(found, factors @ weights + offsets)
    assert rows == 41


@pytest.mark.parametrize(("degree", "p", "outputs"), SHAPES)
def test_every_slot_is_a_result_or_unused(degree: int, p: int, outputs: int) -> None:
    layout = DiagonalLayout(degree, p, outputs)
    used = ~layout.unused(0)
    assert int(used.sum()) == p * outputs + 1
    assert used[layout.row_count]
    assert layout.blocks == 1


def test_columns_have_room_twice_or_do_not_fit() -> None:
    assert DiagonalLayout(64, 16, 1).fits
    assert not DiagonalLayout(64, 17, 1).fits
    assert not DiagonalLayout(64, 6, 3).fits
