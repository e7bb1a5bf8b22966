"""What is given to make arrives as it was typed."""

from __future__ import annotations

import os
import shlex
import subprocess

import pytest

from scripts.local_chain import ROOT

ENVIRONMENT = {"PATH": os.environ["PATH"]}


def recipe(*given: str, **variables: str) -> list[str]:
    """The words of the command that ``make demo`` would run."""
    done = subprocess.run(
        ["make", "--dry-run", "--assume-old=setup", "demo", *given],
        cwd=ROOT,
        env=ENVIRONMENT | variables,
        capture_output=True,
        text=True,
        check=True,
    )
    command = done.stdout[done.stdout.index("scripts/demo.py") :]
    return shlex.split(command.replace("\\\n", " "))


@pytest.mark.parametrize(
    "value", ["Income ($)", "x$HOME.csv", "it's", 'a "b" c', "$(shell false) $$", "`id`; exit", "Größe", "*"]
)
def test_a_value_is_taken_as_it_stands(value: str) -> None:
    for words in (recipe(f"TARGET={value}"), recipe(TARGET=value)):
        assert words[words.index("--target") + 1] == value


def test_only_what_is_given_becomes_a_flag() -> None:
    assert recipe() == ["scripts/demo.py"]
    words = recipe("DATA=d", "QUERY=q", "TASK=regression", "MERGE_RARE=9")
    assert " ".join(words) == "scripts/demo.py --data d --query q --task regression --merge-rare 9"
