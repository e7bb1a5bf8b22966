"""Measures one chain after the other; one that cannot be had, or fails, says why and leaves the others be."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from agents.core.errors import NodeUnavailable
from benchmarks.nodes.chains import beginning, chain, title
from benchmarks.nodes.network import Network
from benchmarks.profile import Json, Load, Say, Skipped
from benchmarks.site import Treasury

OnOne = Callable[[Network, Treasury, str, Load], dict[str, Json]]
"""Measures a chain that is up: its network, who pays there, its name and its load."""


def on_each(loads: Mapping[str, Load], folder: Path, say: Say, on_one: OnOne) -> dict[str, Json]:
    """By the chain's name, what `on_one` finds there; or why it finds nothing.

    Args:
        loads: by chain, in the order in which they are measured.
        folder: each chain gets one of its own in it.
        say: tells as it goes.
        on_one: measures.
    """
    results: dict[str, Json] = {}
    for name, load in loads.items():
        say(beginning(name))
        try:
            with chain(name)(folder / name) as network, Treasury(network) as treasury:
                results[name] = on_one(network, treasury, name, load)
        except Skipped as reason:
            say(f"{title(name)} skipped: {reason}")
            results[name] = {"skipped": str(reason)}
        except NodeUnavailable as problem:
            say(f"{title(name)} failed: {problem}")
            results[name] = {"failed": str(problem)}
    return results
