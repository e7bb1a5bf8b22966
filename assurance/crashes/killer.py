"""Agents killed by strace at a system call that is drawn: independent of what we take for a point.

An agent is a program of its own here, which nothing watches and which forces its files to the disk.
"""

from __future__ import annotations

import logging
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path
from random import Random

from assurance.crashes.agent import Member, Process, forked, serve
from assurance.crashes.life import ROLES, Life, Outcome

CALLS = "fsync,fdatasync,rename,renameat,renameat2,link,linkat,unlink,unlinkat,mkdir,pwrite64,write"
"""Those with which an agent writes to its disk and to its pipe, on which its transactions go out."""

_CALL = re.compile(r"(\w+)\(")
_MOST = 0.95
"""Of the calls of a life, from the first on, that are drawn from: another life may have a few less."""


def is_there() -> bool:
    """Whether strace is installed and may trace a process of ours."""
    if shutil.which("strace") is None:
        return False
    return subprocess.run(["strace", "-o", os.devnull, "true"], capture_output=True).returncode == 0


@dataclass(frozen=True)
class Drawn:
    """A life whose agent was killed at a system call.

    Attributes:
        role: whose; `call`: its name, and for which time the agent made it, counted from its start.
        problems: as of `Survived`.
    """

    role: str
    call: tuple[str, int]
    problems: list[str]


def drawn(count: int, seed: int, expected: Outcome) -> Iterator[Drawn]:
    """Lives with one death each, in turn of each role."""
    random = Random(seed)
    made = {role: _calls_of(role) for role in ROLES}
    for number in range(count):
        role = ROLES[number % len(ROLES)]
        at = random.randrange(int(_MOST * len(made[role])))
        name = made[role][at]
        call = name, made[role][: at + 1].count(name)
        yield Drawn(role, call, _life(role, call, expected))


def _life(role: str, call: tuple[str, int], expected: Outcome) -> list[str]:
    started: list[int] = []

    def process(member: Member) -> Process:
        if member.role != role or started:
            return forked(member)
        started.append(1)
        name, times = call
        return _traced(member, ["-e", f"inject={name}:signal=SIGKILL:when={times}", "-o", os.devnull])

    with tempfile.TemporaryDirectory() as folder:
        life = Life(Path(folder), process, watched=False)
        try:
            problems = life.play().differs_from(expected)
        except Exception as problem:  # noqa: BLE001  # whatever it is, it is what we look for
            return [f"{type(problem).__name__}: {problem}"]
        return problems if life.killed == 1 else [*problems, f"killed {life.killed} times"]


def _calls_of(role: str) -> list[str]:
    """Which of the calls an agent makes in an undisturbed life, in order."""
    with tempfile.TemporaryDirectory() as folder:
        told = Path(folder) / "calls"

        def process(member: Member) -> Process:
            return _traced(member, ["-o", str(told)]) if member.role == role else forked(member)

        Life(Path(folder) / "life", process, watched=False).play()
        return [found[1] for line in told.read_text().splitlines() if (found := _CALL.search(line))]


def _traced(member: Member, options: list[str]) -> Process:
    ours, theirs = Pipe()
    program = [sys.executable, "-m", "assurance.crashes.killer", str(theirs.fileno())]
    command = ["strace", "-f", "-qq", "-e", f"trace={CALLS}", *options, *program]
    environment = os.environ | {"OPENBLAS_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    tracer = subprocess.Popen(command, pass_fds=[theirs.fileno()], env=environment)
    theirs.close()
    ours.send(member)
    return Process(ours, tracer.kill, tracer.wait)


if __name__ == "__main__":
    logging.getLogger("agents").setLevel(logging.CRITICAL)
    pipe = Connection(int(sys.argv[1]))
    serve(pipe.recv(), pipe)
