"""The files of a portfolio: read when they change, and written whole. The agent itself only reads them."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Generic

import tomli_w

from agents.core.errors import BadInput, StorageFailed
from agents.core.ids import ENTRY_NAME
from agents.portfolio.checking import validated
from agents.portfolio.entries import DatasetEntry, E, ModelEntry, PortfolioEntry
from agents.storage.files import read, write

FOLDERS: Final[dict[type[DatasetEntry] | type[ModelEntry], str]] = {
    DatasetEntry: "datasets",
    ModelEntry: "models",
}
"""In a home, where the files of each kind are."""

_SUFFIX = ".toml"
_ACCEPTED = "entry.toml"
_MOST_BYTES = 2**20
_WANTED = re.compile(r"^wanted[ \t]*=.*$", re.MULTILINE)

Stamp = tuple[int, int, int]


class EntryFiles(Generic[E]):
    """The files of one kind in a home.

    Args:
        home: the member's.
        kind: of entries.
    """

    def __init__(self, home: Path, kind: type[E]) -> None:
        self.home, self.kind = home, kind
        self.folder = home / folder_of(kind)
        self._stamps: dict[str, Stamp] = {}
        self._found: dict[str, E | str] = {}

    def look(self) -> Mapping[str, E | str]:
        """By name, what each file says, or what is wrong with it. Only what changed is read."""
        stamps = self._stamps_now()
        for name in self._found.keys() - stamps.keys():
            del self._found[name]
        for name, stamp in stamps.items():
            if self._stamps.get(name) != stamp:
                self._found[name] = self._read(name)
        self._stamps = stamps
        return self._found

    def shown(self, name: str) -> str:
        """A file as it is told of."""
        return f"{self.folder.name}/{name}{_SUFFIX}"

    def _stamps_now(self) -> dict[str, Stamp]:
        """Of each file, what changes when it does."""
        try:
            with os.scandir(self.folder) as found:
                files = [one for one in found if one.name.endswith(_SUFFIX) and not one.name.startswith(".")]
                stats = [(one.name.removesuffix(_SUFFIX), one.stat()) for one in files]
        except OSError:  # there is none, or one of them went away just now: the next look will tell
            return {} if not self.folder.exists() else self._stamps
        return {name: (stat.st_ino, stat.st_size, stat.st_mtime_ns) for name, stat in sorted(stats)}

    def _read(self, name: str) -> E | str:
        try:
            check_name(name)
            return parsed(self.kind, _text(self.folder / f"{name}{_SUFFIX}"))
        except (BadInput, StorageFailed) as problem:
            return str(problem)


def folder_of(kind: type[E]) -> str:
    """The folder of a kind of entries, in a home."""
    return FOLDERS[kind]  # type: ignore[index]  # there are two kinds


def check_name(name: str) -> str:
    """A name that an entry may have.

    Raises:
        BadInput: it may not.
    """
    if not re.fullmatch(ENTRY_NAME, name):
        raise BadInput(
            f"{name!r} is no name: take a small letter, and up to 31 small letters, digits and hyphens"
        )
    return name


def parsed(kind: type[E], text: str) -> E:
    """What a file says.

    Raises:
        BadInput: one line: which key is wrong, or which line, and why.
    """
    try:
        table = tomllib.loads(text)
    except (ValueError, RecursionError) as problem:
        raise BadInput(str(problem)) from None
    _refuse_booleans(kind, table)
    return validated(kind, table)


def _refuse_booleans(kind: type[E], table: Mapping[str, Any]) -> None:
    """Where numbers belong: true would be taken for 1."""
    for name, value in table.items():
        field = kind.model_fields.get(name)
        inside = value.values() if isinstance(value, dict) else (value,)
        if any(isinstance(one, bool) for one in inside) and (field is None or field.annotation is not bool):
            raise BadInput(f"{name}: true and false are no values for it")


def _text(path: Path) -> str:
    data = read(path)
    if data is None:
        raise BadInput("it is gone")
    if len(data) > _MOST_BYTES:
        raise BadInput(f"it has {len(data)} bytes, and such a file has at most {_MOST_BYTES}")
    try:
        return data.decode()
    except ValueError:
        raise BadInput("not UTF-8") from None


# --- written by commands ---


def write_entry(home: Path, name: str, entry: E) -> Path:
    """Writes an entry's file; a running agent sees the old one or the new one.

    Raises:
        StorageFailed: it cannot be written.
    """
    path = home / folder_of(type(entry)) / f"{check_name(name)}{_SUFFIX}"
    write(path, tomli_w.dumps(entry.written()).encode())
    return path


def read_entry(home: Path, name: str, kind: type[E]) -> E:
    """An entry of a home.

    Raises:
        BadInput: there is none, or what is wrong with it.
    """
    path = _existing(home, name, kind)
    try:
        return parsed(kind, _text(path))
    except BadInput as problem:
        raise BadInput(f"{path}: {problem}") from None


def set_wanted(home: Path, name: str, kind: type[E], wanted: str) -> Path:
    """Changes what is wanted of an entry, and nothing else in its file.

    Raises:
        BadInput: there is none, or what is wrong with it.
        StorageFailed: it cannot be written.
    """
    path = _existing(home, name, kind)
    line = f'wanted = "{wanted}"'
    text = _text(path)
    changed = _WANTED.sub(line, text, count=1) if _WANTED.search(text) else f"{line}\n{text}"
    try:
        parsed(kind, changed)
    except BadInput as problem:
        raise BadInput(f"{path}: {problem}") from None
    write(path, changed.encode())
    return path


def _existing(home: Path, name: str, kind: type[E]) -> Path:
    folder = home / folder_of(kind)
    path = folder / f"{check_name(name)}{_SUFFIX}"
    if not path.exists():
        there = sorted(file.stem for file in folder.glob(f"*{_SUFFIX}"))
        raise BadInput(f"no file {path}: {'there are ' + ', '.join(there) if there else 'there is none yet'}")
    return path


# --- what the agent took from them ---


def accept(home: Path, name: str, entry: PortfolioEntry) -> None:
    """Keeps the last entry that was good, for the work that is under way when its file is not.

    Raises:
        StorageFailed: it cannot be written.
    """
    path = home / folder_of(type(entry)) / name / _ACCEPTED
    data = tomli_w.dumps(entry.written()).encode()
    if read(path) != data:
        write(path, data)


def accepted(home: Path, name: str, kind: type[E]) -> E:
    """The last entry that was good.

    Raises:
        BadInput: there was none.
    """
    path = home / folder_of(kind) / name / _ACCEPTED
    if not path.exists():
        raise BadInput(f"{path} is gone: write {folder_of(kind)}/{name}{_SUFFIX} anew")
    return parsed(kind, _text(path))
