"""How couples end: the hash on the chain (leak 6), and whether the last sum was of any use (leak 7)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any

import numpy as np

from agents.core.ids import subset_of
from agents.learning.data.samples import Int64Array, Samples
from agents.learning.data.tables import load_table
from agents.learning.families.encrypted_linear import LinearFamily
from agents.learning.families.registry import default_plan, family_of, parse_plan
from agents.learning.he.ring import Content, column, reduced, total
from agents.learning.he.tensors import pack_residues, unpack_residues
from agents.learning.integers.update import Update
from agents.learning.integers.weights import Weights
from agents.learning.plans.base import Plan
from agents.roles.cloud_owner import CloudOwner
from agents.roles.tasks.cloud_owner import TrainModel
from agents.vault.packages import fetch_shared
from agents.vault.store import ObjectId
from agents.workers.base import Tools, weights_context
from agents.workers.cloud_owner import CloudOwnerWorker
from assurance.attack.attack import Attack, Found, Stage
from assurance.attack.levels import averaging
from assurance.attack.markets import fresh, held
from testing.world import World

WINE = load_table("wine")

HASH = "The hash that ends a couple is salted: whoever guesses the whole table cannot test the guess with it."
REACTION = (
    "Cloud owners that tamper with the last sum cannot see whether the model owner could use it: the"
    " couple ends in the same way."
)


def attacks() -> Iterator[Attack]:
    """Both on a family of which everybody who has the rows can work the weights out."""
    coalition = "all cloud owners, who miss a diagnosis"
    yield Attack("final-hash/encrypted-logistic/dataset", coalition, "that diagnosis", HASH, final_hash)
    yield Attack(
        "reaction/encrypted-logistic/dataset",
        "cloud owners with the majority of a subset",
        "the model's weights",
        REACTION,
        reaction,
    )


# --- the final hash ---


def final_hash(stage: Stage) -> Found:
    """Trains on the true table and on tables with one other diagnosis, and compares with the chain."""
    world = World(fresh(stage.folder, "final hash"), plan=final_plan(2), secrecy="dataset")
    world.play()
    plan = parse_plan((world.folder / "model owner" / "plan.json").read_bytes())
    rows = [subset.samples for subset in held(world)]
    on_chain = world.couple.final_model_hash
    wrong = [_with_another_class(rows, by) for by in (1, 2)]
    return Found(
        {
            "true table confirmed": int(on_chain in _hashes(plan, rows)),
            "wrong tables confirmed": sum(on_chain in _hashes(plan, other) for other in wrong),
        },
        {"true table confirmed": 0.0},
    )


def _hashes(plan: Plan, rows: Sequence[Samples]) -> set[bytes]:
    """What the chain would say of the weights that these rows give, if it said them plainly."""
    family = family_of(plan)
    state = family.initial_state()
    update = Update.total([family.local_update(state.asked, samples) for samples in rows])
    weights = family.aggregate(state, update).weights
    return {weights.digest(), sha256(weights.digest()).digest()}


def _with_another_class(rows: Sequence[Samples], by: int) -> list[Samples]:
    """The first row's class is another."""
    target = rows[0].target.copy()
    target[0] = (target[0] + by) % rows[0].classes
    return [replace(rows[0], target=target), *rows[1:]]


# --- the reaction ---


@dataclass(frozen=True)
class Tampering(CloudOwnerWorker):
    """Adds an encrypted weight to the number of rows of its results from some round on.

    Attributes:
        weight: which one, counted down the columns.
        from_round: the first whose sum is tampered with.
        of_subset: whose results.
    """

    weight: int = 0
    from_round: int = 1
    of_subset: int = 0

    def _work(self, task: TrainModel, plan: Plan) -> Any:
        work = super()._work(task, plan)
        if task.round < self.from_round or subset_of(task.ci) != self.of_subset:
            return work
        context = weights_context(task.tc, task.round)
        published = fetch_shared(self.tools.store, ObjectId(task.model_location), self.tools.key, context)
        family = family_of(plan)
        assert isinstance(family, LinearFamily)
        return replace(work, result=tampered(family, work.result, published, self.weight))


