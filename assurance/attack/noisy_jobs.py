"""What a model owner may ask of a dataset with noise, and what cloud owners see of how it is divided."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from agents.core.errors import BadObject
from agents.learning.families.moments import MomentsFamily, MomentsPlan
from agents.learning.families.registry import family_of
from agents.learning.family import Cohort
from agents.learning.integers.weights import Weights
from agents.learning.plans.noise import Noise
from assurance.attack import releases
from assurance.attack.attack import Attack, Found, Stage
from assurance.attack.levels import DataOwnersAgent, agent_of, default_for

NO_WEIGHTS = "A job on a dataset with noise takes no weights: all but one form of them are refused."
JUST_ITS_NOISE = "Plans with other noise than the dataset's are declined."
BY_PLACE = (
    "Which rows are held out and in which subset each is goes by place and seed: another row moves no other."
)


def attacks() -> Iterator[Attack]:
    """All of level `private`."""
    owner = "a model owner"
    yield Attack("crafted-weights/moments/private", owner, "the dataset", NO_WEIGHTS, crafted_weights)
    yield Attack("less-noise/moments/private", owner, "the dataset", JUST_ITS_NOISE, less_noise)
    yield Attack("rows-that-move/private", "cloud owners who collude", "a row", BY_PLACE, rows_that_move)


def crafted_weights(stage: Stage) -> Found:
    """Publishes weights with a one in each place, and other bytes, and has the first subset train on them."""
    agent = agent_of(stage, "private")
    family = family_of(_plan(stage, agent))
    assert isinstance(family, MomentsFamily)
    zeros = family.initial_weights()
    size, accepted = zeros.tensors["output"].size, 0
    subset = agent.subsets[0]
    cohort = Cohort(b"a sum", family.members((0,), len(agent.subsets)))
    tried = [_with_one(zeros, place).to_bytes() for place in range(size)]
    tried += [b"", zeros.to_bytes() + b"\0", bytes(len(zeros.to_bytes()))]
    for published in tried:
        try:
            family.train(b"", published, subset, cohort)
        except BadObject:
            continue
        accepted += 1
    return Found({"tried": len(tried), "accepted": accepted}, {"accepted": 0.0})


def _with_one(zeros: Weights, place: int) -> Weights:
    matrix = zeros.tensors["output"].copy()
    matrix.flat[place] = 1
    return Weights({"output": matrix}, zeros.bits)


def less_noise(stage: Stage) -> Found:
    """Asks for a thousandth of the variance, for two less, for other modes, for parts that are known."""
    agent = agent_of(stage, "private")
    plan = _plan(stage, agent)
    noise, variance = plan.noise, plan.noise.variance
    others = [
        Noise(mode=noise.mode, variance=2 * (variance // 2000)),
        Noise(mode=noise.mode, variance=variance - 2),
        *(Noise(mode=mode, variance=variance) for mode in ("shared", "own")),
        Noise(mode="shared", variance=variance, colluding=3),
    ]
    through = sum(not agent.refusal(plan.with_noise(other)) for other in others)
    return Found(
        {"asked": len(others), "let through": through, "its own refused": int(bool(agent.refusal(plan)))},
        {"let through": 0.0, "its own refused": 0.0},
    )


def rows_that_move(stage: Stage) -> Found:
    """Compares who holds which rows of two tables that differ in one of them."""
    one, other, asked = releases.neighbours(stage)
    first, second = (releases.released(stage, table, asked) for table in (one, other))
    held = [np.zeros(len(first.rows), dtype=np.int64) for _ in (first, second)]
    for where, seen in zip(held, (first, second), strict=True):
        for subset, part in enumerate(seen.made.parts):
            where[part] = subset
    moved = int((held[0] != held[1]).sum())
    changed = int((first.rows.target != second.rows.target).sum())
    return Found(
        {"rows": len(first.rows), "in another subset": moved, "other classes than that row's": changed - 1},
        {"in another subset": 0.0, "other classes than that row's": 0.0},
    )


def _plan(stage: Stage, agent: DataOwnersAgent) -> MomentsPlan:
    """The plan that the agent accepts."""
    guarantee = agent.description.guarantee
    assert guarantee is not None
    plan = default_for(stage, "moments").with_noise(guarantee.noise)
    assert isinstance(plan, MomentsPlan)
    return plan
