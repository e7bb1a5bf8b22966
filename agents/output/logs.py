"""Where logs go and how they look: a record is one line, whoever wrote the words in it."""

from __future__ import annotations

import json
import logging
import sys
import warnings
from datetime import UTC, datetime
from typing import Literal, TextIO

from agents.core.escaping import printable
from agents.output.terminal import tell_crash

log = logging.getLogger(__name__)


LogLevel = Literal["debug", "info", "warning", "error"]
LogFormat = Literal["text", "json"]


class OneLine(logging.Formatter):
    """A line a record, the error and the stack that belong to it included; times are UTC."""

    def format(self, record: logging.LogRecord) -> str:
        """The whole record, escaped."""
        return printable(super().format(record))

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:  # noqa: N802 - its name
        """See `logging.Formatter`."""
        del datefmt
        return _moment(record)


class JsonLine(logging.Formatter):
    """A JSON object a record, in ASCII.

    Args:
        agent: whose log it is.
    """

    def __init__(self, agent: str) -> None:
        super().__init__()
        self._agent = agent

    def format(self, record: logging.LogRecord) -> str:
        """The whole record; what is long loses its middle."""
        told = {
            "ts": _moment(record),
            "level": record.levelname.lower(),
            "agent": self._agent,
            "logger": record.name,
            "message": printable(record.getMessage()),
        }
        if record.exc_info:
            told["error"] = printable(self.formatException(record.exc_info))
        return json.dumps(told)


def log_to_stderr(name: str, level: LogLevel = "info", form: LogFormat = "text") -> None:
    """Logs with an agent's name. Libraries only warn; agents say what is of a level and above."""
    handler = logging.StreamHandler()
    handler.setFormatter(
        JsonLine(name) if form == "json" else OneLine(f"%(asctime)s %(levelname)s {name} %(message)s")
    )
    logging.basicConfig(handlers=[handler], level=logging.WARNING)
    logging.getLogger("agents").setLevel(level.upper())


def log_to(handler: logging.Handler) -> None:
    """Logs everything from INFO on."""
    handler.setFormatter(OneLine("%(asctime)s %(levelname)s %(message)s"))
    logging.basicConfig(handlers=[handler], level=logging.INFO)


def _moment(record: logging.LogRecord) -> str:
    """As ``2026-11-30T18:05:06.123Z``."""
    moment = datetime.fromtimestamp(record.created, UTC)
    return moment.isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


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
