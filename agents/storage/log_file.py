"""A log in a file that a full disk cannot turn against its program."""

from __future__ import annotations

import logging
from pathlib import Path

from agents.output.logs import OneLine


class LogFile(logging.FileHandler):
    """Appends what is logged to a file, which is made at the first line.

    A line that the disk does not take goes to stderr if it is a warning or worse, else it is left out. Python
    would end the program if the file cannot be opened, and print a traceback for each line that is lost.

    Args:
        path: of the file.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(path, errors="backslashreplace", delay=True)
        self.setFormatter(OneLine())

    def emit(self, record: logging.LogRecord) -> None:
        """Appends a line."""
        try:
            super().emit(record)
        except OSError:  # the file cannot be opened
            self.handleError(record)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the name is logging's
        """Says on stderr what the file did not take."""
        stderr = logging.lastResort
        if stderr is not None and record.levelno >= stderr.level:
            stderr.handle(record)
