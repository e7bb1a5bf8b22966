"""Whole stories of a dataset whose sums come with noise: from ranges to a model that nobody else ever has.

Rules: N8, N10, N11, N12.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from agents.core.enums import CouplePhase as Phase
from agents.demo.ranges import policy_of
from agents.learning.data import exposed
from agents.learning.data.description import parse_description
from agents.learning.data.subset import Subset
from agents.learning.data.tables import load_table
from agents.learning.evaluate import score
from agents.learning.families.registry import default_plan, parse_plan
from agents.learning.plans.noise import Mode
from agents.learning.privacy.offer import divided, offer
from testing.privacy import subsets_of, trained
from testing.world import WORLD_TERMS, World
from tests.agents.runtime.test_stories import audited

WINE = load_table("wine")


@pytest.mark.parametrize(("mode", "colluding"), [("dealt", 0), ("shared", 1), ("own", 0)])
def test_a_dataset_with_noise_becomes_a_model(tmp_path: Path, mode: Mode, colluding: int) -> None:
    """Two rounds bring all four subsets; then there is nothing more to learn."""
    policy = policy_of(WINE, epsilon=4, noise=mode, colluding=colluding)
    world = World(tmp_path, rounds=2, privacy=policy, secrecy="dataset")
    world.play()
    assert (world.couple.phase, world.couple.round) == (Phase.COMPLETED, 2)
    audited(world)
    made = offer(WINE, policy, WORLD_TERMS.subsets, 0, world.data_owner_derive)
    plan = parse_plan((world.folder / "model owner" / "plan.json").read_bytes())
    assert plan.noise_named == made.guarantee.noise
    state = trained(plan, subsets_of(made))
    assert world.ends_with(state.weights.digest())
    assert score(plan, state.weights, made.prepared.test) > 0.7


def test_replicas_bytes_are_equal_and_nobody_sends_weights(tmp_path: Path) -> None:
    world = World(tmp_path, rounds=2, privacy=policy_of(WINE, epsilon=4))
    world.play()
    for record in world.couple.rounds.values():
        assert len(set(record.digests.values())) == len(record.digests) == WORLD_TERMS.subsets_per_round
    assert len({record.model_hash for record in world.couple.rounds.values()}) == 1
    homes = [world.folder / f"cloud owner {number}" / "subsets" for number in range(3)]
    packages = [sorted(path.read_bytes() for path in home.iterdir()) for home in homes]
    assert packages[0] == packages[1] == packages[2]
    assert all(Subset.from_bytes(data).noise is not None for data in packages[0])


def test_no_row_is_exposed_and_the_description_says_what_holds(tmp_path: Path) -> None:
    world = World(tmp_path, privacy=policy_of(WINE))
    world.play()
    home = world.folder / "data owner"
    assert len(exposed.from_bytes((home / "exposed.samples").read_bytes())) == 0
    description = parse_description((home / "description.json").read_bytes())
    guarantee = description.guarantee
    assert guarantee is not None
    assert (guarantee.epsilon, guarantee.delta_digits, description.rows) == (4, 5, 142)
    assert round(float(guarantee.rho), 2) == 0.37
    assert len(guarantee.centre) == len(guarantee.scale) == len(guarantee.low) == description.features == 13


def is_told(world: World, caplog: pytest.LogCaptureFixture, words: str) -> bool:
    """Whether the model owner says so, and all agents go on until they have nothing more to do."""
    caplog.clear()
    world.settle_down()
    return any(words in message for message in caplog.messages)


def test_a_model_owner_whose_plan_has_other_noise_is_told_so_before_it_pays(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for family, asked in (("encrypted-logistic", "exact results"), ("moments", "other noise")):
        world = World(tmp_path / family, privacy=policy_of(WINE), plan=default_plan(WINE.task, 3, 13, family))
        assert is_told(world, caplog, f"the plan asks for {asked}: at level private")
        assert not world.market.couples


def test_a_model_owner_learns_before_it_pays_that_a_dataset_has_no_noise(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    world = World(tmp_path, plan=default_plan(WINE.task, 3, 13, "moments"))
    assert is_told(world, caplog, "the dataset's do not: it is offered at level none, choose another")
    assert not world.market.couples


@pytest.mark.parametrize(
    ("most", "words"),
    [
        (9.0, "of the squared error of 36 held-out rows explained, by moments with noise that moves this by"),
        (0.0, "36 held-out rows, with noise, tell nothing of it, weights in"),
    ],
)
def test_a_model_owner_judges_its_model_by_held_out_moments(
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    most: float,
    words: str,
) -> None:
    """No row is exposed: what it says is of noisy sums, and how far the noise may have moved it."""
    monkeypatch.setattr("agents.workers.model_owner._BEYOND_TELLING", most)
    world = World(tmp_path, rounds=2, privacy=policy_of(WINE))
    with caplog.at_level("INFO"):
        world.play()
    told = next(message for message in caplog.messages if "training is over after round 2" in message)
    assert words in told
    assert (world.folder / "model owner" / "held-out.moments").exists()


def test_noise_is_drawn_once_for_all_couples(tmp_path: Path) -> None:
    """Another market, another couple: the same results, so that no mean of many draws takes it away."""
    policy = policy_of(WINE)
    stories = []
    for name in ("one", "other"):
        world = World(tmp_path / name, rounds=2, privacy=policy)
        world.play()
        stories.append(world)
    models = {world.couple.final_model_hash for world in stories}
    assert len(models) == 1


def test_another_table_has_other_noise() -> None:
    """A cell is another: nothing of the noise is the same, and the difference of results is not the row."""
    moved = WINE.features.copy()
    moved[int(divided(len(moved), 0)[0][0]), 0] += 1.0
    tables = (WINE, replace(WINE, features=moved))
    offers = [offer(table, policy_of(WINE), 4, 0, World.data_owner_derive) for table in tables]
    pairs = zip(offers[0].noise, offers[1].noise, strict=True)
    assert all(one.release == other.release and one.secret != other.secret for one, other in pairs)
