"""What a program says is a visible line on the stream it is meant for.

Rules: A64.
"""

from __future__ import annotations

import io
import json
import sys

import pytest

from agents.output.terminal import complain, say, say_json, tell_crash
from testing.poison import ODD_TEXTS, is_clean


@pytest.mark.parametrize("text", ODD_TEXTS, ids=range(len(ODD_TEXTS)))
def test_a_line_is_a_line(capsys: pytest.CaptureFixture[str], text: str) -> None:
    say(text)
    complain(ValueError(text))
    said = capsys.readouterr()
    assert said.out == said.err
    assert said.out.count("\n") == 1
    assert is_clean(said.out.removesuffix("\n"))


def test_what_the_terminal_has_no_letters_for_is_escaped(monkeypatch: pytest.MonkeyPatch) -> None:
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, "ascii"))
    say("née ж")
    sys.stdout.flush()
    assert written.getvalue() == rb"n\xe9e \u0436" + b"\n"


def test_json_is_ascii_and_says_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    told = {"texts": list(ODD_TEXTS)}
    say_json(told)
    said = capsys.readouterr().out
    assert all(" " <= letter <= "~" or letter == "\n" for letter in said)
    assert json.loads(said) == told


def test_a_crash_keeps_its_lines_and_nothing_else(capsys: pytest.CaptureFixture[str]) -> None:
    try:
        raise ValueError("\x1b[31m\u202eno\nand more")
    except ValueError as error:
        tell_crash(type(error), error, error.__traceback__)
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "Traceback (most recent call last):"
    assert lines[-2:] == [r"ValueError: \x1b[31m\u202eno", "and more"]
