"""What a model owner gets of one subset's own result: every family against every level.

It asks for the most telling plan that the data owner's agent lets through, and does its best with what comes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

import numpy as np

from agents.core.errors import BadObject, BadPlan
from agents.learning.data.canonical import unpack
from agents.learning.data.subset import Subset
from agents.learning.families.moments import MOMENTS, MomentsFamily
from agents.learning.families.registry import FAMILIES, family_of
from agents.learning.family import NO_KEYS, Cohort, Family
from agents.learning.plans.base import Plan
from assurance.attack import scenes
from assurance.attack.attack import Attack, Found, Stage
from assurance.attack.levels import LEVELS, Level, agent_of, asked, narrow_for
from assurance.attack.scenes import Numbers, alike, counted
from testing.market_of_ciphertexts import EncryptedCouple

CLAIMS: dict[Level, str] = {
    "private": "Of a dataset offered with noise nothing is ever seen but sums with that noise.",
    "dataset": "At level `dataset` a model owner sees sums over all subsets, and of no subset its own.",
    "round": "At level `round` sums over rounds can be subtracted from each other: they give the results of"
    " single subsets.",
    "none": "At level `none` a model owner has the result of each subset.",
}

HIDDEN: tuple[Level, ...] = ("private", "dataset")
"""Levels at which no subset's own result is to be had."""


def attacks() -> Iterator[Attack]:
    """Each family at each level."""
    for name in FAMILIES:
        for level in LEVELS:
            yield Attack(
                f"single-result/{name}/{level}",
                "a model owner",
                "one subset of a dataset",
                CLAIMS[level],
                partial(play, name=name, level=level),
            )


def play(stage: Stage, name: str, level: Level) -> Found:
    """The numbers of the first subset's result that come out."""
    try:
        plan = narrow_for(stage, name)
    except BadPlan as bad:
        return _judged(level, 0, 0, f"there is no plan: {bad}")
    granted = asked(stage, level, plan)
    if granted.refusal:
        return _judged(level, 0, 0, f"refused: {granted.refusal}")
    family = family_of(granted.plan)
    if family.encrypted:
        return _judged(level, *_encrypted(stage, granted.plan, level), "let through")
    subsets = agent_of(stage, level).subsets
    if isinstance(family, MomentsFamily):
        return _judged(level, *_moments(family, subsets), "let through")
    return _judged(level, *_plain(family, subsets), "let through")


def _judged(level: Level, numbers: int, of: int, answer: str) -> Found:
    most = {"numbers": 0.0} if level in HIDDEN else {}
    return Found({"numbers": numbers, "of": of, "the agent": answer}, most)


def _moments(family: MomentsFamily, subsets: Sequence[Subset]) -> tuple[int, int]:
    published = family.publish(NO_KEYS, family.initial_weights())
    cohort = Cohort(b"a sum", family.members((0,), len(subsets)))
    result = family.train(b"", published, subsets[0], cohort)
    truth = family.form.of(subsets[0].samples)
    return alike(unpack(result, "the result")[0][MOMENTS], truth), truth.size


def _encrypted(stage: Stage, plan: Plan, level: Level) -> tuple[int, int]:
    """Of a plan of sums over rounds three sums give a subset; over the dataset it takes one result alone."""
    owner = scenes.couple(stage, plan, level)
    tried = scenes.probe(stage, owner)
    truth = tried.truths[0]
    if owner.family.sums == "dataset":
        result = owner.results(tried.published)[0]
        found = scenes.opened(owner.family, owner.keys, [result])
    else:
        found = _from_rounds(owner, tried.published)
    return alike(found, truth), int(counted(truth).sum())


def _from_rounds(owner: EncryptedCouple, published: bytes) -> Numbers:
    sums = []
    for round_, members in enumerate(((0, 1), (0, 2), (1, 2)), start=1):
        results = owner.results(published, owner.cohort(b"round %d" % round_, members))
        sums.append(scenes.opened(owner.family, owner.keys, results))
    twice = sums[0] + sums[1] - sums[2]
    return twice // 2 if np.issubdtype(twice.dtype, np.integer) else twice / 2


def _plain(family: Family, subsets: Sequence[Subset]) -> tuple[int, int]:
    """The result is read as it lies in the store, and as the family reads it."""
    weights = family.initial_weights()
    published = family.publish(NO_KEYS, weights)
    cohort = Cohort(b"a sum", family.members((0, 1), len(subsets)))
    result = family.train(b"", published, subsets[0], cohort)
    truth = family.local_update(weights, subsets[0].samples).change
    try:
        read = family.update(weights, NO_KEYS, [result]).change
    except BadObject:
        read = {name: np.zeros_like(matrix) for name, matrix in truth.items()}
    raw = unpack(result, "the result")[0]
    as_read = sum(alike(read[name], truth[name]) for name in truth)
    as_it_lies = sum(
        alike(raw[name], truth[name])
        for name in truth
        if name in raw and raw[name].shape == truth[name].shape
    )
    return max(as_read, as_it_lies), sum(matrix.size for matrix in truth.values())
