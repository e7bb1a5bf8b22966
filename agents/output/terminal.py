"""What programs say on stdout and stderr, a line each, and what they ask of who sits there."""

from __future__ import annotations

import getpass
import json
import sys
import traceback
from types import TracebackType

from agents.core.escaping import escaped, printable
from agents.core.jsonable import json_text


def say(words: object) -> None:
    """One line on stdout, whatever is in it."""
    _write(printable(words))


def complain(words: object) -> None:
    """One line on stderr, whatever is in it."""
    _write(printable(words), wrong=True)


def say_json(value: object) -> None:
    """A document for programs on stdout."""
    _write(json_text(value))


def say_document(text: str) -> None:
    """A JSON document for people on stdout: what the terminal's encoding does not have is escaped as JSON."""
    encoding = sys.stdout.encoding or "utf-8"
    lines = text.encode(encoding, "replace").decode(encoding)
    _write(text if lines == text else json.dumps(json.loads(text), indent=1))


def can_ask() -> bool:
    """Whether there is a terminal with somebody to ask."""
    return sys.stdin is not None and sys.stdin.isatty()


def ask(words: object) -> str:
    """What is typed as an answer; empty if nobody answers."""
    _write(printable(words), wrong=True)
    return sys.stdin.readline().strip()


def ask_hidden(words: object) -> str:
    """The same for what nobody else should see."""
    try:
        return getpass.getpass(f"{printable(words)}: ")
    except EOFError:
        return ""


def tell_crash(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """What Python says on stderr when nobody has caught an error; a ``sys.excepthook``."""
    for part in traceback.format_exception(kind, error, trace):
        for line in part.removesuffix("\n").split("\n"):
            _write(escaped(line), wrong=True)


def _write(text: str, *, wrong: bool = False) -> None:
    """What an encoding does not have is escaped too."""
    stream = sys.stderr if wrong else sys.stdout
    encoding = stream.encoding or "utf-8"
    print(text.encode(encoding, "backslashreplace").decode(encoding), file=stream)
