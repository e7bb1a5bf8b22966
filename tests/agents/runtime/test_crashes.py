"""Agents that are killed: wherever it happens, the story ends as if it had not.

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
from agents.core.enums import CouplePhase
from testing.world import WORLD_TERMS, Agent, World

TERMS = replace(WORLD_TERMS, subsets_per_round=1)
CHECKPOINTS = {"data owner": 28, "cloud owner 0": 30, "model owner": 30}
"""How many places there are to be killed at: before and after each journal write and each transaction."""


def small_world(folder: Path) -> World:
    """One cloud owner: nobody can stand in for it."""
    return World(folder, cloud_owners=1, terms=TERMS)


@cache
def undisturbed() -> tuple[dict[str, object], dict[str, int]]:
    """The outcome of the story in which nobody is killed, and how many checkpoints each agent has."""
    with TemporaryDirectory() as folder:
        world = small_world(Path(folder))
        world.play()
        return world.outcome(), {agent.name: len(agent.checkpoints) for agent in world.agents}


def agent_of(world: World, name: str) -> Agent:
    """An agent by name."""
    return next(agent for agent in world.agents if agent.name == name)


def test_the_undisturbed_story_has_these_checkpoints() -> None:
    outcome, checkpoints = undisturbed()
    assert checkpoints == CHECKPOINTS
    assert outcome["phase"] is CouplePhase.COMPLETED


@pytest.mark.parametrize(
    ("name", "checkpoint"), [(name, number) for name, count in CHECKPOINTS.items() for number in range(count)]
)
def test_a_killed_agent_goes_on_where_it_was(tmp_path: Path, name: str, checkpoint: int) -> None:
    world = small_world(tmp_path)
    victim = agent_of(world, name)
    victim.dies_at = checkpoint
    world.play()
    assert victim.lives == 2
    assert world.outcome() == undisturbed()[0]


def test_agents_that_die_at_every_step_come_through(tmp_path: Path) -> None:
    world = small_world(tmp_path)
    for agent in world.agents:
        agent.dies_everywhere = True
    world.play()
    assert all(agent.lives > 10 for agent in world.agents)
    assert world.outcome() == undisturbed()[0]
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
    assert world.outcome() == undisturbed()[0]
    assert audit(world.chain.history, world.chain.domain).ok
