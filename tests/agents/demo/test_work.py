"""What the report tells of training: sums, sizes, times, and what a cloud owner could do with what it holds.

Rules: E17.
"""

from __future__ import annotations

from pathlib import Path
from statistics import median

import numpy as np
import pytest

from agents.core.ids import couple_id
from agents.demo.outcome import Work
from agents.demo.work import score_of_ciphertext, work_of
from agents.learning.data.prepare import partition
from agents.learning.data.samples import PredictionTask
from agents.learning.data.tables import load_table
from agents.learning.evaluate import centralised, score
from agents.learning.families.registry import default_plan, family_of, parse_plan
from agents.learning.integers.weights import Weights
from agents.learning.plans.base import Plan
from agents.roles.results import TrainingResult
from agents.storage.journal import read_results
from testing.families import initial_weights
from testing.workers import an_encrypted_plan
from testing.world import World, address_of

TEST = partition(load_table("wine"), 0).test


def told(world: World) -> Work:
    """What is read from the homes of a story's members."""
    home = world.folder / "model owner"
    plan = parse_plan((home / "plan.json").read_bytes())
    owners = [world.folder / agent.name for agent in world.cloud_owners]
    return work_of(plan, world.couple.id, world.couple.round, home, home, owners, TEST)


@pytest.fixture
def encrypted(tmp_path: Path) -> World:
    world = World(tmp_path, plan=an_encrypted_plan(4, features=13, classes=3), secrecy="dataset")
    world.play()
    return world


def test_tells_which_rounds_summed_how_much(encrypted: World) -> None:
    work = told(encrypted)
    assert (work.scheme, work.degree, work.modulus_bits, work.sums) == ("BFV", 8192, 216, "dataset")
    assert work.summed == {2: 4, 4: 4}


def test_tells_whether_the_model_had_settled(tmp_path: Path, encrypted: World) -> None:
    assert told(encrypted).settled is None
    plan = default_plan(PredictionTask.CLASSIFICATION, 3, 13, rounds=None)
    settled = World(tmp_path / "settled", plan=plan, secrecy="dataset")
    settled.play()
    assert told(settled).settled is True
    early = World(tmp_path / "early", plan=early_plan(), secrecy="none")
    early.play()
    assert told(early).settled is False


def early_plan() -> Plan:
    """In plain text, of too few rounds to settle."""
    plan = default_plan(PredictionTask.CLASSIFICATION, 3, 13, "logistic", rounds=None)
    return plan.model_copy(update={"rounds": 2})


def test_tells_what_a_job_took(encrypted: World) -> None:
    work = told(encrypted)
    homes = [encrypted.folder / agent.name for agent in encrypted.cloud_owners]
    jobs = [
        result
        for home in homes
        for result in read_results(home / "journal.sqlite").values()
        if isinstance(result, TrainingResult)
    ]
    assert work.jobs == len(jobs) == 24
    assert work.step_seconds == median(job.seconds for job in jobs)
    assert work.step_seconds > 0
    public = (encrypted.folder / "model owner" / "keys.public").read_bytes()
    assert work.keys_bytes == len(public)
    assert work.weights_bytes > 100_000
    assert work.result_bytes > 100_000


def test_a_ciphertext_taken_for_weights_is_worth_a_guess(encrypted: World) -> None:
    """A cloud owner has nothing better: of three classes it gets about a third right."""
    work = told(encrypted)
    assert 0.15 < work.held_score < 0.5
    assert work.guess_score == np.bincount(TEST.target).max() / len(TEST)
    plan = an_encrypted_plan(4, features=13, classes=3)
    made = (encrypted.folder / "model owner" / f"states/{encrypted.couple.id:x}/4.weights").read_bytes()
    assert score(plan, Weights.from_bytes(made, plan), TEST) > work.held_score + 0.3


def test_a_ciphertext_of_a_number_is_worse_than_its_mean() -> None:
    prepared = partition(load_table("diabetes"), 0)
    plan = default_plan(load_table("diabetes").task, 0, prepared.train.features.shape[1])
    family = family_of(plan)
    ciphertext = family.publish(family.keys(), initial_weights(plan))
    assert score_of_ciphertext(plan, ciphertext, prepared.test) < 0
    assert centralised(plan, prepared.train, prepared.test).score > 0.3


def test_in_plain_text_a_cloud_owner_holds_the_model(tmp_path: Path) -> None:
    world = World(tmp_path, rounds=2)
    world.play()
    work = told(world)
    assert (work.scheme, work.degree, work.modulus_bits, work.sums) == ("", 0, 0, "")
    assert work.summed == {1: 2, 2: 2}
    assert work.keys_bytes == 0
    plan = parse_plan((world.folder / "model owner" / "plan.json").read_bytes())
    given = (world.folder / "model owner" / f"states/{world.couple.id:x}/1.weights").read_bytes()
    assert work.held_score == score(plan, Weights.from_bytes(given, plan), TEST)


def test_tells_of_nobody_who_did_nothing(tmp_path: Path) -> None:
    plan = default_plan(load_table("wine").task, 3, 13, "logistic")
    tc = couple_id(address_of("model owner"), 1)
    file = tmp_path / f"states/{tc:x}/0.published"
    file.parent.mkdir(parents=True)
    file.write_bytes(initial_weights(plan).to_bytes())
    work = work_of(plan, tc, 0, tmp_path, tmp_path, [tmp_path / "nobody"], TEST)
    assert (work.summed, work.jobs, work.step_seconds, work.result_bytes) == ({}, 0, 0.0, 0)
