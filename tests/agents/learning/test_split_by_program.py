"""Small splits by the exact integer program, and what is said where there is none.

Rules: P13, P14, P16.
"""

from __future__ import annotations

import numpy as np
import pytest

from agents.core.errors import CannotSplit
from agents.learning.data import split as split_module
from agents.learning.data.exact_allocations import LARGEST, exact_counts
from agents.learning.data.prepare import partition
from agents.learning.data.split import split
from agents.learning.data.tables import load_table
from agents.workers import data_owner
from agents.workers.data_owner import cut


def shares(counts: list[int], m: int) -> list[list[int]] | None:
    """What the program finds."""
    found = exact_counts(np.array(counts), m, np.random.default_rng(0))
    return None if found is None else found.tolist()


@pytest.mark.parametrize(("counts", "m"), [([4, 4, 4], 3), ([10, 10, 10], 3), ([6, 6, 6, 6], 5)])
def test_finds_shares_for_which_both_readings_hold(counts: list[int], m: int) -> None:
    found = shares(counts, m)
    assert found is not None
    assert [sum(row) for row in found] == counts
    for held in zip(*found, strict=True):
        assert 0 in held, "no subset holds all classes"
        assert sum(held) > 0
        assert 2 * max(held) <= sum(held), "no class is more than half of a subset"
    for row, count in zip(found, counts, strict=True):
        assert 2 * max(row) <= count, "no subset holds more than half of a class"


@pytest.mark.parametrize(("counts", "m"), [([10, 10, 10], 2), ([3, 3, 3], 3), ([1, 1, 1], 3), ([2, 2, 2], 6)])
def test_says_that_there_are_none(counts: list[int], m: int) -> None:
    assert shares(counts, m) is None


def test_does_not_try_what_is_too_large_or_has_a_class_of_more_than_half() -> None:
    assert shares([10] * 8, LARGEST // 8 + 1) is None
    assert shares([9, 1, 1], 3) is None


def test_a_split_that_is_not_found_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(split_module, "_shares", lambda *_: None)
    line = "^no skewed split of 40 rows in 4 classes into 4 subsets found: use fewer$"
    with pytest.raises(CannotSplit, match=line):
        split(np.repeat(np.arange(4), 10), 4, 0)


def test_a_data_owner_checks_its_split_by_the_independent_rule(monkeypatch: pytest.MonkeyPatch) -> None:
    table = load_table("wine")
    prepared = partition(table, 0)
    even = np.array_split(np.arange(len(prepared.train)), 4)
    monkeypatch.setattr(data_owner, "split", lambda *_: even)
    with pytest.raises(CannotSplit, match=r"^wine: .*: choose another number of subsets$"):
        cut(table, prepared, 4, 0)
