"""What a user names as a table: a file of some kind. Its first bytes tell which, not its name."""

from __future__ import annotations

import bz2
import gzip
import io
import stat
import zipfile
import zlib
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import IO

from agents.core.errors import BadData
from agents.learning.data.reading.cells import Column
from agents.learning.data.reading.delimited import read_delimited
from agents.learning.data.reading.excel import read_excel
from agents.learning.data.reading.typed import read_feather, read_parquet

MAX_BYTES = 256 * 2**20
"""A file, unpacked, is at most so large."""

_Opened = Callable[[Path], AbstractContextManager[IO[bytes] | gzip.GzipFile | bz2.BZ2File]]
_PACKED: dict[bytes, _Opened] = {
    b"\x1f\x8b": gzip.GzipFile,
    b"BZh": bz2.BZ2File,
}
_OLD_EXCEL = b"\xd0\xcf\x11\xe0"
_ZIP = (b"PK\x03\x04", b"PK\x05\x06")


def read_file(path: Path) -> tuple[list[Column], list[str]]:
    """The columns of a file, with notes on how it was read.

    CSV and its kin, as they are or packed (gzip, bzip2, zip); Parquet, Feather, Excel (xlsx, xlsb, xls)
    and OpenDocument.

    Raises:
        BadData: one line: it cannot be read, is too large, no table, or a broken one.
    """
    head = _head(path)
    for magic, opened in _PACKED.items():
        if head.startswith(magic):
            return read_delimited(path.name, _unpacked(path, opened))
    size = path.stat().st_size
    if size > MAX_BYTES:
        raise BadData(f"{path.name}: larger than {MAX_BYTES >> 20} MiB")
    if head.startswith(b"PAR1"):
        return read_parquet(path)
    if head.startswith(b"ARROW1"):
        return read_feather(path)
    if head.startswith(_OLD_EXCEL) or (head.startswith(_ZIP) and _is_sheet(path)):
        return read_excel(path.name, path.read_bytes())
    if head.startswith(_ZIP):
        return _read_zip(path)
    return read_delimited(path.name, path.read_bytes())


def _head(path: Path) -> bytes:
    try:
        kind = path.stat().st_mode
        if stat.S_ISDIR(kind):
            raise BadData(f"{path.name or path} is a folder: name a file in it")
        if not stat.S_ISREG(kind):
            raise BadData(f"{path} is no plain file: save the table to one first")
        with path.open("rb") as file:
            return file.read(16)
    except OSError as error:
        raise BadData(f"{path.name[:80]}: {error.strerror}: name a file that can be read") from error


def _unpacked(path: Path, opened: _Opened) -> bytes:
    try:
        with opened(path) as file:
            data = file.read(MAX_BYTES + 1)
    except (OSError, EOFError) as error:
        raise BadData(f"{path.name}: cannot be unpacked ({error}): pack it again") from error
    if len(data) > MAX_BYTES:
        raise BadData(f"{path.name}: larger than {MAX_BYTES >> 20} MiB when unpacked")
    return data


def _read_zip(path: Path) -> tuple[list[Column], list[str]]:
    """The table in an archive that holds one text file."""
    try:
        with zipfile.ZipFile(path) as archive:
            inside = [one for one in archive.infolist() if not one.is_dir() and not _is_litter(one.filename)]
            if len(inside) != 1:
                names = ", ".join(repr(one.filename) for one in inside[:5]) or "nothing"
                raise BadData(f"{path.name}: an archive of {len(inside)} files ({names}): unpack the table")
            with archive.open(name=inside[0]) as file:
                data = file.read(MAX_BYTES + 1)
    except (zipfile.BadZipFile, zlib.error, OSError, EOFError, RuntimeError, NotImplementedError) as error:
        # a RuntimeError is of one with a password
        raise BadData(f"{path.name}: cannot be unpacked ({error}): unpack the table yourself") from error
    if len(data) > MAX_BYTES:
        raise BadData(f"{path.name}: larger than {MAX_BYTES >> 20} MiB when unpacked")
    if data.startswith((b"PAR1", b"ARROW1", _OLD_EXCEL, *_ZIP, *_PACKED)):
        raise BadData(f"{path.name}: holds {inside[0].filename!r}, which is no text: unpack it")
    columns, notes = read_delimited(path.name, data)
    return columns, [f"the file {inside[0].filename!r} of the archive", *notes]


def _is_litter(name: str) -> bool:
    """Whether a file of an archive is what macOS adds of its own."""
    return (
        name.startswith("__MACOSX/") or name.rsplit("/", 1)[-1].startswith("._") or name.endswith(".DS_Store")
    )


def _is_sheet(path: Path) -> bool:
    """Whether a zip archive is a spreadsheet's."""
    try:
        with zipfile.ZipFile(io.BytesIO(path.read_bytes())) as archive:
            names = set(archive.namelist())
    except zipfile.BadZipFile as error:
        raise BadData(f"{path.name}: a broken Excel file or zip archive") from error
    return any(name.startswith("xl/workbook") for name in names) or "content.xml" in names
