"""What is learnt: classes or a number.

Rules: P10, P18.
"""

from __future__ import annotations

import pytest

from agents.learning.data.samples import PredictionTask
from testing.csv_lines import Loader, Refusal

CLASSES, NUMBER = PredictionTask.CLASSIFICATION, PredictionTask.REGRESSION


def rows(*targets: object, times: int = 20) -> str:
    cells = list(targets) * times
    return "u,y\n" + "".join(f"{i * 7 % 13}.5,{cell}\n" for i, cell in enumerate(cells))


@pytest.mark.parametrize(
    ("text", "task", "learnt", "classes"),
    [
        (rows(1, 2, 3), None, CLASSES, ("1", "2", "3")),
        (rows(1, 2, 3), NUMBER, NUMBER, ()),
        (rows(1, 2), NUMBER, NUMBER, ()),
        (rows(0.5, 1, 2), None, NUMBER, ()),
        (rows(0.5, 1, 2), CLASSES, CLASSES, ("0.5", "1.0", "2.0")),
        (rows(*range(21)), None, NUMBER, ()),
        (rows(*range(21)), CLASSES, CLASSES, tuple(map(str, range(21)))),
        (rows("5%", "7%", "9%"), None, CLASSES, ("5", "7", "9")),
        (rows("b", "a"), CLASSES, CLASSES, ("a", "b")),
        (rows("none", 1, 2), None, CLASSES, ("1", "2", "none")),
        (rows('"NA"', "EU"), None, CLASSES, ("EU", "NA")),
    ],
)
def test_what_the_target_is_follows_from_its_looks_unless_it_is_said(
    load: Loader, text: str, task: PredictionTask | None, learnt: PredictionTask, classes: tuple[str, ...]
) -> None:
    table = load(text, task=task)
    assert table.task is learnt
    assert table.class_names == classes
    assert table.target.size == text.count("\n") - 1


def test_whole_numbers_that_are_taken_for_classes_are_told(load: Loader) -> None:
    told = "target 'y': 3 whole numbers, learnt as classes (task regression: as a number)"
    assert load(rows(1, 2, 3)).notes == (told,)
    assert load(rows(1, 2, 3), task=CLASSES).notes == ()
    assert load(rows(1, 2)).notes == ()


def test_few_words_among_the_numbers_of_a_target_are_rows_without_one(load: Loader) -> None:
    cells = [*(i + 0.5 for i in range(100)), "lost", ""]
    table = load(rows(*cells, times=1))
    assert table.target.size == 100
    assert table.features.shape == (100, 1)
    assert table.notes == (
        "2 rows without a target dropped",
        "target 'y': 1 cell without a number (as 'lost') taken as missing",
    )


@pytest.mark.parametrize(
    ("text", "how", "message"),
    [
        (
            rows("a", "b"),
            {"task": NUMBER},
            "target 'y' is text, and no number can be learnt from it: choose another column, "
            "or classification",
        ),
        (
            rows(*range(50), "inf", times=2),
            {},
            "target 'y' is infinite in 2 of 102 rows: correct or empty them",
        ),
        (
            rows(*range(50), "-Infinity", times=1),
            {},
            "target 'y' is infinite in 1 of 51 rows: correct or empty them",
        ),
        (
            rows(*range(60), times=1),
            {"task": CLASSES},
            "target 'y' has 60 classes, over 50: choose another column, or learn it as a number "
            "(task regression)",
        ),
        (
            rows(*[1] * 30, *[2] * 30, 3, times=1),
            {},
            "class '3' of target 'y' has 1 rows, at least 10 are needed: merge or drop it (merge-rare 10), "
            "or learn it as a number (task regression)",
        ),
        (
            rows(*"a" * 55, *"bcdef", times=1),
            {"merge_rare": 10},
            "target 'y' has no second class of 10 rows: choose another column",
        ),
        (
            rows(*(f"t{i}" for i in range(60)), times=1),
            {"merge_rare": 10},
            "target 'y' has no second class of 10 rows: choose another column",
        ),
        (
            rows(7, times=60),
            {"task": NUMBER},
            "target 'y' is the same in every row: there is nothing to learn",
        ),
    ],
)
def test_refuses_what_cannot_be_learnt_and_says_what_would_do(
    refusal: Refusal, text: str, how: dict[str, object], message: str
) -> None:
    assert refusal(text, **how) == message


def test_rare_classes_are_merged_on_request(load: Loader) -> None:
    table = load(rows(*"a" * 30, *"b" * 30, *"c" * 7, *"d" * 5, times=1), merge_rare=10)
    assert table.class_names == ("(rare)", "a", "b")
    assert (table.target == 0).sum() == 12
    assert table.notes == ("target 'y': 2 rare categories of 12 rows (as 'd') made one, '(rare)'",)


def test_classes_that_are_rare_even_together_are_left_out(load: Loader) -> None:
    table = load(rows(*"a" * 30, *"c" * 2, *"e" * 30, *"d" * 3, times=1), merge_rare=10)
    assert table.class_names == ("a", "e")
    assert table.features.shape[0] == table.target.size == 60
    assert table.target.tolist() == [0] * 30 + [1] * 30
    assert table.notes == ("target 'y': 5 rows of 2 rare classes (as 'c') left out",)


def test_merging_does_nothing_where_no_class_is_rare(load: Loader) -> None:
    assert load(rows("a", "b"), merge_rare=10).notes == ()
