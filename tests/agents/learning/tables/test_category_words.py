"""Words as categories.

Rules: P18.
"""

from __future__ import annotations

import numpy as np
import pytest

from agents.learning.data.meaning.categories import OTHER, categories_of
from testing.csv_lines import ROWS, Loader, lines


@pytest.mark.parametrize(
    ("words", "labels", "codes"),
    [
        (["b", "a"], ("a", "b"), [1, 0]),
        (["Yes", "yes", "NO"], ("NO", "Yes"), [1, 1, 0]),
        (["TRUE", "f", "Y", "n", "on", "OFF"], ("OFF", "TRUE"), [1, 0, 1, 0, 1, 0]),
        (["yes", "y"], ("y", "yes"), [1, 0]),  # two words, unless there is a no
        (["yes", "no", "perhaps"], ("no", "perhaps", "yes"), [2, 0, 1]),
        (["New  York", "new york", "Oslo"], ("New  York", "Oslo"), [0, 0, 1]),
    ],
)
def test_spellings_of_one_word_are_one(words: list[str], labels: tuple[str, ...], codes: list[int]) -> None:
    found = categories_of(words, np.arange(len(words)))
    assert found.labels == labels
    assert found.codes.tolist() == codes
    assert bool(found.notes) == (len(labels) < len(words))


def test_a_category_is_called_as_it_is_written_most_often() -> None:
    found = categories_of(["yes", "YES", "no"], np.array([0, 1, 1, 2, -1]))
    assert found.labels == ("YES", "no")
    assert found.codes.tolist() == [0, 0, 0, 1, -1]
    assert found.notes == ("spellings of one word joined: 'YES', 'yes'",)


def test_a_column_of_many_spellings_of_yes_is_one_feature(load: Loader) -> None:
    table = load("u,v,y\n" + lines(lambda i: ("Yes", "no", "TRUE", "F", "y", "NO")[i % 6]))
    assert len(table.feature_names) == 2
    assert table.features[:6, 1].tolist() == [1, 0, 1, 0, 1, 0]
    assert table.notes[0].startswith(
        "column 'v': spellings of one word joined: 'F', 'NO', 'no'; 'TRUE', 'Yes', 'y'"
    )


def test_rare_categories_are_one(load: Loader) -> None:
    table = load("u,v,y\n" + lines(lambda i: f"usual{i % 4}" if i < 40 else f"rare{i}"))
    assert table.feature_names[1:] == (f"v={OTHER}", "v=usual0", "v=usual1", "v=usual2", "v=usual3")
    assert table.features[:, 1].sum() == ROWS - 40
    assert table.notes == (
        "column 'v': 20 rare categories of 20 rows (as 'rare40') made one, '(other)'",
        "column 'v': 5 categories one-hot encoded",
    )


def test_up_to_twenty_categories_stay_however_rare(load: Loader) -> None:
    table = load("u,v,y\n" + lines(lambda i: f"usual{i % 2}" if i < 42 else f"rare{i}"))
    assert len(table.feature_names) == 21


def test_free_text_is_dropped(load: Loader) -> None:
    table = load("u,v,y\n" + lines(lambda i: "again" if i < 6 else f"text {i}"))
    assert table.feature_names == ("u",)
    assert table.notes == ("column 'v' dropped: text with 55 different values",)
