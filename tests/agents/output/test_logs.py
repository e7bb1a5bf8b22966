"""A record is one visible line, whoever wrote what is in it, and however it comes to stderr.

Rules: A64.
"""

from __future__ import annotations

import io
import json
import logging
import subprocess
import sys
import warnings
from collections.abc import Iterator
from typing import Any

import pytest

from agents.core.escaping import MOST, printable
from agents.output.logs import LogLevel, OneLine, escape_what_is_left, log_to, log_to_stderr
from agents.output.terminal import tell_crash
from testing.poison import ODD_TEXTS, is_clean


def logged(*args: object, error: Exception | None = None) -> str:
    """What a handler writes of a record."""
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(OneLine("bob: %(message)s"))
    logger = logging.Logger("bob")
    logger.addHandler(handler)
    logger.warning(*args, exc_info=error)
    return written.getvalue()


def is_one_line(written: str) -> bool:
    return written.endswith("\n") and is_clean(written[:-1]) and len(written) <= MOST + 1


@pytest.mark.parametrize("text", ODD_TEXTS, ids=range(len(ODD_TEXTS)))
def test_a_record_is_one_line(text: str) -> None:
    assert is_one_line(logged("%s is left alone: %s", text, ValueError(text)))
    assert is_one_line(logged(text))


def test_the_error_that_belongs_to_a_record_is_in_its_line() -> None:
    try:
        raise ValueError("\x1b[31m\nall is well")
    except ValueError as error:
        written = logged("a mistake", error=error)
    assert is_one_line(written)
    assert written.startswith(r"bob: a mistake\x0aTraceback (most recent call last):\x0a")
    assert written.endswith(r"ValueError: \x1b[31m\x0aall is well" + "\n")


@pytest.fixture
def configured(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    """What the root logger is told."""
    told: dict[str, Any] = {}
    monkeypatch.setattr(logging, "basicConfig", lambda **settings: told.update(settings))
    ours = logging.getLogger("agents")
    before = ours.level
    yield told
    ours.setLevel(before)


@pytest.mark.parametrize(("told", "level"), [("info", logging.INFO), ("warning", logging.WARNING)])
def test_an_agent_says_what_it_is_told_to(configured: dict[str, Any], told: LogLevel, level: int) -> None:
    log_to_stderr("cloud-owner/bob", told)
    assert logging.getLogger("agents").level == level
    assert configured["level"] == logging.WARNING, "libraries only warn"
    (handler,) = configured["handlers"]
    record = logging.LogRecord("x", logging.INFO, "", 1, "a\nb", (), None)
    record.created = 1_796_061_906.1239
    assert handler.format(record) == r"2026-11-30T18:05:06.123Z INFO cloud-owner/bob a\x0ab"


@pytest.mark.parametrize("text", [*ODD_TEXTS, "x" * 10_000], ids=range(len(ODD_TEXTS) + 1))
def test_a_record_for_machines_is_one_object(configured: dict[str, Any], text: str) -> None:
    log_to_stderr("cloud-owner/bob", form="json")
    (handler,) = configured["handlers"]
    try:
        raise ValueError(text)
    except ValueError as error:
        record = logging.LogRecord(
            "agents.x", logging.WARNING, "", 1, "%s", (text,), (ValueError, error, error.__traceback__)
        )
    written = handler.format(record)
    assert written.isascii()
    assert is_clean(written)
    told = json.loads(written)
    assert (told["level"], told["agent"], told["logger"]) == ("warning", "cloud-owner/bob", "agents.x")
    assert told["message"] == printable(text)
    assert is_clean(told["error"])
    assert "ValueError" in told["error"]


def test_a_log_elsewhere_looks_the_same(configured: dict[str, Any]) -> None:
    handler = logging.NullHandler()
    log_to(handler)
    assert configured == {"handlers": [handler], "level": logging.INFO}
    line = handler.format(logging.LogRecord("x", logging.INFO, "", 1, "a\nb", (), None))
    assert line.endswith(r" INFO a\x0ab")


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that configured nothing."""
    assert logging.lastResort is not None
    monkeypatch.setattr(logging.lastResort, "formatter", None)
    monkeypatch.setattr(warnings, "showwarning", warnings.showwarning)
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    escape_what_is_left()


@pytest.mark.usefixtures("bare")
def test_what_nobody_configured_a_log_for_is_escaped_too(capsys: pytest.CaptureFixture[str]) -> None:
    logging.Logger("nobody's").warning("a node says %s", "\x1b[31m\nno")
    assert capsys.readouterr().err == r"a node says \x1b[31m\x0ano" + "\n"


@pytest.mark.usefixtures("bare")
def test_a_warning_of_a_library_is_a_record(caplog: pytest.LogCaptureFixture) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.showwarning("the column \x1b[31m", UserWarning, "library.py", 7)
    (message,) = caplog.messages
    assert message == "UserWarning: the column \x1b[31m (library.py:7)"


@pytest.mark.usefixtures("bare")
def test_an_error_that_nobody_caught_is_told_by_the_terminal() -> None:
    assert sys.excepthook is tell_crash


CRASH = r"""
from agents import cli
from agents.chain.deployment import Deployment

def load(_):
    raise ZeroDivisionError("\x1b[31m\u202eno")

Deployment.load = load
cli.main(["audit"])
"""


def test_the_command_itself_ends_so() -> None:
    ended = subprocess.run([sys.executable, "-c", CRASH], capture_output=True, text=True, timeout=60)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert all(map(is_clean, ended.stderr.splitlines()))
    assert ended.stderr.endswith(r"ZeroDivisionError: \x1b[31m\u202eno" + "\n")
