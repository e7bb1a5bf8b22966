"""A log that the disk does not take costs lines, and neither the program nor its terminal.

Rules: A17, A64.
"""

from __future__ import annotations

import logging
import sys
import warnings
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from agents.output.logs import escape_what_is_left
from agents.storage.log_file import LogFile


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "bob.log"


@pytest.fixture
def log(path: Path) -> Iterator[logging.Logger]:
    """A logger of its own that writes to the file."""
    logger = logging.Logger("bob")
    logger.addHandler(LogFile(path))
    yield logger
    for handler in logger.handlers:
        with suppress(OSError):  # what it still holds has no place either
            handler.close()


def test_appends_each_line(log: logging.Logger, path: Path) -> None:
    path.write_text("before\n")
    log.info("sent %s", "joinCI")
    log.warning("a node is away")
    assert path.read_text() == "before\nsent joinCI\na node is away\n"


def test_a_line_is_one_line_wherever_it_goes(
    log: logging.Logger, path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging.lastResort, "formatter", None)
    monkeypatch.setattr(warnings, "showwarning", warnings.showwarning)
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    escape_what_is_left()
    log.warning("a node says %s", "\x1b[31m\nno")
    assert path.read_text() == r"a node says \x1b[31m\x0ano" + "\n"
    path.unlink()
    log.handlers[0].close()
    path.mkdir()
    log.warning("a node says %s", "\x1b[31m\nno")
    assert capsys.readouterr().err == r"a node says \x1b[31m\x0ano" + "\n"


@pytest.mark.parametrize("plant", [lambda path: path.symlink_to("/dev/full"), Path.mkdir])
def test_what_the_disk_does_not_take_goes_to_stderr_if_it_matters(
    log: logging.Logger, path: Path, plant: object, capsys: pytest.CaptureFixture[str]
) -> None:
    assert callable(plant)
    plant(path)
    log.info("sent joinCI")
    log.warning("a node is away")
    log.error("the disk is full")
    assert capsys.readouterr().err == "a node is away\nthe disk is full\n"
