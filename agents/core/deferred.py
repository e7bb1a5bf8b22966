"""Libraries that are imported when they are first used: what only work needs is no burden to who waits."""

from __future__ import annotations

from importlib import import_module
from typing import Any


class DeferredModule:
    """Stands for a module until something of it is asked for.

    An agent's own process decides and waits; its workers, which are forked from it, compute. What they import
    is theirs and goes with them.

    Args:
        name: of the module, in full.
    """

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, attribute: str) -> Any:
        """Imports the module, if it was not yet."""
        value = getattr(import_module(self._name), attribute)
        setattr(self, attribute, value)
        return value


class DeferredKind:
    """Makes objects of a class of a module that may not be imported yet.

    Args:
        module: which has the class.
        name: of the class.
    """

    def __init__(self, module: DeferredModule, name: str) -> None:
        self._module = module
        self._name = name

    def __call__(self, *values: object) -> Any:
        """A new object."""
        return getattr(self._module, self._name)(*values)
