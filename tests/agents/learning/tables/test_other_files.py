"""Packed files, Parquet, Feather, Excel, and what is no table at all.

Rules: P10, P18.
"""

from __future__ import annotations

import bz2
import gzip
import io
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet
import pytest

from agents.core.errors import BadData
from agents.learning.data.reading import sources
from agents.learning.data.tables import load_table
from testing.csv_lines import ROWS, Loader, Refusal, lines
from testing.workbooks import Cell, workbook

TEXT = ("u,v,y\n" + lines(lambda i: i * i % 17)).encode()
FIRST = [[0.5, 0], [7.5, 1], [1.5, 4]]

Packer = Callable[[bytes], bytes]

PACKERS: list[Packer] = [gzip.compress, bz2.compress]


@pytest.mark.parametrize("pack", PACKERS)
@pytest.mark.parametrize("coding", ["utf-8", "utf-16"])
def test_a_packed_file_is_unpacked_whatever_its_name(load: Loader, pack: Packer, coding: str) -> None:
    table = load(pack(TEXT.decode().encode(coding)), name="anything")
    assert table.features[:3].tolist() == FIRST
    assert table.name == "anything"


@pytest.mark.parametrize("pack", PACKERS)
def test_a_packed_file_that_is_cut_short_is_refused(refusal: Refusal, pack: Packer) -> None:
    packed = pack(os.urandom(1 << 16))
    assert "cannot be unpacked" in refusal(packed[: len(packed) // 2])


@pytest.mark.parametrize("pack", PACKERS)
def test_a_packed_file_may_not_grow_beyond_bounds(
    refusal: Refusal,
    pack: Packer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sources, "MAX_BYTES", 1 << 20)
    assert refusal(pack(bytes(3 << 20))) == "larger than 1 MiB when unpacked"


CLASSES = ["ab"[i // 2 % 2] for i in range(ROWS)]


def columns() -> dict[str, pa.Array]:
    days = [date(2024, 1, 1) + timedelta(days=i * 7 % 40) for i in range(ROWS)]
    return {
        "whole": pa.array([i * 7 % 13 for i in range(ROWS)], pa.int64()),
        "price": pa.array([Decimal(i * 11 % 17) / 4 for i in range(ROWS)], pa.decimal128(9, 2)),
        "gap": pa.array([None, float("nan"), *(i * 3 % 7 / 2 for i in range(ROWS - 2))], pa.float32()),
        "flag": pa.array([i % 3 == 0 for i in range(ROWS)]),
        "day": pa.array(days, pa.date32()),
        "at": pa.array([datetime(2024, 1, 1, i % 24) for i in range(ROWS)], pa.timestamp("us")),
        "zoned": pa.array([datetime(2024, 1, 1, i % 24) for i in range(ROWS)], pa.timestamp("ms", "UTC")),
        "clock": pa.array([time(i % 24, 30) for i in range(ROWS)], pa.time64("us")),
        "city": pa.array([("NA", "EU", None)[i % 3] for i in range(ROWS)]).dictionary_encode(),
        "list": pa.array([[i] for i in range(ROWS)]),
        "__index_level_0__": pa.array(range(ROWS)),
        "y": pa.array(CLASSES, pa.large_string()),
    }


@pytest.mark.parametrize("kind", ["parquet", "feather"])
def test_columns_that_have_types_keep_them(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"some.{kind}"
    if kind == "parquet":
        pyarrow.parquet.write_table(pa.table(columns()), path, row_group_size=17)
    else:
        pyarrow.feather.write_feather(pa.table(columns()), str(path))
    table = load_table(path, "y")
    assert table.feature_names == (
        *("whole", "price", "gap", "flag=true", "day", "at", "zoned", "clock", "city=NA"),
    )
    first = [7.0, 11 / 4, np.nan, 0, 19730, 19723 + 1 / 24, 19723 + 1 / 24, 1.5, 0]
    assert table.features[1].tolist() == pytest.approx(first, nan_ok=True)
    assert table.class_names == ("a", "b")
    assert table.notes == (
        "column 'list' dropped: of type list<item: int64>"
        if kind == "feather"
        else "column 'list' dropped: of type list<element: int64>",
        "column '__index_level_0__' dropped: an index of pandas",
        "column 'gap': 2 missing values set to the training median",
        "column 'flag': 2 categories one-hot encoded",
        "column 'day': year, month, day read as days since 1970 ('2024-01-01' is 19723)",
        "column 'at': year, month, day read as days since 1970 ('2024-01-01 00:00:00.000000' is 19723)",
        "column 'zoned': year, month, day read as days since 1970 ('2024-01-01 00:00:00.000Z' is 19723)",
        "column 'clock': hours and minutes read as hours ('00:30:00.000000' is 0.5)",
        "column 'city': 2 categories one-hot encoded, 20 missing values set to 'EU'",
    )


def test_numbers_with_types_are_never_in_doubt(tmp_path: Path) -> None:
    values = [1.125 if i % 2 else 870.0 for i in range(ROWS)]
    pyarrow.parquet.write_table(pa.table({"v": values, "y": CLASSES}), tmp_path / "t.parquet")
    table = load_table(tmp_path / "t.parquet", "y")
    assert table.features[:2, 0].tolist() == [870, 1.125]
    assert table.notes == ()


def sheet(cell: Cell | None = None) -> list[list[Cell]]:
    rows: list[list[Cell]] = [["age", "seen", "share", "ok", "  ", "state"]]
    for i in range(ROWS):
        day = datetime(2024, 1, 1 + i % 28, 12) if i % 2 else date(2024, 1, 1 + i % 28)
        rows.append([i * 7 % 13, day, i * 11 % 17 + 0.125, i % 3 == 0, None, CLASSES[i]])
    rows[1][2] = cell
    return rows


@pytest.mark.parametrize("missing", [None, "", "NA", "#N/A", "#DIV/0!"])
def test_a_workbook_is_a_table(load: Loader, missing: Cell) -> None:
    table = load(workbook({"Data": sheet(missing)}), "state", name="book.xlsx")
    assert table.feature_names == ("age", "seen", "share", "ok=True")
    assert np.isnan(table.features[0, 2])
    assert table.features[1].tolist() == [7, 19724.5, 11.125, 0]
    assert table.notes[0] == "column 5 dropped: it has neither name nor cells"


def test_of_several_sheets_the_first_that_has_cells_is_read_and_named(load: Loader) -> None:
    book = workbook({"Empty": [], "Title": sheet(1), "Other": [["x"], [1]]})
    assert load(book, "state").notes[0] == "sheet 'Title', of 3"


@pytest.mark.parametrize(
    ("sheets", "message"),
    [({"A": []}, "the sheet is empty"), ({"A": [["u", "y"], [None, None]]}, "no rows below the header")],
)
def test_refuses_a_workbook_without_rows(
    refusal: Refusal, sheets: dict[str, list[list[Cell]]], message: str
) -> None:
    assert refusal(workbook(sheets)) == message


def zipped(name: str) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr(zipfile.ZipInfo(name), "x")
    return packed.getvalue()


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (zipped("table.csv"), "no rows below the header"),
        (zipped("xl/workbook.xml"), "this spreadsheet cannot be opened ("),
        (b"PK\x03\x04 and no more", "a broken Excel file or zip archive"),
        (b"\xd0\xcf\x11\xe0 and no more", "this spreadsheet cannot be opened ("),
        (b"PAR1 and no more", "no sound Parquet file: write it again"),
        (b"ARROW1 and no more", "no sound Feather file: write it again"),
        (b"\x89HDF\r\n\x1a\n\x00\x01\x02\x03" * 9, "no text: save the table as CSV, Excel or Parquet"),
    ],
)
def test_refuses_what_is_no_table(refusal: Refusal, data: bytes, message: str) -> None:
    assert refusal(data).startswith(message)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("{folder}", " is a folder: name a file in it"),
        ("/dev/null", "/dev/null is no plain file: save the table to one first"),
        ("-", "'-' is no file: save the table to one first"),
        ("https://host/t.csv", "no file but an address: save the table to a file first"),
        ("x" * 5000, ": File name too long: name a file that can be read"),
    ],
)
def test_refuses_what_is_no_file_in_one_line(tmp_path: Path, source: str, message: str) -> None:
    with pytest.raises(BadData) as refused:
        load_table(source.format(folder=tmp_path))
    assert message in str(refused.value)
    assert len(str(refused.value)) < 200


def test_a_file_that_may_not_be_read_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "some.csv"
    path.touch()

    def forbidden(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", forbidden)
    with pytest.raises(BadData, match=r"^some\.csv: Permission denied: name a file that can be read$"):
        load_table(path)


def test_built_in_data_and_other_agents_do_without_arrow() -> None:
    program = (
        "import sys; from agents.learning.data.tables import load_table; import agents.runtime.launch; "
        "load_table('wine'); sys.exit('pyarrow' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
