"""Columns and their cells, kept by Arrow: millions of them take no more room than their letters."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from agents.learning.data.meaning.missing import NOWHERE_A_WORD
from agents.learning.data.meaning.numbers import Style
from agents.learning.data.samples import FloatArray, Int64Array

_GROUPED = r"^[^0-9.]*[1-9][0-9]{0,2}(\.[0-9]{3})+[^0-9.]*$"


@dataclass(frozen=True)
class Cells:
    """Cells of one column, in the order of the rows.

    Attributes:
        array: of strings, or of doubles where the source says that they are numbers; null where missing.
    """

    array: pa.Array

    @classmethod
    def of_texts(cls, texts: Iterable[str | None]) -> Cells:
        """Cells of these texts, None where missing."""
        return cls(pa.array(list(texts), pa.string()))

    def __len__(self) -> int:
        return len(self.array)

    @property
    def absent(self) -> int:
        """How many are missing."""
        return int(self.array.null_count)

    @property
    def typed(self) -> bool:
        """Whether the source says that they are numbers."""
        return not pa.types.is_string(self.array.type)

    @property
    def present(self) -> npt.NDArray[np.bool_]:
        """(n,) bool: which are not missing."""
        return np.asarray(self.array.is_valid().to_numpy(zero_copy_only=False), dtype=np.bool_)

    def text(self, row: int) -> str:
        """What a row has; empty if it is missing."""
        value = self.array[row].as_py()
        return "" if value is None else f"{value:.15g}" if isinstance(value, float) else str(value)

    def take(self, rows: Int64Array) -> Cells:
        """The cells of these rows."""
        return Cells(self.array.take(pa.array(rows)))

    def plain_numbers(self) -> FloatArray | None:
        """(n,) float64, NaN where missing; None unless all are numbers as programs write them (-1.5e3)."""
        try:
            numbers = self.array.cast(pa.float64())
        except pa.ArrowInvalid:
            return None
        return np.array(numbers.to_numpy(zero_copy_only=False), dtype=np.float64)

    def doubtful_dots(self) -> bool:
        """Whether every dot stands before three digits, as where it groups them, and some cells have none."""
        if self.typed:
            return False
        known = self.array.drop_null()
        dotted = pc.match_substring(known, ".")
        some = known.filter(dotted)
        if not len(some) or len(some) == len(known):
            return False
        return bool(pc.all(pc.match_substring_regex(some, _GROUPED)).as_py())

    def distinct(self) -> tuple[list[str], Int64Array]:
        """The different texts as they come, and for each row (n,) which of them it has: -1 where missing."""
        texts = self.array.cast(pa.string()) if self.typed else self.array
        coded = texts.dictionary_encode()
        codes = coded.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
        return coded.dictionary.to_pylist(), codes


@dataclass(frozen=True)
class Column:
    """A column of cells.

    Attributes:
        name: as the header has it; `unnamed` where it has none, and a number stands for it.
        style: how the file writes numbers.
    """

    name: str
    cells: Cells
    style: Style
    unnamed: bool = False

    def take(self, rows: Int64Array) -> Column:
        """The column with only these rows."""
        return Column(self.name, self.cells.take(rows), self.style, self.unnamed)


def tidy(array: pa.Array, *, spelled: bool) -> Cells:
    """Text cells without the blanks around them; empty ones are missing.

    Args:
        array: of strings.
        spelled: whether words such as NA mean a missing cell, too.
    """
    texts = pc.utf8_trim_whitespace(array)
    words = pa.array(sorted(NOWHERE_A_WORD) if spelled else [""])
    return Cells(pc.if_else(pc.is_in(pc.utf8_lower(texts), value_set=words), None, texts))
