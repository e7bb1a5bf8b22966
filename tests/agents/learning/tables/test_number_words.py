"""Numbers as people write them.

Rules: P18.
"""

from __future__ import annotations

import numpy as np
import pytest

from agents.learning.data.meaning.numbers import Style, Understood, understand
from testing.csv_lines import ROWS, Loader, lines

COMMAS, SEMICOLONS = Style(), Style(comma_usual=True)


def read(words: str | list[str], style: Style = COMMAS, *, of_target: bool = False) -> Understood | None:
    cells = words.split("|") if isinstance(words, str) else words
    return understand(cells, np.arange(len(cells)), style, of_target=of_target)


@pytest.mark.parametrize(
    ("words", "values"),
    [
        ("26,162|870", [26162, 870]),
        ("1,234,567|1.5", [1234567, 1.5]),
        ("1.234.567|12", [1234567, 12]),
        ("1.250,5|870", [1250.5, 870]),
        ("1,250.5|870", [1250.5, 870]),
        ("3,14|2,5", [3.14, 2.5]),
        ("0,125|0,250", [0.125, 0.25]),
        ("12 345|1 234 567,5", [12345, 1234567.5]),
        ("12\u00a0345|12\u202f345|12\u2009345|1", [12345, 12345, 12345, 1]),
        ("12'345.5|1’000", [12345.5, 1000]),
        ("12,34,567|1,00,000|5", [1234567, 100000, 5]),
        ("1.5|2,5", [1.5, 2.5]),
        ("25.6 %|3%", [25.6, 3]),
        ("$5|-$7|$-8|$1,000.50|(9)", [5, -7, -8, 1000.5, -9]),
        ("5 €|7,5€|EUR 8|9 EUR", [5, 7.5, np.nan, np.nan]),
        ("CHF 5|6 CHF", [5, 6]),
        ("−3|–4|‐5|+6", [-3, -4, -5, 6]),
        ("(1,234)|5", [-1234, 5]),
        ("<0.5|≤0.5|> 90|>=90|1", [0.5, 0.5, 90, 90, 1]),
        ("1.5e3|2E-1|.5|7.", [1500, 0.2, 0.5, 7]),
    ],
)
def test_numbers_in_every_dress(words: str, values: list[float]) -> None:
    cells = words.split("|")
    plain = [str(i) for i in range(200)]  # so that what is no number among them is too little to matter
    understood = read(cells + plain, SEMICOLONS if "€" in words else COMMAS)
    assert understood is not None
    assert understood.values[: len(cells)].tolist() == pytest.approx(values, nan_ok=True)
    assert understood.values[len(cells) :].tolist() == list(range(200))


@pytest.mark.parametrize(
    "words",
    [
        "a|b",
        "I10|I11",
        "1_0|2_0",
        "12:30|13:45",
        "1-2|3-4",
        "1.2.3|1.2.4",
        "12,34.5,6|1",
        "--5|-+6",
        "(5|6)",
        "$5$|$6$",
        "0x10|0x11",
        "1 2|3 4",
        "5 mgs|6 mgs",
        "1|2|three",
    ],
)
def test_words_are_no_numbers(words: str) -> None:
    assert read(words) is None


@pytest.mark.parametrize(
    ("words", "style", "values"),
    [
        ("1.250|870", COMMAS, [1.25, 870]),
        ("1.250|870", SEMICOLONS, [1250, 870]),
        ("1.250|870", Style(True, "."), [1.25, 870]),
        ("1.250|870", Style(True, ","), [1250, 870]),
        ("1.250|870", Style(False, ","), [1250, 870]),
        ("1,250|870", COMMAS, [1250, 870]),
        ("1,250|870", SEMICOLONS, [1.25, 870]),
        ("1,250|870", Style(True, "."), [1250, 870]),
        ("1,250|870", Style(True, ","), [1.25, 870]),
        ("1.250|2.500", SEMICOLONS, [1.25, 2.5]),  # but for a factor the same column
        ("1,250|2,500", COMMAS, [1.25, 2.5]),
        ("1.250|87.5", SEMICOLONS, [1.25, 87.5]),
    ],
)
def test_a_mark_before_three_digits_groups_or_divides_as_the_file_does(
    words: str, style: Style, values: list[float]
) -> None:
    understood = read(words, style)
    assert understood is not None
    assert understood.values.tolist() == values


@pytest.mark.parametrize(
    ("style", "told"),
    [
        (
            COMMAS,
            "every '.' stands before three digits, read as a decimal mark ('1.250' is 1.25, though "
            "it could be 1250)",
        ),
        (SEMICOLONS, "1 cell with thousands ('1.250' is 1250)"),
    ],
)
def test_neither_reading_is_silent(style: Style, told: str) -> None:
    understood = read("1.250|870", style)
    assert understood is not None
    assert understood.notes == (told,)


