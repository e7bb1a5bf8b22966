"""Days and times of day.

Rules: P18.
"""

from __future__ import annotations

import numpy as np
import pytest

from agents.learning.data.meaning.dates import understand_compact, understand_dates
from agents.learning.data.meaning.numbers import Understood
from agents.learning.data.samples import FloatArray
from testing.csv_lines import Loader, lines


def read(*words: str) -> Understood | None:
    return understand_dates(words, np.arange(len(words)))


NEW_YEAR = 19723.0
"""2024-01-01."""


@pytest.mark.parametrize(
    ("words", "values", "form"),
    [
        (("2024-01-01", "2024-01-31"), [0, 30], "year, month, day"),
        (("2024-01-01T12:00:00", "2024-01-02 06:00"), [0.5, 1.25], "year, month, day"),
        (("2024-01-01T02:00:00+02:00", "2024-01-01T00:00:00Z"), [0, 0], "year, month, day"),
        (("2024/1/1", "2024/01/31"), [0, 30], "year, month, day"),
        (("1.1.2024", "31.01.2024 18:00"), [0, 30.75], "day.month.year"),
        (("1/1/2024", "1/31/2024"), [0, 30], "month/day/year"),
        (("1/1/24", "1/31/24 6:00 PM"), [0, 30.75], "month/day/year"),
        (("1/1/2024", "31/1/2024"), [0, 30], "day/month/year"),
        (("01-01-2024", "31-01-2024"), [0, 30], "day/month/year"),
        (("1 Jan 2024", "31-January-24"), [0, 30], "day, month's name, year"),
        (("Jan 1, 2024", "January 31 2024 12:00 am"), [0, 30], "month's name, day, year"),
        (("2024-01", "2024-02"), [0, 31], "year and month"),
    ],
)
def test_dates_are_days(words: tuple[str, ...], values: list[float], form: str) -> None:
    understood = read(*words)
    assert understood is not None
    assert (understood.values - NEW_YEAR).tolist() == pytest.approx(values)
    assert understood.notes[0].startswith(f"{form} read as days since 1970 ({words[0]!r} is ")


def test_a_year_of_two_digits_is_of_the_century_that_posix_says() -> None:
    understood = read("1.1.68", "1.1.69", "31.1.70")
    assert understood is not None
    assert (understood.values < 0).tolist() == [False, True, False]


def test_dates_that_could_be_either_are_told() -> None:
    understood = read("3/4/2024", "5/6/2024")
    assert understood is not None
    assert understood.notes == (
        "month/day/year read as days since 1970 ('3/4/2024' is 19786); no cell tells "
        "that days do not come first",
    )
    assert len(read("3/14/2024", "5/6/2024").notes[0]) < len(understood.notes[0])  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("words", "values"),
    [
        (("00:00", "12:30"), [0, 12.5]),
        (("1:30 am", "1:30 PM"), [1.5, 13.5]),
        (("36:00:36", "0:30"), [36.01, 0.5]),
    ],
)
def test_times_are_hours(words: tuple[str, ...], values: list[float]) -> None:
    understood = read(*words)
    assert understood is not None
    assert understood.values.tolist() == pytest.approx(values)
    assert "read as hours" in understood.notes[0]


@pytest.mark.parametrize(
    "words",
    [
        ("2024-13-01", "2024-14-01"),
        ("30.02.2024", "31.02.2024"),
        ("1 Foo 2024", "2 Bar 2024"),
        ("a", "b"),
        ("b1",),
        ("1/2", "3/4"),
        ("13:00 pm", "0:30 am"),
        ("2024-01-01 12:77", "2024-01-01 12:78"),
        ("2024-W01-1x",),
    ],
)
def test_what_is_no_date_is_none(words: tuple[str, ...]) -> None:
    assert read(*words) is None


def test_few_words_among_dates_are_missing(load: Loader) -> None:
    table = load("u,v,y\n" + lines(lambda i: "unsure" if i == 7 else f"2024-{i % 12 + 1}-{i % 28 + 1}"))
    assert np.isnan(table.features[7, 1])
    assert table.notes[1:] == (
        "column 'v': 1 cell without a number (as 'unsure') taken as missing",
        "column 'v': 1 missing values set to the training median",
    )


def test_eight_digits_that_all_are_dates_are_days(load: Loader) -> None:
    table = load("u,v,y\n" + lines(lambda i: f"2024{i % 12 + 1:02}{i % 28 + 1:02}" if i else ""))
    assert np.isnan(table.features[0, 1])
    assert table.features[12, 1] == NEW_YEAR + 12
    assert table.notes[0] == "column 'v': year, month, day read as days since 1970 ('20240202' is 19755)"


@pytest.mark.parametrize(
    "values",
    [
        np.arange(20240101, 20240109, dtype=np.float64),  # too few to be sure
        np.arange(20240101, 20240145, dtype=np.float64),
        np.arange(20240101.5, 20240112),
        np.arange(10, 30, dtype=np.float64),
        np.arange(30240101, 30240112, dtype=np.float64),
    ],
)
def test_other_numbers_of_eight_digits_stay(values: FloatArray) -> None:
    assert understand_compact(values) is None


def test_a_target_of_dates_is_a_number(load: Loader) -> None:
    rows = "".join(f"{i * 7 % 13}.5,{i % 28 + 1}.{i % 12 + 1}.2024\n" for i in range(60))
    table = load("u,y\n" + rows)
    assert table.class_names == ()
    assert table.notes == ("target 'y': day.month.year read as days since 1970 ('1.1.2024' is 19723)",)


def test_very_many_different_dates_are_read() -> None:
    words = [f"{i % 28 + 1}.{i % 12 + 1}.{1800 + i // 336}" for i in range(20_000)]
    understood = understand_dates(words, np.arange(len(words)))
    assert understood is not None
    assert np.unique(understood.values).size > 4000
    assert understand_dates([f"w{i}" for i in range(20_000)], np.arange(20_000)) is None
