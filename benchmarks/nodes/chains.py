"""The chains by the names that profiles and reports use."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path

from benchmarks.nodes import tools
from benchmarks.nodes.local import anvil, ganache
from benchmarks.nodes.network import Network
from benchmarks.nodes.validators import validators

Chain = Callable[[Path], AbstractContextManager[Network]]
"""Starts a fresh chain that keeps its data in a folder."""


def chain(name: str) -> Chain:
    """``ganache``, ``anvil``, or ``validators`` and their number.

    Raises:
        ValueError: there is no such chain.
    """
    if name in (local := {"ganache": ganache, "anvil": anvil}):
        return local[name]
    number = re.fullmatch(r"validators([1-9]\d?)", name)
    if number is None:
        raise ValueError(f"no chain is called {name}")
    return partial(validators, int(number[1]))


def beginning(name: str) -> str:
    """What is about to happen when a chain is started."""
    if name.startswith("validators") and not tools.is_built():
        return f"{title(name)}: building their client, some minutes, this once"
    return f"{title(name)}: starting"


def title(name: str) -> str:
    """For people: ``Anvil``, ``4 validators``."""
    number = name.removeprefix("validators")
    if number == name:
        return name.capitalize()
    return f"{number} validator{'' if number == '1' else 's'}"
