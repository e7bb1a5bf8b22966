"""Data owners: in league with a model owner, by themselves, and with a table that they offer twice."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from agents.learning.data.samples import FEATURE_BITS
from agents.learning.data.subset import Subset
from agents.learning.families.registry import family_of
from agents.learning.family import EncryptedFamily
from agents.learning.he.bfv.family import ExactFamily
from agents.learning.integers.update import Update
from assurance.attack import scenes
from assurance.attack.attack import Attack, Found, Stage
from assurance.attack.binding import against_masks
from assurance.attack.endings import final_plan
from assurance.attack.levels import agent_of, default_for
from assurance.attack.markets import fresh, held
from assurance.attack.pooled_map import Crafted, crafted_plan
from testing.market_of_ciphertexts import EncryptedCouple, couple_of, naming, some_weights
from testing.world import World

EVERYTHING = "A data owner and a model owner together have everything of their dataset."
ANOTHERS = "They have nothing of another owner's dataset: no secret of theirs opens a result of it."
ALONE = "A data owner can train the same model by itself, from its data and what is public."
TWICE = "A dataset that is offered again with a row more shows that row, in the difference of two sums."


def attacks() -> Iterator[Attack]:
    """On encrypted-logistic, which stands for all exact families."""
    both = "a data owner and a model owner"
    yield Attack("owners-together/encrypted-logistic/dataset", both, "single subsets", EVERYTHING, together)
    yield Attack(
        "owners-and-another/encrypted-logistic/dataset", both, "another's dataset", ANOTHERS, of_another
    )
    yield Attack("owner-trains/encrypted-logistic/dataset", "a data owner", "the model", ALONE, alone)
    yield Attack(
        "offered-again/encrypted-logistic/dataset", "a model owner", "a row that is new", TWICE, offered_twice
    )


def together(stage: Stage) -> Found:
    """Takes all masks out of one result."""
    subsets = agent_of(stage, "dataset").subsets
    return Found(_opened(stage, subsets, list(subsets[1:])), {})


def of_another(stage: Stage) -> Found:
    """Tries its own secrets on a result of another owner's dataset, for the same plan, keys and weights."""
    theirs = agent_of(replace(stage, seed=stage.seed + 1), "dataset").subsets
    known = agent_of(stage, "dataset").subsets[1:]
    return Found(_opened(stage, theirs, list(known)), {"numbers": 0.0})


def _opened(stage: Stage, victims: tuple[Subset, ...], known: list[Subset]) -> dict[str, int]:
    plan = default_for(stage, "encrypted-logistic")
    keys = family_of(plan).keys()
    family = family_of(naming(plan, keys))
    assert isinstance(family, EncryptedFamily)
    couple = EncryptedCouple(family, keys, victims)
    weights = some_weights(plan, stage.seed)
    published = family.encrypt(keys, weights)
    result = couple.results(published)[0]
    masks = against_masks(scenes.composed(family), victims[0], known, couple.cohort(), published)
    found = scenes.opened(family, keys, [result], masks)
    truth = family.local_update(weights, victims[0].samples).change["output"].ravel()
    return {"numbers": scenes.alike(found, truth), "of numbers": truth.size}


def alone(stage: Stage) -> Found:
    """Does the whole sum itself."""
    world = World(fresh(stage.folder, "owner trains"), plan=final_plan(2), secrecy="dataset")
    world.play()
    family = family_of(final_plan(2))
    state = family.initial_state()
    parts = [family.local_update(state.asked, subset.samples) for subset in held(world)]
    mine = family.aggregate(state, Update.total(parts)).weights
    folder = world.folder / "model owner" / "states" / f"{world.couple.id:x}"
    true = (folder / f"{world.couple.round}.weights").read_bytes()
    return Found({"the model": int(mine.to_bytes() == true)}, {})


def offered_twice(stage: Stage) -> Found:
    """Gets the pooled map of the rows but one, and that of all, from one crafted sum each."""
    plan = crafted_plan(stage, "encrypted-logistic")
    rows = list(scenes.parts(stage))
    fewer = [rows[0].take(np.arange(1, len(rows[0]))), *rows[1:]]
    maps = []
    for samples in (rows, fewer):
        crafted = Crafted(couple_of(plan, samples))
        maps.append(crafted.shown(crafted.results())[0])
    family = crafted.family
    assert isinstance(family, ExactFamily)
    step = float(family.plan.step * family.plan.slope * 2**family.plan.fraction_bits)
    found = (maps[0] - maps[1])[-1] / -step
    truth = family.model.rows(rows[0])[0] * 2.0**-FEATURE_BITS
    error = np.abs(found - truth)[:-1]
    return Found(
        {
            "columns within 1/256 of a deviation": int((error < 2.0**-FEATURE_BITS).sum()),
            "of columns": error.size,
            "largest error in deviations": round(float(error.max()), 6),
        },
        {},
    )
