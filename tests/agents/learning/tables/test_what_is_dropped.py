"""Columns that number the rows, name people, or say the target in other words.

Rules: P18, P43.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from agents.learning.data.tables import load_table
from testing.csv_lines import ROWS, Loader, Refusal, lines

NUMBERS = "it numbers the rows"
INDEX = "an index: different whole numbers without a name of their own"


@pytest.mark.parametrize(
    ("header", "cell", "why"),
    [
        ("", "{gaps}", INDEX),
        ("Unnamed: 0", "{gaps}", INDEX),
        ("X", "{gaps}", INDEX),
        ("row_names", "{gaps}", INDEX),
        ("n", "{i}", NUMBERS),
        ("patient_id", "{gaps}", NUMBERS),
        ("patientID", "{gaps}", NUMBERS),
        ("id", "p{i}", NUMBERS),
        ("year", "{i}", None),
        ("calendar year", "{i}", None),
        ("t", "{year}", None),
        ("id", "{year}", NUMBERS),
        ("dose", "{gaps}", None),
        ("", "{half}", None),
        ("hospital_id", "{few}", None),
        ("paid", "{gaps}", None),
    ],
)
def test_a_first_column_that_names_the_rows_is_dropped(
    load: Loader, header: str, cell: str, why: str | None
) -> None:
    rows = "".join(
        cell.format(i=i, gaps=i * 3 + 7, year=1921 + i, half=i + 0.5, few=f"h{i % 3}")
        + f",{i * 7 % 13}.5,{'ab'[i // 2 % 2]}\n"
        for i in range(ROWS)
    )
    table = load(f"{header},u,y\n{rows}")
    title = header or "column 1"
    assert any(name.startswith(title) for name in table.feature_names) == (why is None)
    if why is not None:
        assert table.notes == (f"column {title!r} dropped: {why}",)


def test_numbers_of_a_later_column_without_a_name_stay(load: Loader) -> None:
    assert load("u,,y\n" + lines(lambda i: i * 3 + 7)).feature_names == ("u", "column 2")


@pytest.mark.parametrize("cell", ["{}", "p{}"])
def test_people_with_several_rows_are_told(load: Loader, cell: str) -> None:
    table = load("u,patient_id,y\n" + lines(lambda i: cell.format(500 + i // 2)))
    assert table.feature_names == ("u",)
    assert table.notes == (
        "column 'patient_id' dropped: an identifier, with 2 rows each on average; rows of one are dealt to "
        "all parts, so scores are of those that were seen in training, too: name it as the group to keep "
        "them together",
    )


CLASSES = "it gives the target away: each of its values stands for one class"
NUMBER = "it gives the target away: it is the target in another unit"


@pytest.mark.parametrize("words", [("well", "sick"), ("1", "2"), ("0.5", "-3")])
def test_a_column_that_names_the_classes_is_dropped(load: Loader, words: tuple[str, str]) -> None:
    told = load("u,v,y\n" + lines(lambda i: words[i // 2 % 2] if i > 2 else ""))
    assert told.feature_names == ("u",)
    assert told.notes == (f"column 'v' dropped: {CLASSES}",)
    almost = load("u,v,y\n" + lines(lambda i: words[i // 2 % 2] if i else words[1]))
    assert len(almost.feature_names) == 2


def test_a_column_that_is_the_number_in_another_unit_is_dropped(load: Loader) -> None:
    rows = [f"{i * 7 % 13}.5,{'' if i == 3 else i * -1.8 + 32},{i}.5" for i in range(ROWS)]
    told = load("u,v,y\n" + "\n".join(rows))
    assert told.notes == (f"column 'v' dropped: {NUMBER}",)
    rows[5] = "1.5,99,5.5"
    assert load("u,v,y\n" + "\n".join(rows)).feature_names == ("u", "v")


def test_words_may_go_with_a_number(load: Loader) -> None:
    rows = "".join(f"{i * 7 % 13}.5,{'ab'[i % 2]},{i}.5\n" for i in range(ROWS))
    assert load("u,v,y\n" + rows).feature_names == ("u", "v=b")


FINER = "it gives the target away: each of its values goes with one class alone"
SCALE = "it gives the target away: it is the target on another scale"


@pytest.mark.parametrize("words", [("died of it", "died at home", "alive", "moved"), ("1", "2", "3", "4")])
def test_a_column_that_names_the_classes_in_finer_words_is_dropped(
    load: Loader, words: tuple[str, ...]
) -> None:
    told = load("u,v,y\n" + lines(lambda i: words[i // 2 % 2 * 2 + i % 2]))
    assert told.notes == (f"column 'v' dropped: {FINER}",)
    almost = load("u,v,y\n" + lines(lambda i: words[i // 2 % 2 * 2 + i % 2] if i else words[2]))
    assert len(almost.feature_names) > 1
    rare = load("u,v,y\n" + lines(lambda i: f"{words[i // 2 % 2 * 2]} {i // 6}"))
    assert len(rare.feature_names) > 1


@pytest.mark.parametrize("power", [3, -1])
def test_a_column_that_is_the_number_on_another_scale_is_dropped(load: Loader, power: int) -> None:
    rows = [f"{i * 7 % 13}.5,{(i + 1) ** power!r},{i}.5" for i in range(ROWS)]
    assert load("u,v,y\n" + "\n".join(rows)).notes == (f"column 'v' dropped: {SCALE}",)
    rows[5] = "1.5,99999,5.5"
    assert load("u,v,y\n" + "\n".join(rows)).feature_names == ("u", "v")


def test_a_target_of_few_values_may_be_in_one_order_with_a_column(load: Loader) -> None:
    rows = "".join(f"{i * 7 % 13}.5,{(i % 25) ** 2},{i % 25}\n" for i in range(75))
    assert load("u,v,y\n" + rows).feature_names == ("u", "v")


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("index-with-gaps", INDEX),
        (
            "same-patient-four-times",
            "an identifier, with 4 rows each on average; rows of one are dealt to all parts, so scores are "
            "of those that were seen in training, too: name it as the group to keep them together",
        ),
    ],
)
def test_a_column_is_kept_if_its_owner_says_so(name: str, why: str) -> None:
    column = {"index-with-gaps": "column 1", "same-patient-four-times": "patient_id"}[name]
    table = load_table(Path(__file__).parent / "cases" / f"{name}.csv", "state", keep=(column,))
    assert column in table.feature_names
    assert table.notes == (f"column {column!r} kept, though {why}",)


def test_words_that_tell_the_class_are_kept_if_their_owner_says_so(load: Loader) -> None:
    table = load("u,v,y\n" + lines(lambda i: ("well", "sick")[i // 2 % 2]), keep=("v",))
    assert table.feature_names == ("u", "v=well")
    assert table.notes[-1] == f"column 'v' kept, though {CLASSES}"


@pytest.mark.parametrize(
    ("cell", "why"),
    [
        ("name {i}", "text with 60 different values"),
        ("7", "it is constant"),
        ("", "60 of 60 values are missing"),
    ],
)
def test_what_is_of_no_use_cannot_be_kept(refusal: Refusal, cell: str, why: str) -> None:
    content = "u,v,y\n" + lines(lambda i: cell.format(i=i))
    assert refusal(content, keep=("v",)) == f"column 'v' cannot be kept: {why}"
    assert refusal(content, keep=("w",)) == "no column 'w' to keep; its columns are u, v, y"
