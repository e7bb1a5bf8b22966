"""The layout of weights and factors in polynomials, against a product of polynomials by hand."""

from __future__ import annotations

import numpy as np
import pytest

from agents.learning.data.samples import Int64Array
from agents.learning.he.bfv.coefficient_layout import CoefficientLayout


def negacyclic(a: Int64Array, b: Int64Array) -> Int64Array:
    """The product of two polynomials modulo x^degree + 1."""
    full = np.convolve(a, b)
    folded: Int64Array = full[: a.size].copy()
    folded[: a.size - 1] -= full[a.size :]
    return folded


@pytest.mark.parametrize(("p", "outputs", "blocks"), [(3, 1, 1), (3, 2, 1), (5, 3, 2), (7, 4, 4), (7, 8, 7)])
def test_the_product_of_polynomials_holds_that_of_matrices(p: int, outputs: int, blocks: int) -> None:
    layout, rng = CoefficientLayout(64, p, outputs), np.random.default_rng(p)
    factors, weights = rng.integers(-9, 10, (p, p)), rng.integers(-9, 10, (p, outputs))
    offsets = rng.integers(-99, 100, (p, outputs))
    products = [negacyclic(layout.weights(weights), block) for block in layout.factors(factors)]
    assert layout.blocks == len(products) == blocks
    assert all(product[layout.row_count] == 0 for product in products)
    sums = [product + block for product, block in zip(products, layout.offsets(offsets, 41), strict=True)]
    found, rows = layout.results(sums)
    assert np.array_equal(found, factors @ weights + offsets)
    assert rows == 41


def test_every_coefficient_is_a_result_or_unused() -> None:
    layout = CoefficientLayout(64, 5, 3)
    used = [~layout.unused(block) for block in range(layout.blocks)]
    assert [int(block.sum()) for block in used] == [3 * 3 + 1, 2 * 3]
    assert used[0][63]
    assert not used[1][63]


def test_a_matrix_that_is_too_large_has_no_rows() -> None:
    assert CoefficientLayout(64, 8, 8).rows == 0
    assert CoefficientLayout(64, 8, 7).rows == 1
