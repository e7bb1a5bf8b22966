"""What deploy/ starts exists: its commands parse, and its units are such as systemd takes.

No container engine is asked: the image is built by none here.
"""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.main import get_command

from agents.cli import app
from scripts.local_chain import ROOT

DEPLOY = ROOT / "deploy"
UNIT = (DEPLOY / "holdfast@.service").read_text()
COMPOSE: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
HOME = ["--home", "/home/agent"]


def settings_of(unit: str) -> dict[str, str]:
    return dict(re.findall(r"^(\w+)=(.*)$", unit, re.MULTILINE))


def is_known(words: list[str]) -> bool:
    """Whether the command line has a command of this name."""
    group: Any = get_command(app)
    for word in words:
        if not hasattr(group, "commands"):
            return True
        if word not in group.commands:
            return False
        group = group.commands[word]
    return True


def test_the_unit_starts_an_agent_and_ends_it_in_time() -> None:
    settings = settings_of(UNIT)
    program, *words = shlex.split(settings["ExecStart"])
    assert program.endswith("/holdfast")
    assert words == ["run", "--home", "/var/lib/holdfast/%i"]
    assert settings["LoadCredential"].startswith("password:"), "agents.runtime.password reads it by this name"
    assert settings["RestartPreventExitStatus"] == "2"
    assert int(settings["TimeoutStopSec"]) > 10


def test_systemd_takes_the_unit(tmp_path: Path) -> None:
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.skip("systemd-analyze is not installed")
    unit = tmp_path / "holdfast@north-co1.service"
    unit.write_text(UNIT.replace("/opt/holdfast/bin/holdfast", "/bin/true"))
    told = subprocess.run([program, "verify", "--man=no", unit], capture_output=True, text=True, timeout=60)
    assert [line for line in told.stderr.splitlines() if "holdfast@" in line] == []


def test_the_image_has_what_an_agent_needs() -> None:
    text = (DEPLOY / "Containerfile").read_text()
    assert '["run", "--home", "/home/agent"]' in text
    assert re.search(r"^USER 10001", text, re.MULTILINE)
    for copied in re.findall(r"^COPY (?!--from)(.*) /source", text, re.MULTILINE):
        assert all((ROOT / name).exists() for name in copied.split())


def test_compose_starts_the_same() -> None:
    agent = COMPOSE["services"]["agent"]
    assert agent["command"] == ["run", *HOME]
    assert agent["read_only"] is True
    assert (DEPLOY / agent["build"]["context"] / agent["build"]["dockerfile"]).resolve().exists()
    assert set(agent["secrets"]) <= COMPOSE["secrets"].keys()


@pytest.mark.parametrize("words", [["wallet", "new"], ["kit", "join"], ["doctor"]])
def test_the_commands_that_are_told_of_are_there(words: list[str]) -> None:
    assert " ".join(words) in (DEPLOY / "compose.yaml").read_text()
    assert is_known(words)
    assert not is_known([*words[:-1], "nothing"])