def tampered(family: LinearFamily, result: bytes, published: bytes, weight: int) -> bytes:
    """A result whose number of rows is larger by a weight that nobody here can read."""
    context = family.context
    ciphertext = context.load(family.codec.weights(published).ciphertexts[0])
    context.evaluator.transform_from_ntt_inplace(ciphertext)
    for _ in range(len(context.primes) - family.circuit.budget.primes_left):
        context.evaluator.mod_switch_to_next_inplace(ciphertext)
    content = context.content(ciphertext)
    moved = _times_power(context.all_primes, content, family.layout.row_count - weight)
    tensors, facts = unpack_residues(context, result, "encrypted result", "the result")
    first = Content(tensors["result"][0], ntt=False)
    tensors["result"] = tensors["result"].copy()
    tensors["result"][0] = total([first, moved], context.primes).residues
    return pack_residues(context, "encrypted result", tensors, facts)  # type: ignore[arg-type]


def _times_power(primes: Sequence[int], content: Content, power: int) -> Content:
    """Each polynomial times X^power: what leaves at the end comes in again with the other sign."""
    residues = np.roll(content.residues, power, axis=-1)
    moduli = column(primes[: residues.shape[1]])
    residues[..., :power] = reduced(moduli - residues[..., :power], moduli)
    return Content(residues, ntt=False)


def reaction(stage: Stage) -> Found:
    """Tampers with the last of two sums, once for each of some weights, and watches how the couple ends."""
    plan = averaging(final_plan(4))
    honest = World(fresh(stage.folder, "reaction"), plan=plan, secrecy="dataset", spare_rounds=2)
    honest.play()
    signs = _signs(honest)
    chosen = _some_of_each(signs, stage.tries(6, 1))
    seen: dict[tuple[object, ...], Counter[int]] = {}
    for weight in chosen:
        ending = _ending(stage, weight)
        seen.setdefault(ending, Counter())[int(signs[weight])] += 1
    right = sum(max(counter.values()) for counter in seen.values())
    guess = max(Counter(int(signs[weight]) for weight in chosen).values())
    return Found(
        {
            "signs right": right,
            "of signs": len(chosen),
            "signs right by a guess": guess,
            "signs beyond a guess": right - guess,
        },
        {"signs beyond a guess": 0.0},
    )


def _signs(world: World) -> Int64Array:
    """(weights,) signs of the weights that the last sum begins with, counted down the columns."""
    plan = parse_plan((world.folder / "model owner" / "plan.json").read_bytes())
    family = family_of(plan)
    state = family.initial_state()
    update = Update.total([family.local_update(state.asked, subset.samples) for subset in held(world)])
    weights: Weights = family.aggregate(state, update).asked
    signs: Int64Array = np.sign(weights.tensors["output"].T.ravel())
    return signs


def _some_of_each(signs: Int64Array, count: int) -> list[int]:
    """So many positive and negative weights."""
    return [int(place) for sign in (1, -1) for place in np.flatnonzero(signs == sign)[:count]]


def _ending(stage: Stage, weight: int) -> tuple[object, ...]:
    """What everybody can see of a couple whose last sum was tampered with."""

    def worker(tools: Tools) -> Tampering:
        return Tampering(tools, weight=weight, from_round=3)

    folder = fresh(stage.folder, "reaction")
    world = World(
        folder,
        plan=averaging(final_plan(4)),
        secrecy="dataset",
        spare_rounds=2,
        cheats={1: (CloudOwner, worker), 2: (CloudOwner, worker)},
    )
    world.play()
    events = Counter(type(logged.event).__name__ for logged in world.chain.history)
    return world.couple.round, world.couple.phase, tuple(sorted(events.items()))


def final_plan(rounds: int) -> Plan:
    """Two rounds a sum."""
    return default_plan(
        WINE.task, len(WINE.class_names), WINE.features.shape[1], "encrypted-logistic", rounds
    )
