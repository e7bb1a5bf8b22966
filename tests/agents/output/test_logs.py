"""A record is one visible line, whoever wrote what is in it, and however it comes to stderr.

Rules: A64.
"""

from __future__ import annotations

import io
import logging
import subprocess
import sys
import warnings
from collections.abc import Iterator
from typing import Any

import pytest

from agents.core.escaping import MOST
from agents.output.logs import OneLine, escape_what_is_left, log_to, log_to_stderr
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


@pytest.mark.parametrize(("verbose", "level"), [(True, logging.INFO), (False, logging.WARNING)])
def test_an_agent_says_what_it_does_unless_it_is_to_be_quiet(
    configured: dict[str, Any], verbose: bool, level: int
) -> None:
    log_to_stderr("cloud owner", verbose=verbose)
    assert logging.getLogger("agents").level == level
    assert configured["level"] == logging.WARNING, "libraries only warn"
    (handler,) = configured["handlers"]
    line = handler.format(logging.LogRecord("x", logging.INFO, "", 1, "a\nb", (), None))
    assert line.endswith(r" cloud owner: a\x0ab")


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
