"""Gives Brownie a home inside the project, so that nothing is written to the user's own.

Brownie keeps settings, error tables and its Hypothesis database in ``$HOME/.brownie``, py-solc-x looks for
compilers where ``SOLCX_BINARY_PATH`` says, and local chains are looked for on the path. The Makefile sets all
three. Without make, what needs Brownie imports this module first: the launcher ``.venv/bin/brownie`` that
`make setup` writes, pytest (as a plugin, see pyproject.toml) and scripts/demo.py.
"""

from __future__ import annotations

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HOME = ROOT / ".home"


def move_in() -> None:
    """Points this process and its children to the project's home, compiler and local chains."""
    os.environ["HOME"] = str(HOME)
    os.environ["SOLCX_BINARY_PATH"] = str(HOME / ".solcx")
    programs = [str(ROOT / ".venv" / "bin"), str(ROOT / "node_modules" / ".bin")]
    os.environ["PATH"] = os.pathsep.join([*programs, os.environ.get("PATH", os.defpath)])


move_in()
