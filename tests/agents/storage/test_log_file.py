"""A log that the disk does not take costs lines, and neither the program nor its terminal.

Rules: A17.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

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
