"""What README and docs tell to type is there: commands, their flags, and as many words as they take."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.exceptions import TyperException
from typer.main import get_command

from agents.cli import app
from scripts.local_chain import ROOT

TEXTS = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
BLOCK = re.compile(r"^```\w*\n(.*?)^```", re.MULTILINE | re.DOTALL)
SPAN = re.compile(r"`(holdfast [^`]*)`")
IN_GENERAL = {"COMMAND"}
"""Words that stand for any command."""


def blocks(text: str) -> Iterator[str]:
    """The commands of blocks, each with the lines that go on with it."""
    for block in BLOCK.findall(text):
        for line in block.replace("\\\n", " ").splitlines():
            if line.startswith("holdfast "):
                yield line


def spans(text: str) -> Iterator[str]:
    """The commands within sentences, which leave away what is not spoken of."""
    prose = BLOCK.sub("", text)
    yield from (" ".join(span.split()) for span in SPAN.findall(prose))


def fault_of(line: str, *, whole: bool) -> str:
    """What is wrong with a command; empty if nothing is."""
    words = shlex.split(line.partition(" > ")[0], comments=True)[1:]
    command: Any = get_command(app)
    while hasattr(command, "commands") and words and not words[0].startswith("-"):
        if words[0] not in command.commands:
            return "" if words[0] in IN_GENERAL else f"there is no {words[0]}"
        command = command.commands[words.pop(0)]
    context = command.context_class(command, info_name="holdfast")
    if "--help" in words:
        return ""
    try:
        given, left, _ = command.make_parser(context).parse_args(words)
    except TyperException as problem:
        return str(problem)
    missing = [one.name for one in command.params if one.required and given.get(one.name) is None]
    if whole and missing:
        return f"no {missing[0]}"
    return f"{left[0]} is too much" if left and not command.allow_extra_args else ""


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_commands_in_texts_exist(path: Path) -> None:
    text = path.read_text()
    told = [(line, fault_of(line, whole=True)) for line in blocks(text)]
    told += [(line, fault_of(line, whole=False)) for line in spans(text)]
    assert [(line, fault) for line, fault in told if fault] == []


def test_the_guide_tells_commands_at_all() -> None:
    guide = (ROOT / "docs" / "operating.md").read_text()
    assert len(list(blocks(guide))) > 20
    assert len(list(spans(guide))) > 10


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("holdfast sell", "there is no sell"),
        ("holdfast cloud-owner run --table t.csv", "--table"),
        ("holdfast data-owner approve --home h", "no number"),
        ("holdfast audit again", "again is too much"),
        ("holdfast audit --json # to the end", ""),
        ("holdfast COMMAND --help", ""),
    ],
)
def test_what_is_not_there_is_found(line: str, fault: str) -> None:
    said = fault_of(line, whole=True)
    assert fault in said
    assert bool(said) == bool(fault)
