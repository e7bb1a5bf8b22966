"""How weights and rows of factors lie in polynomials whose product holds the matrix product.

The weights' column c of C begins at coefficient c p; a row of factors lies backwards from coefficient r C p
on, r being its number in the block. Coefficient r C p + c p + p - 1 of the product is then row r times column
c; the others are partial sums. The last coefficient stays free: it carries the number of rows of the samples.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from agents.learning.data.samples import Int64Array


@dataclass(frozen=True)
class CoefficientLayout:
    """The layout of a (p, outputs) matrix in polynomials of a degree.

    Attributes:
        degree: of the ring.
        p: rows of the matrix.
        outputs: its columns.
    """

    degree: int
    p: int
    outputs: int

    @property
    def rows(self) -> int:
        """Rows of factors in a block; none if the matrix is too large for the degree."""
        return max(0, (self.degree - self.p) // (self.p * self.outputs))

    @property
    def blocks(self) -> int:
        """Polynomials that hold all rows of factors."""
        return -(-self.p // self.rows)

    @property
    def row_count(self) -> int:
        """The coefficient of the first block that products leave free: it carries the number of rows."""
        return self.degree - 1

    def weights(self, matrix: Int64Array) -> Int64Array:
        """(degree,) coefficients of a (p, outputs) matrix."""
        coefficients = np.zeros(self.degree, dtype=np.int64)
        coefficients[: matrix.size] = matrix.T.ravel()
        return coefficients

    def factors(self, matrix: Int64Array) -> Iterator[Int64Array]:
        """(degree,) coefficients of each block of a (p, p) matrix."""
        span = self.p * self.outputs
        for start in range(0, self.p, self.rows):
            coefficients = np.zeros(self.degree, dtype=np.int64)
            for number, row in enumerate(matrix[start : start + self.rows]):
                coefficients[number * span : number * span + self.p] = row[::-1]
            yield coefficients

    def positions(self, block: int) -> Int64Array:
        """(rows in the block, outputs) coefficients where the results of a block are."""
        count = min(self.rows, self.p - block * self.rows)
        rows = np.arange(count, dtype=np.int64)[:, None] * self.p * self.outputs
        return rows + np.arange(self.outputs, dtype=np.int64) * self.p + self.p - 1

    def offsets(self, matrix: Int64Array, rows: int) -> Iterator[Int64Array]:
        """(degree,) coefficients of each block of the (p, outputs) matrix that is added to the product."""
        for block in range(self.blocks):
            coefficients = np.zeros(self.degree, dtype=np.int64)
            start = block * self.rows
            coefficients[self.positions(block)] = matrix[start : start + self.rows]
            coefficients[self.row_count] = 0 if block else rows
            yield coefficients

    def unused(self, block: int) -> npt.NDArray[np.bool_]:
        """(degree,) whether a coefficient of a block's results is none of them."""
        unused = np.ones(self.degree, dtype=np.bool_)
        unused[self.positions(block)] = False
        unused[self.row_count] = block > 0
        return unused

    def results(self, blocks: Sequence[Int64Array]) -> tuple[Int64Array, int]:
        """The (p, outputs) matrix and the number of rows that the blocks hold."""
        rows = [coefficients[self.positions(block)] for block, coefficients in enumerate(blocks)]
        return np.concatenate(rows), int(blocks[0][self.row_count])
