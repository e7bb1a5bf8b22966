"""CSV files of every kind that people have, and those that cannot be used.

Rules: P10.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from agents.core.errors import BadData
from agents.learning.data.reading import sources
from agents.learning.data.samples import PredictionTask
from agents.learning.data.tables import Table, load_table


def rows_of(count: int, line: str) -> str:
    return "".join(
        line.format(i=i, x=i * 7 % 13 + 0.5, c="ab"[i % 2], t=f"t{i}") + "\n" for i in range(count)
    )


def load(folder: Path, text: str | bytes, target: str | None = None) -> Table:
    path = folder / "some.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return load_table(path, target)


def refusal(folder: Path, text: str | bytes, target: str | None = None) -> str:
    with pytest.raises(BadData) as caught:
        load(folder, text, target)
    message = str(caught.value)
    assert "\n" not in message
    return message


@pytest.mark.parametrize("mark", [",", ";", "\t"])
def test_reads_every_delimiter(tmp_path: Path, mark: str) -> None:
    table = load(tmp_path, "u,v,y\n".replace(",", mark) + rows_of(60, "{x},{i}.5,{c}".replace(",", mark)))
    assert table.feature_names == ("u", "v")
    assert table.class_names == ("a", "b")
    assert table.task is PredictionTask.CLASSIFICATION
    assert table.features.shape == (60, 2)
    assert table.target[:4].tolist() == [0, 1, 0, 1]
    assert table.name == "some.csv"


def test_the_last_column_is_the_target_by_default_and_the_report_says_so(tmp_path: Path) -> None:
    text = "u,y\n" + rows_of(60, "{x},{c}")
    assert load(tmp_path, text).notes == ("target: column 'y'",)
    assert load(tmp_path, text, "y").notes == ()


def test_a_target_may_be_any_column(tmp_path: Path) -> None:
    table = load(tmp_path, "y,u,v\n" + rows_of(60, "{c},{x},{i}.25"), "y")
    assert table.class_names == ("a", "b")
    assert table.feature_names == ("u", "v")


def test_few_whole_numbers_are_classes_in_numeric_order(tmp_path: Path) -> None:
    lines = "".join(f"{i}.5,{(10, 9)[i % 2]}\n" for i in range(60))
    table = load(tmp_path, "u,y\n" + lines)
    assert table.class_names == ("9", "10")
    assert table.target[:2].tolist() == [1, 0]


def test_many_numbers_are_a_regression(tmp_path: Path) -> None:
    table = load(tmp_path, "u,y\n" + rows_of(60, "{x},{i}"))
    assert table.task is PredictionTask.REGRESSION
    assert table.class_names == ()
    assert table.target.dtype == np.float64


def test_reads_decimal_commas_between_semicolons(tmp_path: Path) -> None:
    table = load(tmp_path, "u;y\n" + "".join(f"{i},25;{'ab'[i % 2]}\n" for i in range(60)))
    assert table.features[:2, 0].tolist() == [0.25, 1.25]


def test_quoted_cells_may_hold_delimiters_and_line_breaks(tmp_path: Path) -> None:
    table = load(
        tmp_path, "u,v,y\n" + "".join(f'{i}.5,"x, \n{i // 2 % 2}",{"ab"[i % 2]}\n' for i in range(60))
    )
    assert table.feature_names == ("u", "v=x, \n1")


def test_a_byte_order_mark_and_blank_lines_do_no_harm(tmp_path: Path) -> None:
    table = load(tmp_path, b"\xef\xbb\xbfu,y\n\n" + rows_of(60, "{x},{c}").encode() + b"\n\n")
    assert table.feature_names == ("u",)


def test_missing_numbers_become_nan_with_a_note(tmp_path: Path) -> None:
    table = load(tmp_path, "u,v,y\n" + "?,1.5,a\n,2.5,b\ninf,0.5,a\n" + rows_of(60, "{x},{i}.5,{c}"), "y")
    assert np.isnan(table.features[:3, 0]).all()
    assert table.notes == ("column 'u': 3 missing values set to the training median",)


def test_rows_without_a_target_are_dropped_and_counted(tmp_path: Path) -> None:
    table = load(tmp_path, "u,y\n1.5,\n2.5,NA\n" + rows_of(60, "{x},{c}"), "y")
    assert table.target.shape == (60,)
    assert table.notes == ("2 rows without a target dropped",)


def test_text_is_one_hot_and_its_gaps_take_the_most_frequent(tmp_path: Path) -> None:
    lines = "".join(f"{i}.5,{('red', 'red', 'blue', 'green')[i % 4]},{'ab'[i % 2]}\n" for i in range(60))
    table = load(tmp_path, "u,colour,y\n1.5,,a\n" + lines, "y")
    assert table.feature_names == ("u", "colour=blue", "colour=green", "colour=red")
    assert table.features[0].tolist() == [1.5, 0, 0, 1]
    assert table.notes == ("column 'colour': 3 categories one-hot encoded, 1 missing values set to 'red'",)


def test_two_categories_need_one_column(tmp_path: Path) -> None:
    lines = "".join(f"{i}.5,{('no', 'yes')[i % 3 == 0]},{'ab'[i % 2]}\n" for i in range(60))
    table = load(tmp_path, "u,member,y\n" + lines)
    assert table.feature_names == ("u", "member=yes")


@pytest.mark.parametrize(
    ("name", "cells", "note"),
    [
        ("v", "7", "it is constant"),
        ("v", "same", "it is constant"),
        ("row", "{i}", "it numbers the rows"),
        ("patient_id", "{i}7", "it numbers the rows"),
        ("v", "{t}", "text with 60 different values"),
        ("v", "", "60 of 60 values are missing"),
    ],
)
def test_drops_useless_columns_with_a_note(tmp_path: Path, name: str, cells: str, note: str) -> None:
    table = load(tmp_path, f"u,{name},y\n" + rows_of(60, "{x}," + cells + ",{c}"), "y")
    assert table.feature_names == ("u",)
    assert table.notes == (f"column {name!r} dropped: {note}",)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the file is empty"),
        ("\n\n", "the file is empty"),
        ("u,y\n", "no rows below the header"),
        ("u,u\n1,2\n", "the header names column 'u' twice: rename one"),
        ("u,y\n1,a\n2\n", "line 3 has 1 fields, the header has 2"),
        ('u,y\n1,"a\n', "line 2: unexpected end of data"),
        (b"u,y\n\x81,a\n", "neither UTF-8 nor Windows-1252 at byte 4: save it as UTF-8"),
        ("u,y\n" + rows_of(39, "{x},{c}"), "39 rows with a target; at least 40 are needed"),
        ("u,y\n" + rows_of(60, "{x},a"), "target 'y' has the single class 'a': there is nothing to learn"),
        ("u,y\n" + rows_of(60, "{x},5"), "target 'y' is the same in every row: there is nothing to learn"),
        ("u,y\n" + rows_of(60, "{x},{t}"), "target 'y' has 60 classes, over 50: choose another column"),
        (
            "u,y\n1.5,rare\n" + rows_of(60, "{x},{c}"),
            "class 'rare' of target 'y' has 1 rows, at least 10 are needed: merge or drop it (merge-rare 10)",
        ),
        ("y\n" + rows_of(60, "{c}"), "no usable feature column is left (only the target)"),
        (
            "k,y\n" + rows_of(60, "1,{c}"),
            "no usable feature column is left (column 'k' dropped: it is constant)",
        ),
    ],
)
def test_refuses_in_one_line(tmp_path: Path, text: str | bytes, message: str) -> None:
    assert refusal(tmp_path, text) == f"some.csv: {message}"


def test_refuses_an_unknown_column_and_names_the_known_ones(tmp_path: Path) -> None:
    assert refusal(tmp_path, "u,v\n1,2\n", "w") == "some.csv: no column 'w'; its columns are u, v"


def test_refuses_a_missing_file_and_names_the_built_in_data() -> None:
    with pytest.raises(
        BadData, match=r"^no file nowhere\.csv, .*one of breast-cancer, digits, diabetes, wine$"
    ):
        load_table("nowhere.csv")


def test_refuses_an_enormous_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "MAX_BYTES", 8)
    assert refusal(tmp_path, "u,y\n1,2\n3,4\n") == "some.csv: larger than 0 MiB"


def test_an_unnamed_column_gets_a_name(tmp_path: Path) -> None:
    table = load(tmp_path, ",y\n" + rows_of(60, "{x},{c}"), "y")
    assert table.feature_names == ("column 1",)


def test_underscored_digits_are_text(tmp_path: Path) -> None:
    lines = "".join(f"{i}.5,{('1_0', '2_0')[i % 3 == 0]},{'ab'[i % 2]}\n" for i in range(60))
    assert load(tmp_path, "u,v,y\n" + lines).feature_names == ("u", "v=2_0")
