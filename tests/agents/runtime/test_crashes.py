"""Agents whose every step is cut off, and chains that take blocks back: the story ends as if it were not so.

Processes that are killed are in tests/assurance/crashes.

Rules: A7, A8.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from agents.audit.replay import audit
from testing.world import WORLD_TERMS, World

TERMS = replace(WORLD_TERMS, subsets_per_round=1)


def small_world(folder: Path) -> World:
    """One cloud owner: nobody can stand in for it."""
    return World(folder, cloud_owners=1, terms=TERMS)


@cache
def undisturbed() -> dict[str, object]:
    """The outcome of the story in which nobody is killed."""
    with TemporaryDirectory() as folder:
        world = small_world(Path(folder))
        world.play()
        return world.outcome()


def test_agents_that_die_at_every_step_come_through(tmp_path: Path) -> None:
    world = small_world(tmp_path)
    for agent in world.agents:
        agent.dies_everywhere = True
    world.play()
    assert all(agent.lives > 10 for agent in world.agents)
    assert world.outcome() == undisturbed()
    assert audit(world.chain.history, world.chain.domain).ok


@pytest.mark.parametrize("blocks", [1, 3, 7])
@pytest.mark.parametrize("moment", ["joins", "request", "first round", "settled"])
def test_a_chain_that_takes_blocks_back_changes_no_story(tmp_path: Path, moment: str, blocks: int) -> None:
    world = small_world(tmp_path)
    reached: dict[str, Callable[[], bool]] = {
        "joins": lambda: any(i.bond for i in world.market.instances.values()),
        "request": lambda: bool(world.market.couples),
        "first round": lambda: bool(world.market.couples) and world.couple.round == 1,
        "settled": lambda: bool(world.market.couples) and any(r.closed for r in world.couple.rounds.values()),
    }
    world.step_until(reached[moment])
    world.chain.take_back(blocks)
    world.play()
    assert world.outcome() == undisturbed()
    assert audit(world.chain.history, world.chain.domain).ok
