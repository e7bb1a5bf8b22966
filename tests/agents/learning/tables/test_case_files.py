"""Small tables with one kind of trouble each, all made up by a program: what a user expects of them.

Rules: P10, P18, P19.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from agents.core.errors import BadData
from agents.learning.data.prepare import partition
from agents.learning.data.samples import FEATURE_BITS, PredictionTask
from agents.learning.data.tables import Table, load_table
from agents.workers.data_owner import cut

CASES = Path(__file__).parent / "cases"


def case(name: str, target: str | None = "state", **how: object) -> Table:
    return load_table(CASES / f"{name}.csv", target, **how)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "features", "first", "notes"),
    [
        ("old-mac-line-ends", ("age", "pressure"), [53, 131.6], []),
        ("utf16", ("age", "pressure"), [78, 133.6], []),
        ("comment-lines", ("age", "pressure"), [70, 144.3], ["comment lines that begin with '#' skipped"]),
        (
            "r-row-names",
            ("age", "pressure"),
            [51, 139],
            ["first column dropped: names of the rows, for the header has none for it"],
        ),
        (
            "three-words-in-a-number-column",
            ("age", "lactate"),
            [74, 2.71],
            [
                "column 'lactate': 3 cells without a number (as 'n.d.') taken as missing",
                "column 'lactate': 3 missing values set to the training median",
            ],
        ),
        (
            "below-detection-limit",
            ("age", "crp"),
            [29, 0.5],
            ["column 'crp': 26 cells beyond a limit, set to the limit ('<0.5' is 0.5)"],
        ),
        (
            "thousands-commas",
            ("age", "income"),
            [82, 26162],
            ["column 'income': 89 cells with thousands ('26,162' is 26162)"],
        ),
        (
            "thousands-dots",
            ("age", "cost"),
            [57, 992],
            ["column 'cost': 45 cells with thousands ('1.244' is 1244)"],
        ),
        (
            "percent-signs",
            ("age", "share"),
            [30, 25.6],
            ["column 'share': 90 cells in percent ('25.6%' is 25.6)"],
        ),
        (
            "dates",
            ("age", "seen"),
            [66, 19894],
            ["column 'seen': year, month, day read as days since 1970 ('2024-06-20' is 19894)"],
        ),
        (
            "index-with-gaps",
            ("age", "pressure"),
            [32, 108.3],
            ["column 'column 1' dropped: an index: different whole numbers without a name of their own"],
        ),
        (
            "same-patient-four-times",
            ("marker", "age"),
            [0.123, 66],
            [
                "column 'patient_id' dropped: an identifier, with 4 rows each on average; rows of one are "
                "dealt to all parts, so scores are of those that were seen in training, too: name it as the "
                "group to keep them together"
            ],
        ),
        ("one-slip-of-the-key", ("age", "pressure"), [74, 154.4], []),
    ],
)
def test_is_read_as_its_user_expects(
    name: str, features: tuple[str, ...], first: list[float], notes: list[str]
) -> None:
    table = case(name)
    assert table.feature_names == features
    assert table.features[0].tolist() == first
    assert list(table.notes) == notes
    assert len(table.class_names) == 2


def test_thousands_with_dots_stand_beside_numbers_without() -> None:
    assert case("thousands-dots").features[:4, 1].tolist() == [992, 1244, 1460, 742]


def test_the_last_column_with_a_name_is_the_target() -> None:
    table = case("trailing-commas", None)
    assert table.class_names == ("sick", "well")
    assert table.notes == (
        "column 4 dropped: it has neither name nor cells",
        "target: column 'state'",
    )


def test_none_is_a_class() -> None:
    table = case("class-none", "improved")
    assert table.class_names == ("marked", "none", "some")
    assert np.bincount(table.target.astype(int))[1] == 45
    assert table.notes == ()


def test_an_infinite_target_is_refused() -> None:
    with pytest.raises(BadData, match=r"target 'cost' is infinite in 1 of 100 rows: correct or empty them$"):
        case("infinite-target", "cost")


@pytest.mark.parametrize("seed", range(8))
def test_a_target_that_is_mostly_zero_is_a_number_and_can_be_split(seed: int) -> None:
    table = case("mostly-zero-cost", "cost")
    assert table.task is PredictionTask.REGRESSION
    prepared = partition(table, seed)
    rows = cut(table, prepared, 4, seed)
    assert sum(map(len, rows)) == len(prepared.train)


def test_a_count_is_a_number_if_its_user_says_so() -> None:
    table = case("count-target", "visits", task=PredictionTask.REGRESSION)
    assert table.task is PredictionTask.REGRESSION
    assert table.target[:4].tolist() == [2, 1, 1, 2]
    with pytest.raises(BadData, match=r"class '9' of .* or learn it as a number \(task regression\)$"):
        case("count-target", "visits")


def test_spellings_of_yes_are_one_class() -> None:
    table = case("spellings-of-yes", "relapse")
    assert table.class_names == ("No", "yes")
    assert table.target[:4].tolist() == [0, 0, 1, 1]
    assert table.notes == ("target 'relapse': spellings of one word joined: 'No', 'no'; 'yes', 'YES', 'Yes'",)


def test_rare_codes_are_grouped() -> None:
    table = case("diagnosis-codes")
    assert len(table.feature_names) == 21
    assert {"code=(other)", "code=I21"} <= set(table.feature_names)
    assert table.notes == (
        "column 'code': 6 rare categories of 12 rows (as 'I33') made one, '(other)'",
        "column 'code': 20 categories one-hot encoded",
    )


def test_the_year_of_a_series_is_a_feature() -> None:
    table = case("year-of-a-series", "yield_")
    assert table.feature_names == ("year", "rain")
    assert table.notes == ()


@pytest.mark.parametrize("seed", range(4))
def test_one_slip_of_the_key_flattens_nothing(seed: int) -> None:
    prepared = partition(case("one-slip-of-the-key"), seed)
    pressures = prepared.train.features[:, 1]
    assert np.unique(pressures).size >= 60
    assert np.median(np.abs(pressures)) > 0.5 * 2**FEATURE_BITS
    slips = [note for note in prepared.notes if "(as 1303000000)" in note]
    assert len(slips) == (seed != 0)  # with seed 0 it is no training row
