"""Locks between processes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from agents.storage.locks import alone

HOLD = """
import sys, time
from pathlib import Path
from agents.storage.locks import alone
with alone(Path(sys.argv[1])) as ours:
    print(ours, flush=True)
    sys.stdin.read()
"""


def test_one_holds_it_and_others_are_told(tmp_path: Path) -> None:
    path = tmp_path / "new" / "lock"
    with alone(path) as ours, alone(path) as theirs:
        assert (ours, theirs) == (True, False)
    with alone(path) as again:
        assert again


def test_it_is_free_when_whoever_held_it_was_killed(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    command = [sys.executable, "-c", HOLD, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "True\n"
        with alone(path) as ours:
            assert not ours
        other.kill()
        other.wait()
    with alone(path, wait=True) as ours:
        assert ours
