"""Gives Brownie a home inside the project, so that nothing is written to the user's own.

Brownie keeps settings, error tables and its Hypothesis database in ``$HOME/.brownie``, and py-solc-x looks
for compilers where ``SOLCX_BINARY_PATH`` says. The Makefile sets both. For Brownie called without make, a
.pth file in the virtual environment (see `make setup`) imports this module at every start of Python: it acts
for the programs that use Brownie and leaves all others (pip, mypy, the agents) alone.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HOME = ROOT / ".home"
PROGRAMS = {"brownie", "pytest"}


def uses_brownie(command: list[str]) -> bool:
    """Whether this command line (`sys.orig_argv`) is Brownie, pytest, or a script of this project."""
    for argument in command[1:]:
        if not argument.startswith("-"):
            program = Path(argument)
            return program.name in PROGRAMS or program.resolve().parent == ROOT / "scripts"
    return False


def move_in() -> None:
    """Points this process and its children to the project's home, compiler and local chains."""
    os.environ["HOME"] = str(HOME)
    os.environ["SOLCX_BINARY_PATH"] = str(HOME / ".solcx")
    programs = [str(ROOT / ".venv" / "bin"), str(ROOT / "node_modules" / ".bin")]
    os.environ["PATH"] = os.pathsep.join([*programs, os.environ.get("PATH", os.defpath)])


if uses_brownie(sys.orig_argv):
    move_in()
