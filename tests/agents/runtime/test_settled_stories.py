"""Whole stories of training that ends by itself: the couple's other rounds are not played, and come back.

Rules: A7, P62.
"""

from __future__ import annotations

import logging
from fractions import Fraction
from pathlib import Path

import pytest

from agents.core.enums import CouplePhase as Phase
from agents.learning.data.canonical import unpack
from agents.learning.data.samples import PredictionTask
from agents.learning.families.registry import default_plan
from agents.learning.plans.defaults import MOST_ROUNDS
from agents.roles.results import PublishedWeights
from agents.roles.tasks.model_owner import weights_key
from agents.workers.states import state_file
from testing.world import WORLD_TERMS, World

ESCROW = WORLD_TERMS.escrow_per_round


def played(folder: Path, model: str | None, rounds: int | None) -> World:
    plan = default_plan(PredictionTask.CLASSIFICATION, 3, 13, model, rounds)
    world = World(folder, plan=plan, secrecy="none")
    world.play()
    return world


def last(world: World) -> PublishedWeights:
    found = world.model_owner.journal[weights_key(world.couple.id, world.couple.round)]
    assert isinstance(found, PublishedWeights)
    return found


def test_a_solved_model_settles_and_the_other_rounds_come_back(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    world = played(tmp_path, None, None)
    assert (world.couple.phase, world.couple.round) == (Phase.COMPLETED, 2)
    assert world.couple.max_rounds == MOST_ROUNDS + 1
    assert last(world).settled
    assert last(world).score > 0.9
    assert world.couple.escrow == 0
    assert world.market.balances[world.model_owner.address] >= (MOST_ROUNDS - 1) * ESCROW
    assert "training is over after round 2, the model has settled" in caplog.text


def test_what_was_asked_and_learnt_is_kept(tmp_path: Path) -> None:
    world = played(tmp_path, None, None)
    home = world.model_owner.folder
    data = (home / state_file(world.couple.id, 2, "memory")).read_bytes()
    tensors, _ = unpack(data, "the memory")
    assert {"asked", "goals", "directions", "images", "rows"} == set(tensors)


def test_given_rounds_are_all_played(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    world = played(tmp_path, None, 4)
    assert (world.couple.phase, world.couple.round) == (Phase.COMPLETED, 4)
    assert not last(world).settled
    assert "settled" not in caplog.text


def test_rounds_that_are_too_few_are_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    plan = default_plan(PredictionTask.CLASSIFICATION, 3, 13, "logistic", None)
    world = World(tmp_path, plan=plan.model_copy(update={"rounds": 2}), secrecy="none")
    world.play()
    assert (world.couple.round, last(world).settled) == (2, False)
    assert "training is over after round 2, NOT settled" in caplog.text


def test_a_model_that_says_one_class_to_everybody_is_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    plan = default_plan(PredictionTask.CLASSIFICATION, 3, 13, "logistic", 1)
    still = plan.model_copy(update={"step": Fraction(1, 999_999_999), "local_steps": 1})
    World(tmp_path / "still", plan=still, secrecy="none").play()
    assert "says one class to everybody" in caplog.text
    caplog.clear()
    played(tmp_path / "moved", "logistic", 2)
    assert "says one class to everybody" not in caplog.text


def test_a_model_in_plain_text_settles_by_its_losses(tmp_path: Path) -> None:
    world = played(tmp_path, "logistic", None)
    assert last(world).settled
    assert 5 < world.couple.round < MOST_ROUNDS
