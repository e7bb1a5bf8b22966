"""Rows of one person stay in one part and in one subset.

Rules: P42.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from agents.core.errors import BadData, CannotSplit
from agents.learning.data.grouped import rows_of_groups, usual_strata
from agents.learning.data.grouped_split import split_groups
from agents.learning.data.groups import Groups
from agents.learning.data.packing import halves, packed, spare_of_halves
from agents.learning.data.prepare import partition
from agents.learning.data.samples import Int64Array
from agents.learning.data.skew import check_skew
from agents.learning.data.tables import load_table
from agents.workers.data_owner import cut, told_of
from testing.csv_lines import Loader, Refusal, lines

CASES = Path(__file__).parent / "cases"


def patients(
    seed: int = 0, *, persons: int = 60, classes: int = 2, mixed: bool = False
) -> tuple[Int64Array, Int64Array]:
    """Classes of rows, and whose they are: persons of one to nine rows, each of one class unless mixed."""
    rng = np.random.default_rng(seed)
    sizes = rng.integers(1, 10, persons)
    codes = np.repeat(np.arange(persons), sizes)
    strata = rng.integers(0, classes, codes.size) if mixed else (codes % classes)
    order = rng.permutation(codes.size)
    return strata[order].astype(np.int64), codes[order].astype(np.int64)


@pytest.mark.parametrize("seed", range(6))
def test_the_case_of_patients_with_four_rows(seed: int) -> None:
    table = load_table(CASES / "same-patient-four-times.csv", "state", group="patient_id")
    assert table.feature_names == ("marker", "age")
    assert table.notes == ("column 'patient_id': 30 groups, of 4 rows each on average, stay together",)
    assert table.groups is not None
    prepared = partition(table, seed)
    assert prepared.groups is not None
    assert prepared.groups.count * 4 == len(prepared.train)
    assert len(prepared.train) + len(prepared.validation) + len(prepared.test) == 120
    parts = cut(table, prepared, 4, seed)
    owners = [set(prepared.groups.codes[rows].tolist()) for rows in parts]
    assert sum(map(len, owners)) == prepared.groups.count
    assert check_skew(prepared.train.target, parts).skewed
    assert told_of(table, prepared, parts) == ()


@pytest.mark.parametrize("classes", [2, 3, 5])
@pytest.mark.parametrize("mixed", [False, True])
def test_no_person_is_in_two_parts(classes: int, mixed: bool) -> None:
    strata, codes = patients(classes=classes, mixed=mixed)
    groups = Groups(codes, tuple(map(str, range(60))))
    parts = rows_of_groups("t", strata, groups, np.random.default_rng(3))
    assert sorted(np.concatenate(parts).tolist()) == list(range(codes.size))
    whose = [set(codes[rows].tolist()) for rows in parts]
    assert sum(map(len, whose)) == 60
    assert 0.4 < len(parts[0]) / codes.size < 0.75
    assert set(strata[parts[0]].tolist()) == set(range(classes))


def test_the_same_seed_gives_the_same_parts() -> None:
    strata, codes = patients()
    groups = Groups(codes, ())
    first, second, other = (
        rows_of_groups("t", strata, groups, np.random.default_rng(seed)) for seed in (3, 3, 4)
    )
    assert all(np.array_equal(one, two) for one, two in zip(first, second, strict=True))
    assert not np.array_equal(first[0], other[0])
    one, two = split_groups(strata, codes, 6, 1), split_groups(strata, codes, 6, 1)
    assert all(np.array_equal(left, right) for left, right in zip(one, two, strict=True))


def test_a_person_counts_for_the_class_that_most_of_its_rows_have() -> None:
    codes, strata = np.array([0, 0, 0, 1, 1, 2]), np.array([1, 1, 0, 0, 1, 2])
    assert usual_strata(codes, strata).tolist() == [1, 0, 2]


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(("classes", "m"), [(2, 4), (2, 6), (2, 9), (3, 4), (3, 6), (5, 4), (5, 8)])
def test_a_split_by_persons_is_skewed(seed: int, classes: int, m: int) -> None:
    strata, codes = patients(seed, persons=90, classes=classes)
    kept = np.ones(codes.size, dtype=bool)
    for label in range(classes):  # as the partition leaves them
        mine = np.unique(codes[strata == label])
        spare = spare_of_halves(np.bincount(codes)[mine])
        kept &= ~np.isin(codes, mine[spare])
    strata, codes = strata[kept], codes[kept]
    parts = split_groups(strata, codes, m, seed)
    assert check_skew(strata, parts).skewed
    assert sum(len(set(codes[rows].tolist())) for rows in parts) == np.unique(codes).size


@pytest.mark.parametrize(("classes", "m"), [(2, 4), (3, 4), (5, 4), (5, 8)])
def test_persons_of_several_classes_are_dealt_too(classes: int, m: int) -> None:
    strata, codes = patients(1, persons=200, classes=classes, mixed=True)
    report = check_skew(strata, split_groups(strata, codes, m, 0))
    assert not report.not_a_partition
    assert not report.half_of_class


def test_subsets_that_hold_all_classes_are_told(load: Loader) -> None:
    rows = "".join(f"p{i // 2},{i * 7 % 13}.5,{'ab'[i % 2]}\n" for i in range(120))
    table = load("who,u,y\n" + rows, group="who")
    prepared = partition(table, 0)
    parts = cut(table, prepared, 4, 0)
    assert told_of(table, prepared, parts) == ("4 subsets hold all classes, for rows of one group do",)


def test_persons_of_two_of_three_classes_need_not_hold_all() -> None:
    codes = np.repeat(np.arange(60), 2)
    strata = np.stack([np.arange(60) % 3, (np.arange(60) + np.arange(60) // 3 % 2) % 3], axis=1).ravel()
    parts = split_groups(strata.astype(np.int64), codes.astype(np.int64), 6, 0)
    assert not check_skew(strata, parts).half_of_class


@pytest.mark.parametrize(
    ("strata", "codes", "m", "message"),
    [
        ([0, 1] * 10, range(20), 0, "0 subsets: a dataset has 1 to 256"),
        ([0] * 20, range(20), 4, "the data hold a single class: every subset would hold all classes"),
        ([0, 1] * 10, [i // 10 for i in range(20)], 4, "4 subsets are too many for 2 groups: use 2 or fewer"),
        ([0, 1] * 10, [0] * 17 + [1, 2, 3], 4, "no split of 4 groups in 2 classes into 4 subsets found"),
    ],
)
def test_what_cannot_be_split_is_refused(strata: list[int], codes: list[int], m: int, message: str) -> None:
    with pytest.raises(CannotSplit, match=message):
        split_groups(np.array(strata), np.array(list(codes)), m, 0)


def test_too_few_persons_of_a_class_are_refused() -> None:
    strata, codes = np.array([0] * 20 + [1] * 20), np.array([0, 1, 2, 3] * 5 + [4] * 20)
    with pytest.raises(BadData, match="a class or range of the target is that of 1 groups, at least 4 are"):
        rows_of_groups("t", strata, Groups(codes, ()), np.random.default_rng(0))


def test_rows_without_a_person_are_each_one_of_their_own(load: Loader) -> None:
    table = load("u,who,y\n" + lines(lambda i: f"p{i // 4}" if i < 40 else ""), group="who")
    assert table.groups is not None
    assert table.groups.count == 30
    assert table.groups.names[-1] == "(row 60)"
    assert table.notes[1] == "column 'who': 20 rows without a group, each one of its own"


def test_numbers_may_name_persons_and_rows_without_a_target_go(load: Loader) -> None:
    content = "u,who,y\n" + lines(lambda i: i // 4).replace("0.5,0,a", "0.5,0,", 1)
    table = load(content, group="who")
    assert table.groups is not None
    assert table.groups.codes[:5].tolist() == [0, 0, 0, 1, 1]
    assert table.groups.names[:2] == ("0", "1")


def test_another_identifier_beside_the_group_is_dropped_for_its_name_alone(load: Loader) -> None:
    rows = "".join(f"{i // 2},{i // 2 + 500},{i * 7 % 13}.5,{'ab'[i // 2 % 2]}\n" for i in range(60))
    table = load("who,visit_id,u,y\n" + rows, group="who")
    assert table.notes[1] == "column 'visit_id' dropped: an identifier, with 2 rows each on average"


def test_a_group_that_is_not_there_is_refused(refusal: Refusal) -> None:
    content = "u,v,y\n" + lines(lambda i: i)
    assert refusal(content, group="w") == "no column 'w' to group by; its columns are u, v, y"
    assert refusal("y\n" + "a\nb\n" * 30, group="y") == "no column is left beside the group's"


@pytest.mark.parametrize(
    ("sizes", "equal"),
    [
        ([1, 1], True),
        ([3, 2, 1], True),
        ([5, 3], False),
        ([2, 1], False),
        ([4], False),
        ([7, 7, 3, 3, 2, 2], True),
    ],
)
def test_halves_are_equal(sizes: list[int], equal: bool) -> None:
    side = halves(np.array(sizes))
    assert (side is not None) == equal
    if side is not None:
        assert 2 * np.array(sizes)[side].sum() == sum(sizes)


def test_one_person_is_spared_where_that_makes_halves() -> None:
    assert spare_of_halves(np.array([4, 4, 3])).tolist() == [2]
    assert spare_of_halves(np.array([4, 4])).tolist() == []
    assert spare_of_halves(np.array([100, 3, 2])).tolist() == []


def test_bins_hold_at_most_half() -> None:
    assert packed(np.array([9, 2, 1]), 3) is None
    bins = packed(np.array([4, 3, 3, 2, 1]), 3)
    assert bins is not None
    assert sorted(np.bincount(bins, weights=[4, 3, 3, 2, 1]).tolist()) == [4, 4, 5]
