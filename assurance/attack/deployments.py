"""The same wallets on two deployments of the market (leak 5): what randomness do they have in common?

A model owner brings one ciphertext to both, with another plan. If masks, flood and multipliers are the same
they cancel in the difference of two results of one subset, and its maps are left.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from functools import cache

from agents.learning.data.tables import load_table
from agents.learning.families.registry import default_plan, family_of
from agents.learning.family import KeyPair
from agents.learning.he.bfv.family import ExactFamily
from agents.learning.he.ring import Content, column, reduced
from agents.learning.plans.base import Plan
from agents.workers.model_owner import ModelOwnerWorker
from assurance.attack import scenes
from assurance.attack.attack import Attack, Found, Stage
from assurance.attack.markets import (
    MadeElsewhere,
    OtherMarket,
    fresh,
    held,
    opened_seeds,
    results_of,
    with_worker,
)
from testing.fake_market import FakeMarket
from testing.market_of_ciphertexts import naming, some_weights
from testing.world import World

WINE = load_table("wine")

CLAIM = "All randomness of a result hangs on market, plan, keys, weights and data: elsewhere it is another."
DRAWS = "Draws that were opened on one deployment of the market tell nothing of those on another."


def attacks() -> Iterator[Attack]:
    """One couple on each of two deployments."""
    yield Attack("two-deployments/encrypted-logistic/dataset", "a model owner", "one subset", CLAIM, results)
    yield Attack("draws-of-two-deployments", "a model owner", "draws to come", DRAWS, draws)


def results(stage: Stage) -> Found:
    """Subtracts the first subset's results on the two deployments from each other."""
    first, second = _played(stage)
    family, other, keys = _family(stage, 0), _family(stage, 1), _keys(stage)
    weights = some_weights(family.plan, stage.seed)
    rows = held(first)[0].samples
    truth, elsewhere = (one.local_update(weights, rows).change["output"].ravel() for one in (family, other))
    less = family.codec.result(results_of(second)[0]).ciphertexts[0]
    found = scenes.opened(family, keys, [results_of(first)[0]], [_negative(family, less)])
    return Found(
        {"numbers of the difference": scenes.alike(found, truth - elsewhere), "of numbers": truth.size},
        {"numbers of the difference": 0.0},
    )


def draws(stage: Stage) -> Found:
    """Looks for the seeds that one deployment opened among those of the other."""
    first, second = (set(opened_seeds(world)) for world in _played(stage))
    return Found({"seeds in common": len(first & second), "of seeds": len(first)}, {"seeds in common": 0.0})


@cache
def _played(stage: Stage) -> tuple[World, World]:
    """A life on each, with the same wallets, keys and ciphertext, and a plan that differs in its penalty."""
    worlds = []
    published = _family(stage, 0).publish(_keys(stage), some_weights(_family(stage, 0).plan, stage.seed))
    for number, market in enumerate((FakeMarket, OtherMarket)):
        world = World(fresh(stage.folder, "deployment"), market=market, secrecy="dataset")
        plan, honest = _family(stage, number).plan, world.model_owner.worker
        assert isinstance(honest, ModelOwnerWorker)
        with_worker(world.model_owner, MadeElsewhere(honest, honest.tools, plan, _keys(stage), published))
        world.play()
        worlds.append(world)
    return worlds[0], worlds[1]


@cache
def _keys(stage: Stage) -> KeyPair:
    return family_of(_plan(0)).keys()


def _family(stage: Stage, number: int) -> ExactFamily:
    family = family_of(naming(_plan(number), _keys(stage)))
    assert isinstance(family, ExactFamily)
    return family


def _plan(number: int) -> Plan:
    """Plans that differ in their penalty alone."""
    plan = default_plan(WINE.task, len(WINE.class_names), WINE.features.shape[1], "encrypted-logistic", 2)
    return plan.model_copy(update={"l2": Fraction(1 + number, 1000)})


def _negative(family: ExactFamily, content: Content) -> Content:
    moduli = column(family.context.all_primes[: content.residues.shape[1]])
    return Content(reduced(moduli - content.residues, moduli), content.ntt, content.scale)
