"""Where logs go and how they look: a record is one line, whoever wrote the words in it."""

from __future__ import annotations

import logging
import sys
import warnings
from typing import TextIO

from agents.core.escaping import printable
from agents.output.terminal import tell_crash

log = logging.getLogger(__name__)


class OneLine(logging.Formatter):
    """A line a record, the error and the stack that belong to it included."""

    def format(self, record: logging.LogRecord) -> str:
        """The whole record, escaped."""
        return printable(super().format(record))


def log_to_stderr(name: str, *, verbose: bool) -> None:
    """Logs with an agent's name. Libraries only warn, and so do agents unless they are `verbose`."""
    handler = logging.StreamHandler()
    handler.setFormatter(OneLine(f"%(asctime)s {name}: %(message)s", "%H:%M:%S"))
    logging.basicConfig(handlers=[handler], level=logging.WARNING)
    logging.getLogger("agents").setLevel(logging.INFO if verbose else logging.WARNING)


def log_to(handler: logging.Handler) -> None:
    """Logs everything from INFO on with date and level."""
    handler.setFormatter(OneLine("%(asctime)s %(levelname)s %(message)s"))
    logging.basicConfig(handlers=[handler], level=logging.INFO)


def escape_what_is_left() -> None:
    """Has escaped what comes on stderr without any of this: each program calls it first.

    It is what nobody configured a log for, the warnings of libraries, and errors that nobody caught.
    """
    if logging.lastResort is not None:
        logging.lastResort.setFormatter(OneLine())
    warnings.showwarning = _warned
    sys.excepthook = tell_crash


def _warned(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,  # noqa: ARG001 - a warning's signature
    line: str | None = None,  # noqa: ARG001
) -> None:
    log.warning("%s: %s (%s:%d)", category.__name__, message, filename, lineno)