@pytest.mark.parametrize("mark", [";", "|", "\t"])
def test_neither_reading_is_silent_in_a_file(load: Loader, mark: str) -> None:
    table = load(f"u{mark}v{mark}y\n" + lines(lambda i: ("1.250", "870")[i % 2], mark=mark))
    assert "column 'v': " in table.notes[-1]
    assert "1.250" in table.notes[-1]


def test_shares_of_one_become_percent_beside_percent_signs() -> None:
    understood = read("25%|80%|0.5|0.1")
    assert understood is not None
    assert understood.values.tolist() == [25, 80, 50, 10]
    assert understood.notes == (
        "2 cells in percent ('25%' is 25)",
        "2 cells without a percent sign among them ('0.5' is 50 %)",
    )
    large = read("25%|80%|50|10")
    assert large is not None
    assert large.values.tolist() == [25, 80, 50, 10]


def test_amounts_of_another_currency_are_missing() -> None:
    understood = read([*(f"${i}" for i in range(40)), "€7"])
    assert understood is not None
    assert np.isnan(understood.values[-1])
    assert understood.stray == (*(False,) * 40, True)


@pytest.mark.parametrize("share", [1, 3])
def test_few_words_among_numbers_are_missing_and_noted(load: Loader, share: int) -> None:
    table = load("u,v,y\n" + lines(lambda i: "broken" if i < share else i * 11 % 59))
    assert np.isnan(table.features[:, 1]).sum() == share
    assert (
        table.notes[0]
        == f"column 'v': {share} cell{'s' * (share > 1)} without a number (as 'broken') taken as missing"
    )


def test_many_words_among_numbers_are_categories(load: Loader) -> None:
    table = load("u,v,y\n" + lines(lambda i: "broken" if i < 4 else i % 5))
    assert table.feature_names[1:] == ("v=0", "v=1", "v=2", "v=3", "v=4", "v=broken")


def test_a_usual_word_for_a_missing_number_is_no_word_however_often(load: Loader) -> None:
    table = load("u,v,y\n" + lines(lambda i: ("none", "Not done", i * 11 % 59, 7, 8, 9)[i % 6]))
    assert np.isnan(table.features[:, 1]).sum() == ROWS // 3
    assert table.notes[0] == f"column 'v': {ROWS // 3} cells without a number (as 'none') taken as missing"


@pytest.mark.parametrize(
    "missing", ["", "NA", "n/a", "NaN", "nan", "?", "-", ".", "NULL", "#N/A", "<NA>", "\\N", " na "]
)
def test_missing_cells_are_spelled_in_many_ways(load: Loader, missing: str) -> None:
    table = load("u,v,y\n" + lines(lambda i: missing if i < 3 else i * 11 % 59 + 0.5))
    assert np.isnan(table.features[:, 1]).sum() == 3
    assert table.notes == ("column 'v': 3 missing values set to the training median",)
    words = load("u,v,y\n" + lines(lambda i: missing if i < 3 else ("p", "q", "r")[i % 3]))
    assert words.notes == ("column 'v': 3 categories one-hot encoded, 3 missing values set to 'p'",)


def test_a_quoted_word_is_a_word(load: Loader) -> None:
    regions = load("u,v,y\n" + lines(lambda i: ('"NA"', "EU", "NA", "AS")[i * 3 // 2 % 4]))
    assert regions.feature_names[1:] == ("v=AS", "v=EU", "v=NA")
    assert regions.notes == ("column 'v': 3 categories one-hot encoded, 14 missing values set to 'NA'",)
    numbers = load("u,v,y\n" + lines(lambda i: '"NA"' if i < 3 else f'"{i * 11 % 59}"'))
    assert np.isnan(numbers.features[:, 1]).sum() == 3
    empty = load("u,v,y\n" + lines(lambda i: '""' if i < 3 else ("p", "q", "r")[i % 3]))
    assert empty.notes == ("column 'v': 3 categories one-hot encoded, 3 missing values set to 'p'",)


def test_none_is_a_category_of_words(load: Loader) -> None:
    assert load("u,v,y\n" + lines(lambda i: ("none", "some", "much")[i % 3])).feature_names[1:] == (
        "v=much",
        "v=none",
        "v=some",
    )


def test_very_many_different_words_are_looked_at_once() -> None:
    assert read([f"word {i}" for i in range(20_000)]) is None
    numbers = read([f"{i:,}" for i in range(20_000)])
    assert numbers is not None
    assert numbers.values.tolist() == list(range(20_000))
