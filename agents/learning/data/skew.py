"""The independent check of a skewed split (II-B, "Data Splitting"). Shares no code with `split.py`.

The paper asks that no subset hold all classes, and that "no subset has majority of the data from a single
class". The second sentence reads two ways: no class is more than half *of a subset*, and no subset has more
than half *of a class*. Both are checked and reported apart, since for two classes only the second can hold.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class SkewReport:
    """What a split keeps and what it breaks. Every entry of the four tuples is one line in plain words.

    Attributes:
        not_a_partition: rows left out, given twice or unknown; subsets without rows.
        all_classes: subsets that hold every class.
        half_of_class: (subset, class) pairs where the subset holds more than half of the class.
        half_of_subset: (subset, class) pairs where the class is more than half of the subset.
    """

    not_a_partition: tuple[str, ...]
    all_classes: tuple[str, ...]
    half_of_class: tuple[str, ...]
    half_of_subset: tuple[str, ...]

    @property
    def both_readings(self) -> bool:
        """Everything holds: a partition, no subset with all classes, no majority in either reading."""
        return self.skewed and not self.half_of_subset

    @property
    def skewed(self) -> bool:
        """A partition, no subset with all classes, none with more than half of a class."""
        return not (self.not_a_partition or self.all_classes or self.half_of_class)

    @property
    def violations(self) -> tuple[str, ...]:
        """Every line of what is broken, the weaker reading last."""
        return self.not_a_partition + self.all_classes + self.half_of_class + self.half_of_subset


def check_skew(strata: npt.ArrayLike, parts: Sequence[npt.ArrayLike]) -> SkewReport:
    """Check a split against the rules of II-B, by counting.

    Args:
        strata: (n,) label of each row: its class, or its quantile bin.
        parts: one array of row numbers for each subset.
    """
    labels = [int(label) for label in np.asarray(strata).tolist()]
    subsets = [[int(row) for row in np.asarray(part).tolist()] for part in parts]
    partition = _partition_faults(len(labels), subsets)
    if partition:
        return SkewReport(partition, (), (), ())
    totals = Counter(labels)
    all_classes, of_class, of_subset = [], [], []
    for index, rows in enumerate(subsets):
        held = Counter(labels[row] for row in rows)
        if len(held) == len(totals):
            all_classes.append(f"subset {index} holds all {len(totals)} classes")
        for label, count in sorted(held.items()):
            if 2 * count > totals[label]:
                of_class.append(f"subset {index} holds {count} of the {totals[label]} rows of class {label}")
            if 2 * count > len(rows):
                of_subset.append(f"class {label} is {count} of the {len(rows)} rows of subset {index}")
    return SkewReport((), tuple(all_classes), tuple(of_class), tuple(of_subset))


def _partition_faults(rows: int, subsets: list[list[int]]) -> tuple[str, ...]:
    seen = Counter(row for subset in subsets for row in subset)
    faults = [f"subset {index} is empty" for index, subset in enumerate(subsets) if not subset]
    missing = rows - sum(1 for row in seen if 0 <= row < rows)
    twice = sum(1 for count in seen.values() if count > 1)
    unknown = sum(1 for row in seen if not 0 <= row < rows)
    faults += [f"{missing} rows are in no subset"] if missing else []
    faults += [f"{twice} rows are in several places"] if twice else []
    faults += [f"{unknown} row numbers do not exist"] if unknown else []
    return tuple(faults)
