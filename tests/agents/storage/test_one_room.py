"""Nothing in agents/ writes to the disk or opens SQLite but agents/storage.

So a full or read-only disk can only be met where it becomes one line, and no file is written half.

Rules: A17, A19.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

AGENTS = Path(__file__).parents[3] / "agents"
ROOM = AGENTS / "storage"

MODULES = {"sqlite3", "tempfile", "shutil"}
METHODS = {
    *("write_text", "write_bytes", "mkdir", "makedirs", "touch", "unlink", "rmdir", "rename", "renames"),
    *("hardlink_to", "symlink_to", "link", "symlink", "mkfifo", "mknod", "truncate", "chmod", "fsync"),
    *("FileHandler", "tofile", "savetxt", "savez", "to_csv", "save_file"),
}
OF_OS = {"open", "replace", "remove", "removedirs", "write"}
MEMORY = [("learning/he/seal.py", "fdopen wb"), ("runtime/stop.py", "write")]
"""A file that is nowhere on the disk, as SEAL reads and writes nothing else; and a pipe."""


def writes(source: str) -> Iterator[str]:
    """What a module does that leaves something on the disk."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (f"import {alias.name}" for alias in node.names if alias.name in MODULES)
        elif isinstance(node, ast.ImportFrom) and node.module in MODULES:
            yield f"import {node.module}"
        elif isinstance(node, ast.Call):
            yield from _call(node)


def _call(call: ast.Call) -> Iterator[str]:
    function = call.func
    name = function.id if isinstance(function, ast.Name) else getattr(function, "attr", "")
    on = function.value if isinstance(function, ast.Attribute) else None
    of_os = isinstance(on, ast.Name) and on.id == "os"
    if name in METHODS or (of_os and name in OF_OS):
        yield name
    elif name in ("open", "fdopen"):
        of_path = (
            name == "open" and on is not None
        )  # path.open(mode), open(path, mode), os.fdopen(file, mode)
        yield from (f"{name} {mode}" for mode in _modes(call, 0 if of_path else 1) if set(mode) & set("wax+"))
    elif name == "replace" and on is not None and len(call.args) == 1 and not call.keywords:
        yield name  # a path's: a text's has two arguments
    elif name == "basicConfig" and any(keyword.arg == "filename" for keyword in call.keywords):
        yield name


def _modes(call: ast.Call, place: int) -> Iterator[str]:
    """The mode that a file is opened with, as it is written; what is worked out may be any."""
    given = [keyword.value for keyword in call.keywords if keyword.arg == "mode"]
    for mode in (*call.args[place : place + 1], *given):
        yield str(mode.value) if isinstance(mode, ast.Constant) else "w, or not"


def test_only_the_storage_writes() -> None:
    modules = [path for path in AGENTS.rglob("*.py") if ROOM not in path.parents]
    found = [
        (str(path.relative_to(AGENTS)), what) for path in sorted(modules) for what in writes(path.read_text())
    ]
    assert len(modules) > 100
    assert found == MEMORY


@pytest.mark.parametrize(
    "line",
    [
        "import sqlite3",
        "from sqlite3 import Connection",
        "from tempfile import mkstemp",
        "import os, shutil",
        "Path('a').write_text('b')",
        "(folder / 'a').write_bytes(b'b')",
        "open('a', 'w')",
        "open('a', mode='ab')",
        "open('a', mode)",
        "Path('a').open('r+')",
        "os.fdopen(handle, 'x')",
        "os.open('a', os.O_CREAT)",
        "os.replace('a', 'b')",
        "temporary.replace(path)",
        "path.parent.mkdir(parents=True)",
        "path.unlink()",
        "logging.FileHandler('a')",
        "logging.basicConfig(filename='a')",
    ],
)
def test_finds_what_writes(line: str) -> None:
    assert list(writes(line))


@pytest.mark.parametrize(
    "line",
    [
        "path.read_bytes()",
        "open('a')",
        "open(file, 'rb', closefd=False)",
        "path.open('r')",
        "text.replace('a', 'b')",
        "replace(plan, rounds=3)",
        "os.stat(name, dir_fd=folder)",
        "logging.basicConfig(level=3)",
        "figure.savefig(buffer, format='svg')",
    ],
)
def test_finds_nothing_in_what_does_not(line: str) -> None:
    assert not list(writes(line))
