"""Where the numbers of an approximate result are among the slots of its ciphertexts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from agents.learning.data.samples import FloatArray, Int64Array


@dataclass(frozen=True, eq=False)
class ResultSlots:
    """The slots of each matrix's change, and of the number of rows.

    Attributes:
        slots: of a ciphertext.
        row_count: the slot of the first ciphertext that carries the number of rows.
        matrices: name to its columns, from left to right, in one part or several: the number of a ciphertext
            of the result, and the (rows, columns) slots in it.
    """

    slots: int
    row_count: int
    matrices: Mapping[str, Sequence[tuple[int, Int64Array]]]

    @property
    def ciphertexts(self) -> int:
        """Of a result."""
        return 1 + max(index for parts in self.matrices.values() for index, _ in parts)

    @cached_property
    def used(self) -> list[npt.NDArray[np.bool_]]:
        """(slots,) for each ciphertext, whether a slot carries anything."""
        used = [np.zeros(self.slots, dtype=np.bool_) for _ in range(self.ciphertexts)]
        for parts in self.matrices.values():
            for index, slots in parts:
                used[index][slots] = True
        used[0][self.row_count] = True
        return used

    def gather(self, decoded: Sequence[FloatArray]) -> dict[str, FloatArray]:
        """Each matrix from the (slots,) values of each ciphertext."""
        return {
            name: np.hstack([decoded[index][slots] for index, slots in parts])
            for name, parts in self.matrices.items()
        }

    def scatter(self, matrices: Mapping[str, FloatArray]) -> FloatArray:
        """(ciphertexts, slots) with these matrices, each in one part, in their slots; zeros elsewhere."""
        values = np.zeros((self.ciphertexts, self.slots))
        for name, matrix in matrices.items():
            ((index, slots),) = self.matrices[name]
            values[index][slots] = matrix
        return values
