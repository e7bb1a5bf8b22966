"""Who is in a pooled map (leak 2): a row that is in it lies nearer to it than one that is not.

The guess is by a row's leverage: x' G^-1 x for the pooled products G of all rows. That takes the whole map,
which a model owner gets of a linear family from one crafted sum, and of random features from one sum for each
two columns. Sums are exact, so the map is made here of the same whole numbers without encryption, but once.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from math import ceil, sqrt
from statistics import mean

import numpy as np
from sklearn.metrics import roc_auc_score

from agents.learning.data.samples import FEATURE_BITS, FloatArray, Samples
from agents.learning.families.encrypted_features import EncryptedFeaturesPlan, FeaturesFamily
from agents.learning.families.encrypted_linear import LinearFamily
from agents.learning.families.registry import family_of
from agents.learning.he.bfv.family import ExactFamily
from agents.learning.integers.weights import Weights
from agents.learning.plans.base import Plan
from agents.learning.plans.defaults import safe_step
from assurance.attack import scenes
from assurance.attack.attack import Attack, Found, Stage
from assurance.attack.levels import agent_of, asked, default_for
from testing.market_of_ciphertexts import EncryptedCouple

ALLOWED = (
    "As many random features as an agent lets through tell no better who is among the rows than a linear"
    " family's columns do: within .03 of its AUC."
)
REFUSED = "Plans of more random features than a twelfth of the rows are declined at every level but `none`."
GOAL = 0.03
SHARES = (0.25, 0.5, 0.75, 0.9)
TABLES = ("breast-cancer", "digits")


def attacks() -> Iterator[Attack]:
    """At the widths that are let through, and at those that are not."""
    who, against = "a model owner with candidates for rows", "who is in the dataset"
    for table in TABLES:
        play = partial(at_allowed_width, table=table)
        yield Attack(f"membership/{table}/dataset", who, against, ALLOWED, play)
    yield Attack("membership-of-many-features/dataset", who, against, REFUSED, at_refused_widths)
    yield Attack(
        "map-of-features/encrypted-features/dataset", "a model owner", "the dataset", ALLOWED, by_honest_sums
    )


def features_plan(stage: Stage, hidden: int) -> EncryptedFeaturesPlan:
    """One local step with so many random features."""
    plan = default_for(stage, "encrypted-features")
    clip = min(64, ceil(1.2 * sqrt(hidden)))
    changes = {"hidden": hidden, "local_steps": 1, "clip": clip, "step": safe_step(clip)}
    return EncryptedFeaturesPlan.model_validate(plan.model_dump() | changes)


def widest(stage: Stage) -> int:
    """The most random features that a data owner's agent lets through at level `dataset`."""
    low, high = 1, agent_of(stage, "dataset").description.rows
    while high - low > 1:
        middle = (low + high) // 2
        refused = asked(stage, "dataset", features_plan(stage, middle)).refusal
        low, high = (low, middle) if refused else (middle, high)
    return low


def at_allowed_width(stage: Stage, table: str) -> Found:
    """The widest plan of random features that is let through, beside a linear family, over many divisions."""
    there = stage.on(table)
    hidden = widest(there)
    features, linear = [], []
    for number in range(stage.tries(40 if table == "breast-cancer" else 10, 4)):
        division = replace(there, seed=stage.seed + number)
        features.append(auc(division, features_plan(division, hidden).model_copy(update={"seed": number})))
        linear.append(auc(division, default_for(division, "encrypted-logistic")))
    difference = mean(features) - mean(linear)
    return Found(
        {
            "random features": hidden,
            "AUC of features": round(mean(features), 3),
            "AUC of a linear family": round(mean(linear), 3),
            "AUC over a linear family's": round(difference, 3),
        },
        {} if stage.quick else {"AUC over a linear family's": GOAL},
    )


def at_refused_widths(stage: Stage) -> Found:
    """What the map would tell at widths that the agent declines."""
    rows, found = agent_of(stage, "dataset").description.rows, {}
    let_through = 0
    for share in SHARES:
        hidden = int(share * rows)
        let_through += not asked(stage, "dataset", features_plan(stage, hidden)).refusal
        divisions = [replace(stage, seed=stage.seed + number) for number in range(stage.tries(8, 2))]
        found[f"AUC at {share}"] = round(mean(auc(one, features_plan(one, hidden)) for one in divisions), 2)
    return Found(found | {"widths let through": let_through}, {"widths let through": 0.0})


def by_honest_sums(stage: Stage) -> Found:
    """The pooled map of a few random features on real ciphertexts, as many columns a sum as there are."""
    plan = features_plan(stage, min(stage.tries(10**6, 5), widest(stage)))
    owner = scenes.couple(stage, plan)
    family = owner.family
    assert isinstance(family, FeaturesFamily)
    width, outputs = family.initial_state().asked.tensors["output"].shape
    offsets = _sum(owner, Weights({"output": np.zeros((width, outputs), np.int64)}, plan.weight_bits))
    found = np.zeros((width, width), dtype=np.int64)
    for first in range(0, width, outputs):
        matrix = np.zeros((width, outputs), dtype=np.int64)
        columns = range(first, min(first + outputs, width))
        for place, column in enumerate(columns):
            matrix[column, place] = 1
        seen = _sum(owner, Weights({"output": matrix}, plan.weight_bits)) - offsets
        found[:, columns] = seen[:, : len(columns)]
    truth = np.sum([family.model.steps(subset.samples).factors for subset in owner.subsets], axis=0)
    return Found(
        {
            "sums": 1 + -(-width // outputs),
            "entries": int((found == truth).sum()),
            "of entries": truth.size,
        },
        {},
    )


def _sum(owner: EncryptedCouple, weights: Weights) -> scenes.Numbers:
    results = owner.results(owner.family.encrypt(owner.keys, weights))
    change: scenes.Numbers = owner.family.decrypt(owner.keys, results).change["output"]
    return change


def auc(stage: Stage, plan: Plan) -> float:
    """How well leverage in the pooled map tells training rows from others; .5 is a guess."""
    family = family_of(plan)
    assert isinstance(family, LinearFamily | FeaturesFamily)
    made = scenes.prepared(stage)
    inside, outside = (
        _rows(family, made.train),
        np.vstack([_rows(family, made.validation), _rows(family, made.test)]),
    )
    products = inside.T @ inside
    inverse = np.linalg.inv(products + 1e-6 * np.trace(products) / len(products) * np.eye(len(products)))
    leverage = [np.einsum("ij,jk,ik->i", rows, inverse, rows) for rows in (inside, outside)]
    truth = np.repeat([1, 0], [len(inside), len(outside)])
    return float(roc_auc_score(truth, -np.concatenate(leverage)))


def _rows(family: ExactFamily, samples: Samples) -> FloatArray:
    rows: FloatArray = family.model.rows(samples) * 2.0**-FEATURE_BITS
    return rows
