"""Units in cells, headers of two rows, and archives.

Rules: P10, P18.
"""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from agents.core.errors import BadData
from agents.learning.data.tables import load_table
from testing.csv_lines import ROWS, Loader, Refusal, lines


@pytest.mark.parametrize(
    ("cell", "unit"),
    [
        ("{i} kg", "kg"),
        ("{i}mg/dL", "mg/dL"),
        ("{i} h", "h"),
        ("<{i} mmol/l", "mmol/l"),
        ("{i} μmol/l", "µmol/l"),
        ("{i} years", "years"),
    ],
)
def test_numbers_may_have_units(load: Loader, cell: str, unit: str) -> None:
    table = load("u,v,y\n" + lines(lambda i: cell.format(i=i * 11 % 59)))
    assert table.feature_names == ("u", "v")
    assert table.features[:3, 1].tolist() == [0, 11, 22]
    assert table.notes[0] == f"column 'v': 60 cells in {unit} ({cell.format(i=0)!r} is 0)"


@pytest.mark.parametrize("cell", ["{i}h", "{i} x", "{i} kgs", "{i} kg/", "{i} M", "$ {i} kg", "{i} kg %"])
def test_other_letters_beside_numbers_make_words(load: Loader, cell: str) -> None:
    table = load("u,v,y\n" + lines(lambda i: cell.format(i=i % 5)))
    assert len(table.feature_names) == 6


def test_numbers_without_the_unit_are_told(load: Loader) -> None:
    table = load("u,v,y\n" + lines(lambda i: i * 11 % 59 if i < 9 else f"{i * 11 % 59} kg"))
    assert table.notes == (
        "column 'v': 51 cells in kg ('40 kg' is 40)",
        "column 'v': 9 cells without a unit, taken as kg ('0' is 0 kg)",
    )


def test_another_unit_is_no_number_of_the_column(load: Loader) -> None:
    few = load("u,v,y\n" + lines(lambda i: "7 lb" if i < 2 else f"{i * 11 % 59} kg"))
    assert np.isnan(few.features[:, 1]).sum() == 2
    assert few.notes[1] == "column 'v': 2 cells without a number (as '7 lb') taken as missing"
    many = load("u,v,y\n" + lines(lambda i: f"{i * 3 // 2 % 4} {'lb' if i * 3 // 2 % 2 else 'kg'}"))
    assert many.feature_names[1:] == ("v=0 kg", "v=1 lb", "v=2 kg", "v=3 lb")


def test_a_unit_and_money_are_not_mixed(load: Loader) -> None:
    table = load("u,v,y\n" + lines(lambda i: "$7" if i < 2 else f"{i * 11 % 59} kg"))
    assert np.isnan(table.features[:, 1]).sum() == 2


@pytest.mark.parametrize("second", ["years,kg,", "(a),(kg),state"])
def test_a_row_of_units_below_the_header_is_dropped(load: Loader, second: str) -> None:
    table = load(f"u,v,y\n{second}\n" + lines(lambda i: i * 11 % 59))
    assert table.features.shape == (ROWS, 2)
    assert table.notes[0].startswith("the first row dropped: units or a second header, no cells ('")


def test_a_header_of_two_rows_is_refused(refusal: Refusal) -> None:
    two = "Patient,,Outcome\nage,weight,state\n" + lines(lambda i: i * 11 % 59)
    assert refusal(two, None) == (
        "the header has two rows (the second is 'age', 'weight', 'state'): make one of them"
    )


@pytest.mark.parametrize(
    "first",
    ["1.5,x,a", "x,,a", "n.d.,none,a"],
    ids=["a number beside", "one word", "usual words"],
)
def test_a_first_row_with_stray_words_stays(load: Loader, first: str) -> None:
    table = load(f"u,v,y\n{first}\n" + lines(lambda i: i * 11 % 59))
    assert table.features.shape == (ROWS + 1, 2)


def packed(folder: Path, files: Mapping[str, bytes | str]) -> Path:
    path = folder / "t.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


CSV = "u,v,y\n" + lines(lambda i: i * 11 % 59)


def test_an_archive_with_one_table_is_read(tmp_path: Path) -> None:
    path = packed(tmp_path, {"data/my table.csv": CSV, "__MACOSX/._my": b"\0", "data/.DS_Store": b"\0"})
    table = load_table(path, "y")
    assert table.features.shape == (ROWS, 2)
    assert table.notes == ("the file 'data/my table.csv' of the archive",)


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({}, "an archive of 0 files (nothing): unpack the table"),
        ({"a.csv": CSV, "b.csv": CSV}, "an archive of 2 files ('a.csv', 'b.csv'): unpack the table"),
        ({"a.parquet": b"PAR1 and so on"}, "holds 'a.parquet', which is no text: unpack it"),
        ({"a.csv": ""}, "the file is empty"),
    ],
)
def test_other_archives_are_refused(tmp_path: Path, files: dict[str, bytes | str], message: str) -> None:
    with pytest.raises(BadData) as caught:
        load_table(packed(tmp_path, files), "y")
    assert str(caught.value) == f"t.zip: {message}"


def test_a_broken_archive_is_refused(tmp_path: Path) -> None:
    path = packed(tmp_path, {"a.csv": CSV})
    data = bytearray(path.read_bytes())
    data[60:80] = bytes(20)
    path.write_bytes(data)
    with pytest.raises(BadData, match=r"t\.zip: cannot be unpacked \(.*\): unpack the table yourself$"):
        load_table(path, "y")
