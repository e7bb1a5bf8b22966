"""How a wide matrix product lies in slots: diagonals of the factors times rotations of the weights.

Halevi and Shoup 2014: for a (p, p) matrix A, the products of the diagonal (A[i, i + k])_i and of the weights
rotated by k, summed over k, are A times the weights. Rotations are made in baby steps and giant steps; a
diagonal is stored rotated back by what its giant step will rotate it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import isqrt

import numpy as np
import numpy.typing as npt

from agents.learning.data.samples import Int64Array


@dataclass(frozen=True)
class DiagonalLayout:
    """The layout of a (p, outputs) matrix in the slots of one ciphertext.

    BFV rotates two halves of the slots, each in itself: weights and results lie in the first. The last slot
    of the second carries the number of rows.

    Attributes:
        degree: of the ring, and the number of slots.
        p: rows of the matrix.
        outputs: its columns.
    """

    degree: int
    p: int
    outputs: int

    @property
    def half(self) -> int:
        """Slots of the half that is rotated."""
        return self.degree // 2

    @property
    def fits(self) -> bool:
        """Whether each column has room twice, so that a rotation goes on at its beginning."""
        return 2 * self.p * self.outputs <= self.half

    @property
    def baby_steps(self) -> int:
        """Rotations of the weights, by 0 to baby_steps - 1."""
        return isqrt(self.p - 1) + 1

    @property
    def giant_steps(self) -> int:
        """Rotations of sums, by multiples of baby_steps."""
        return -(-self.p // self.baby_steps)

    @property
    def blocks(self) -> int:
        """Ciphertexts of a result: one, whatever the model."""
        return 1

    @property
    def row_count(self) -> int:
        """The slot that carries the number of rows."""
        return self.degree - 1

    @cached_property
    def positions(self) -> Int64Array:
        """(p, outputs) slots of the weights, and of the results."""
        columns = np.arange(self.outputs, dtype=np.int64) * 2 * self.p
        return np.arange(self.p, dtype=np.int64)[:, None] + columns

    def weights(self, matrix: Int64Array) -> Int64Array:
        """(degree,) slots of a (p, outputs) matrix, each column twice."""
        slots = np.zeros(self.degree, dtype=np.int64)
        slots[self.positions] = matrix
        slots[self.positions + self.p] = matrix
        return slots

    def diagonals(self, matrix: Int64Array) -> Iterator[Int64Array]:
        """(degree,) slots of each diagonal of a (p, p) matrix, rotated back by its giant step."""
        rows = np.arange(self.p)
        for number in range(self.p):
            slots = np.zeros(self.degree, dtype=np.int64)
            slots[self.positions] = matrix[rows, (rows + number) % self.p][:, None]
            slots[: self.half] = np.roll(slots[: self.half], number - number % self.baby_steps)
            yield slots

    def offsets(self, matrix: Int64Array, rows: int) -> Iterator[Int64Array]:
        """(degree,) slots of the (p, outputs) matrix that is added to the product, and of the row count."""
        slots = np.zeros(self.degree, dtype=np.int64)
        slots[self.positions] = matrix
        slots[self.row_count] = rows
        yield slots

    def unused(self, block: int) -> npt.NDArray[np.bool_]:
        """(degree,) whether a slot is none of the results."""
        del block
        unused = np.ones(self.degree, dtype=np.bool_)
        unused[self.positions] = False
        unused[self.row_count] = False
        return unused

    def results(self, blocks: Sequence[Int64Array]) -> tuple[Int64Array, int]:
        """The (p, outputs) matrix and the number of rows that the slots hold."""
        return blocks[0][self.positions], int(blocks[0][self.row_count])
