"""Whoever reads the chain and the object store without a key: no rows, no weights, no guess to be tested."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

import numpy as np

from agents.core.hashing import data_receipt
from agents.core.ids import dataset_of, subset_of
from agents.learning.data.samples import Samples
from agents.learning.data.tables import load_table
from agents.learning.families.registry import default_plan
from agents.workers.states import state_file
from assurance.attack.attack import Attack, Found, Stage
from assurance.attack.levels import LEVELS, Level, noise_for
from assurance.attack.markets import fresh, held
from testing.world import World

CLAIM = "Whoever has no key finds no row and no weights on the chain or in the object store."
GUESS = "Nobody can test a guess of the rows against a data receipt."
FAMILY_AT: dict[Level, str] = {
    "private": "moments",
    "dataset": "encrypted-logistic",
    "round": "encrypted-logistic",
    "none": "logistic",
}


def attacks() -> Iterator[Attack]:
    """A life at each level."""
    who = "anyone"
    for level in LEVELS:
        family = FAMILY_AT[level]
        play = partial(reads_all, level=level)
        yield Attack(f"store-and-chain/{family}/{level}", who, "rows and weights", CLAIM, play)
    yield Attack("receipt-guessed/encrypted-logistic/dataset", "who has the table", "rows", GUESS, guesses)


def reads_all(stage: Stage, level: Level) -> Found:
    """Looks for each row, and for the model's weights, in every object and every event."""
    world = _life(stage, level)
    said = [*world.store.objects.values(), *(repr(logged.event).encode() for logged in world.chain.history)]
    rows = [row for subset in held(world) for row in _as_bytes(subset.samples)]
    model = _weights(world)
    return Found(
        {
            "objects and events": len(said),
            "rows": sum(any(row in each for each in said) for row in rows),
            "of rows": len(rows),
            "weights": sum(model in each for each in said),
        },
        {"rows": 0.0, "weights": 0.0},
    )


def _life(stage: Stage, level: Level) -> World:
    table = load_table("wine")
    private = level == "private"
    plan = default_plan(table.task, len(table.class_names), table.features.shape[1], FAMILY_AT[level], 2)
    world = World(
        fresh(stage.folder, f"a life at {level}"),
        plan=None if private else plan,
        secrecy=level,
        privacy=noise_for(table) if private else None,
    )
    world.play()
    return world


def _as_bytes(samples: Samples) -> list[bytes]:
    return [np.ascontiguousarray(row, dtype="<i4").tobytes() for row in samples.features]


def _weights(world: World) -> bytes:
    """The numbers of the first matrix of the last weights, as they would lie in an object."""
    file = world.folder / "model owner" / state_file(world.couple.id, world.couple.round, "weights")
    return file.read_bytes()[-8 * 13 :]


def guesses(stage: Stage) -> Found:
    """Makes the receipts that the true rows would give, for all it knows, and compares with the chain."""
    world = _life(stage, "dataset")
    subsets, confirmed = held(world), 0
    instances = list(world.market.instances.values())
    for instance in instances:
        guess = replace(subsets[subset_of(instance.id)], secret=bytes(32))
        told = (instance.cloud_owner, guess.digest(), instance.nonce)
        receipt = data_receipt(world.chain.domain, dataset_of(instance.id), guess.index, *told)
        confirmed += receipt == instance.data_hash
    return Found(
        {"receipts confirmed": confirmed, "of receipts": len(instances)}, {"receipts confirmed": 0.0}
    )
