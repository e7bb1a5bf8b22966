"""Where a matrix product's numbers are among a ciphertext's slots, so that few rotations compute it.

A slot belongs to a block of features, a row of the data and a column of the model. Rotating a ciphertext by
whole blocks and adding sums over the blocks and leaves the sum in all of them, for rotations are cyclic. The
features of one block are met one after another along the diagonals: the weights of row i are those of feature
i modulo `diagonals`, and rotations by 0 to diagonals - 1 rows bring each of them to each row (Halevi and
Shoup 2014, with their baby and giant steps).

With as many blocks as features there is one diagonal, and one product with one sum does it all.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from agents.core.errors import BadPlan
from agents.learning.data.samples import FloatArray, Int64Array


@dataclass(frozen=True)
class SlotLayout:
    """The slots of a product of (rows, features) data and (features, columns) weights.

    All sizes are powers of two.

    Attributes:
        blocks: of features; the outermost dimension.
        diagonals: features of a block.
        rows: of the data, at most; at least `diagonals`.
        columns: of the weights.
        columns_inside: slots of one row's columns are neighbours: rotations by a row that leave a block enter
            the next one at the same column. Otherwise those of one column's rows are: a sum over the columns
            is cyclic, but rotations by a row leave the column, and `margin` rows at either end must be empty.
    """

    blocks: int
    diagonals: int
    rows: int
    columns: int
    columns_inside: bool

    @classmethod
    def fit(cls, slots: int, features: int, columns: int, rows: int, *, columns_inside: bool) -> SlotLayout:
        """The layout with the fewest diagonals.

        Raises:
            BadPlan: so many rows, features and columns do not fit.
        """
        wide, columns = _power(features), _power(columns)
        diagonals = 1
        while diagonals <= wide:
            layout = cls(wide // diagonals, diagonals, 0, columns, columns_inside)
            room = slots // (layout.blocks * columns)
            if room >= diagonals and rows + 2 * layout.margin <= room:
                return cls(layout.blocks, diagonals, room, columns, columns_inside)
            diagonals *= 2
        raise BadPlan(
            f"plan: {rows} rows of {features} features for {columns} columns do not fit into {slots} slots"
        )

    @property
    def slots(self) -> int:
        """Of a ciphertext."""
        return self.blocks * self.rows * self.columns

    @property
    def margin(self) -> int:
        """Rows at either end that must be empty."""
        return 0 if self.columns_inside else self.diagonals - 1

    @property
    def stride(self) -> int:
        """Slots from one row to the next."""
        return self.columns if self.columns_inside else 1

    @property
    def block_sums(self) -> tuple[int, ...]:
        """Rotations that sum over the blocks."""
        return _doubling(self.rows * self.columns, self.blocks)

    @property
    def column_sums(self) -> tuple[int, ...]:
        """Rotations that sum over the columns, once the blocks are equal."""
        return _doubling(self.rows, self.columns)

    @property
    def row_sums(self) -> tuple[int, ...]:
        """Rotations that sum over the rows, `diagonals` apart; right in the first rows of each block."""
        return _doubling(self.stride * self.diagonals, self.rows // self.diagonals)

    @property
    def all_row_sums(self) -> tuple[int, ...]:
        """Rotations that sum over all rows; right in the first row of each block."""
        return _doubling(self.stride, self.rows)

    @property
    def baby_steps(self) -> int:
        """How many of the diagonals' rotations are made of the input; the others are of sums of these."""
        return 1 << (self.diagonals.bit_length() - 1) // 2

    @property
    def diagonal_rotations(self) -> tuple[int, ...]:
        """Rotations that bring each diagonal's features to each row."""
        baby = self.baby_steps
        steps = [*range(1, baby), *range(baby, self.diagonals, baby)]
        return tuple(step * self.stride for step in steps)

    def spread(self, weights: FloatArray) -> FloatArray:
        """(slots,) of (features, columns) weights, repeated for all rows."""
        padded = np.zeros((self.blocks * self.diagonals, self.columns))
        padded[: weights.shape[0], : weights.shape[1]] = weights
        features, _, columns = self._positions()
        return padded[features, columns]

    def spread_columns(self, values: FloatArray) -> FloatArray:
        """(slots,) of (columns,) values, repeated for all features and rows."""
        padded = np.zeros(self.columns)
        padded[: values.size] = values
        return padded[self._positions()[2]]

    def spread_rows(self, values: FloatArray) -> FloatArray:
        """(slots,) of (n,) values, repeated for all features and columns; zeros in the empty rows."""
        padded = np.zeros(self.rows)
        padded[self.margin : self.margin + values.size] = values
        return padded[self._positions()[1]]

    def towards_rows(self, data: FloatArray) -> FloatArray:
        """(diagonals, slots): what rotated weights are multiplied by, to be summed over features.

        Args:
            data: (n, features).
        """
        features, rows, _ = self._positions()
        padded = self._padded(data)
        return np.stack([padded[rows, self._rotated(features, k)] for k in range(self.diagonals)])

    def towards_features(self, data: FloatArray) -> FloatArray:
        """(diagonals, slots): what rotated values of rows are multiplied by, to be summed over rows.

        Args:
            data: (n, features).
        """
        features, rows, _ = self._positions()
        padded = self._padded(data)
        return np.stack([padded[self._rotated(rows, k), features] for k in range(self.diagonals)])

    def weight_slots(self, features: int, columns: int) -> Int64Array:
        """(features, columns) slots in which a sum over rows ends up."""
        block, row = np.divmod(np.arange(features)[:, None], self.diagonals)
        return self._slot(block, row, np.arange(columns)[None, :])

    def column_slots(self, columns: int) -> Int64Array:
        """(columns,) slots in which a sum over all rows ends up: the first row's, in the first block."""
        return self._slot(np.array(0), np.array(0), np.arange(columns))

    def _rotated(self, positions: Int64Array, rows: int) -> Int64Array:
        return np.roll(positions, -rows * self.stride)

    def _slot(self, block: Int64Array, row: Int64Array, column: Int64Array) -> Int64Array:
        inner = row * self.columns + column if self.columns_inside else column * self.rows + row
        return np.asarray(block * (self.rows * self.columns) + inner, dtype=np.int64)

    def _positions(self) -> tuple[Int64Array, Int64Array, Int64Array]:
        """(slots,) feature, row and column of each slot."""
        block, inner = np.divmod(np.arange(self.slots), self.rows * self.columns)
        if self.columns_inside:
            row, column = np.divmod(inner, self.columns)
        else:
            column, row = np.divmod(inner, self.rows)
        return block * self.diagonals + row % self.diagonals, row, column

    def _padded(self, data: FloatArray) -> FloatArray:
        """(rows, features) with zeros in the empty ones."""
        padded = np.zeros((self.rows, self.blocks * self.diagonals))
        padded[self.margin : self.margin + data.shape[0], : data.shape[1]] = data
        return padded


def _doubling(step: int, count: int) -> tuple[int, ...]:
    return tuple(step << power for power in range(count.bit_length() - 1))


def _power(size: int) -> int:
    """The next power of two."""
    return 1 << (size - 1).bit_length()
