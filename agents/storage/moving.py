"""A home goes to another machine: as one file, with a mark in the old one, where nothing runs any more."""

from __future__ import annotations

import io
import json
import os
import secrets
import shutil
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any, Final

from agents.core.errors import BadInput
from agents.storage.atomic import PRIVATE, force
from agents.storage.faults import disk_faults
from agents.storage.files import exposed, read, write

_MARK: Final = "moved"


def mark_moved(home: Path, whereto: str) -> None:
    """Marks a home as moved, for good.

    Raises:
        StorageFailed: it is not written.
    """
    write(home / _MARK, f"{whereto}\n".encode())


def unmark_moved(home: Path) -> None:
    """Takes the mark away: it was not moved after all.

    Raises:
        StorageFailed: it cannot be removed.
    """
    path = home / _MARK
    with disk_faults(f"{path} cannot be removed"):
        path.unlink(missing_ok=True)
        force(home)


def refuse_moved(home: Path) -> None:
    """Makes sure that a home is still the wallet's.

    Raises:
        BadInput: it was moved.
        StorageFailed: the mark cannot be read.
    """
    mark = read(home / _MARK)
    if mark is not None:
        whereto = mark.decode(errors="replace").strip()
        raise BadInput(
            f"{home} was moved to another machine, by {whereto}: run the agent there, as two of one wallet "
            f"are in each other's way (if that file was never used, remove {home / _MARK})"
        )


# --- one file of all that is in a home ---


def pack(home: Path, about: Mapping[str, object], file: Path) -> None:
    """Writes all that is in a home to one private file that is not there yet.

    Args:
        home: whose agent does not run.
        about: what the file says of itself.
        file: outside the home.

    Raises:
        BadInput: it is there already.
        StorageFailed: it cannot be written; nothing is left of it then.
    """
    with disk_faults(f"{file} cannot be written"):
        try:
            handle = os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, PRIVATE)
        except FileExistsError:
            raise BadInput(f"{file} is there already: name another file") from None
        try:
            with os.fdopen(handle, "wb") as target:
                with tarfile.open(fileobj=target, mode="w") as archive:
                    _add(archive, _ABOUT, json.dumps(about).encode())
                    for path in _kept(home):
                        archive.add(path, f"{_FOLDER}/{path.relative_to(home)}", recursive=False)
                target.flush()
                os.fsync(target.fileno())
            force(file.parent)
        except BaseException:
            file.unlink()
            raise


def read_about(file: Path) -> dict[str, Any]:
    """What a packed home says of itself.

    Raises:
        BadInput: it is none.
    """
    with _archive(file) as archive:
        member = archive.next()
        data = archive.extractfile(member) if member is not None and member.name == _ABOUT else None
        try:
            about = json.loads(data.read()) if data is not None else None
        except ValueError:
            about = None
    if not isinstance(about, dict):
        raise BadInput(f"{file} is no home that was exported: name such a file")
    return about


def unpack(file: Path, home: Path) -> None:
    """Makes a home of a packed one; a crash leaves all of it or nothing.

    Raises:
        BadInput: there is something at the home's place, or the file is damaged.
        StorageFailed: it cannot be written.
    """
    if home.exists() and (not home.is_dir() or any(home.iterdir())):
        raise BadInput(f"there is something at {home} already: name a home that is not there yet")
    beside = home.parent / f".{secrets.token_hex(8)}"
    with disk_faults(f"{home} cannot be made"):
        try:
            beside.mkdir(0o700, parents=True)
            with _archive(file) as archive:
                for member in archive:
                    if member.name.startswith(f"{_FOLDER}/"):
                        _extract(archive, member, beside, file)
            (beside / _FOLDER).mkdir(exist_ok=True)
            for path, mode in exposed(beside):
                path.chmod(mode)
            os.sync()
            (beside / _FOLDER).rename(home)
            force(home.parent)
        finally:
            shutil.rmtree(beside, ignore_errors=True)


def _extract(archive: tarfile.TarFile, member: tarfile.TarInfo, folder: Path, file: Path) -> None:
    """Makes one file or folder of an archive, below a folder and nowhere else.

    Raises:
        BadInput: it is neither, or would lie elsewhere.
    """
    path, data = PurePosixPath(member.name), archive.extractfile(member) if member.isfile() else None
    if ".." in path.parts or path.is_absolute() or (data is None and not member.isdir()):
        raise BadInput(f"{file} is no home that was exported: {member.name!r} is no file of one")
    place = folder / path
    if data is None:
        place.mkdir(0o700, parents=True, exist_ok=True)
        return
    place.parent.mkdir(0o700, parents=True, exist_ok=True)
    with place.open("xb") as target:
        shutil.copyfileobj(data, target)


@contextmanager
def _archive(file: Path) -> Iterator[tarfile.TarFile]:
    try:
        with tarfile.open(file, mode="r:") as archive:
            yield archive
    except tarfile.TarError as problem:
        raise BadInput(f"{file} is damaged, or no home that was exported: {problem}") from None
    except OSError as problem:
        if problem.filename != str(file):
            raise
        raise BadInput(f"{file}: {problem.strerror}: name a home that was exported") from None


def _kept(home: Path) -> Iterator[Path]:
    """Folders and files that go along: not what is of this process and machine alone."""
    for path in sorted(home.rglob("*")):
        kept = path.is_dir() or path.is_file()
        if kept and not path.is_symlink() and path.suffix != ".lock" and path != home / _MARK:
            yield path


def _add(archive: tarfile.TarFile, name: str, data: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size = len(data)
    entry.mode = PRIVATE
    archive.addfile(entry, io.BytesIO(data))


_ABOUT: Final = "about.json"
_FOLDER: Final = "home"
