"""A local chain: how its program is told the settings, and what is said if it does not start.

Rules: A17.
"""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

from agents.core.errors import BadInput, NodeUnavailable
from scripts import local_chain as module
from scripts.local_chain import KINDS, LocalChain, local_chain


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The commands that were run; to run one is to run what the test says."""
    commands: list[list[str]] = []
    popen = subprocess.Popen

    def run(command: list[str], **settings: Any) -> subprocess.Popen[bytes]:
        commands.append(command)
        return popen(command, **settings)

    monkeypatch.setattr(subprocess, "Popen", run)
    return commands


def program(path: Path, script: str) -> str:
    """An executable script."""
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o700)
    return str(path)


@pytest.mark.parametrize("name", ["mainnet", "", "Ganache", "ganache "])
def test_refuses_a_chain_that_there_is_not(name: str, started: list[list[str]]) -> None:
    line = f"^no local chain is called '{name}': use one of ganache, anvil$"
    with pytest.raises(BadInput, match=line), local_chain(name):
        pass
    assert started == []


def test_refuses_a_program_that_is_not_installed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, started: list[list[str]]
) -> None:
    monkeypatch.setattr(module, "_settings", lambda _: {})
    monkeypatch.setattr(module, "ROOT", tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    with (
        pytest.raises(BadInput, match=r"^anvil is not installed"),
        local_chain("anvil"),
    ):
        pass
    assert started == []
    own = program(tmp_path / "anvil", "exit 1")
    assert module._program(KINDS["anvil"]) == own


@pytest.mark.parametrize("kind", KINDS.values(), ids=list(KINDS))
def test_every_setting_of_the_project_is_one_that_the_program_is_told(kind: module.NodeKind) -> None:
    settings = module._settings(kind.network)
    assert settings["port"]
    arguments = module._arguments(kind, {**settings, "block_time": 1})
    for name, value in settings.items():
        assert (value is None) or kind.flags[name] in arguments
    assert arguments[: len(kind.fixed)] == list(kind.fixed)
    assert arguments[-2:] == [kind.flags["block_time"], "1"]


def test_a_flag_has_its_value_a_switch_none_and_what_is_not_set_is_left_out() -> None:
    kind = module.NodeKind("program", "network", {"a": "--a", "b": "--b", "c": "--c"}, ("--quiet",))
    assert module._arguments(kind, {"a": 5, "b": True, "c": None}) == ["--quiet", "--a", "5", "--b"]


@pytest.mark.parametrize(
    ("script", "reason"),
    [("echo; echo '  port in use  '; echo more; exit 1", "port in use"), ("exit 0", "no reason given")],
)
def test_a_program_that_ends_at_once_is_told_with_its_reason(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, script: str, reason: str
) -> None:
    own = program(tmp_path / "node", script)
    monkeypatch.setattr(module, "_program", lambda _: own)
    with pytest.raises(NodeUnavailable, match=f"^ganache-cli ended at its start: {reason}$"), local_chain():
        pass


def test_a_program_that_never_answers_is_told_and_ended(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, started: list[list[str]]
) -> None:
    own = program(tmp_path / "node", "exec cat")
    monkeypatch.setattr(module, "_program", lambda _: own)
    monkeypatch.setattr(module, "START_SECONDS", 0.0)
    with pytest.raises(NodeUnavailable, match=r"^ganache-cli did not answer within 0 s$"), local_chain():
        pass
    assert started[0][1] == own


def test_a_chain_serves_on_a_port_of_this_machine() -> None:
    assert LocalChain("anvil", 8545).url == "http://127.0.0.1:8545"
