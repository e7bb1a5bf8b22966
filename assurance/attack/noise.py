"""A dataset offered with noise, against who asks for its sum again and again, or knows all rows but one."""

from __future__ import annotations

from collections.abc import Iterator
from math import sqrt
from statistics import NormalDist

import numpy as np
from scipy.stats import kstest

from agents.learning.data.canonical import unpack
from agents.learning.data.samples import FloatArray, Int64Array
from agents.learning.data.tables import Table, load_table
from agents.learning.families.moments import MOMENTS
from agents.learning.plans.noise import Mode
from agents.learning.privacy.dealing import noise_of
from agents.learning.privacy.offer import divided, scaled
from agents.learning.privacy.policy import PrivacyPolicy
from agents.learning.privacy.sensitivity import UNIT_BITS
from assurance.attack import releases
from assurance.attack.attack import Attack, Found, Stage
from assurance.attack.levels import SUBSETS, noise_for
from assurance.attack.masks import RARE
from testing.privacy import results_of, subsets_of

WHICH_OF_TWO = (
    "Whoever knows all rows but one, and has two candidates for it, guesses right no more often than epsilon"
    " says: .667 at epsilon 4."
)
ONE_DRAW = "However often and under however many addresses a model owner asks, it sees one sum with one draw."
ANOTHER_DRAW = (
    "A table that is offered again with another row has noise of its own: no difference shows the row."
)
OWN_SECRET = "The noise follows from the data owner's secret: who has the whole table cannot take it away."
ALL_BUT_ONE = (
    "With `dealt` noise a model owner and the cloud owners of all subsets but one see nothing of the last but"
    " noisy sums."
)
SHARED = "With `shared` noise as many subsets as were counted may collude: what is left has all of the noise."
OWN = "With `own` noise each subset's result has all of the noise by itself."
SUMMARY = "Centre and scale of the columns tell of no row more than their share of epsilon allows."

SLACK = 3.5
"""Deviations that a count of guesses may lie over what it is expected to be: once in 4,000 runs."""


def attacks() -> Iterator[Attack]:
    """All of level `private`."""
    knows_all = "a model owner who knows all rows but one"
    yield Attack("which-of-two/moments/private", knows_all, "that row", WHICH_OF_TWO, which_of_two)
    yield Attack(
        "asked-again/moments/private", "a model owner under many addresses", "the dataset", ONE_DRAW, again
    )
    yield Attack(
        "offered-again/moments/private", "a model owner", "a row that is new", ANOTHER_DRAW, offered_again
    )
    yield Attack("noise-guessed/moments/private", "who has the table", "the noise", OWN_SECRET, guessed)
    coalition = "a model owner and cloud owners"
    yield Attack("noise-taken-away/moments-dealt/private", coalition, "the last subset", ALL_BUT_ONE, dealt)
    yield Attack("noise-taken-away/moments-shared/private", coalition, "the other subsets", SHARED, shared)
    yield Attack("noise-taken-away/moments-own/private", "a model owner", "one subset", OWN, own)
    yield Attack("row-from-the-summary/moments/private", knows_all, "that row", SUMMARY, from_summary)
    yield Attack("which-of-two-by-summary/moments/private", knows_all, "that row", SUMMARY, which_by_summary)


# --- guessing ---


def which_of_two(stage: Stage) -> Found:
    """The best guess there is: of the two tables the one under which the moments are the likelier."""
    *tables, asked = releases.neighbours(stage)
    tries, right = stage.tries(1000, 40), 0
    truths = stage.rng("which of two").integers(0, 2, tries)
    budget = 0.0
    for number, truth in enumerate(truths.tolist()):
        seen = releases.released(stage, tables[truth], asked, f"data owner {number}")
        guarantee, budget = seen.made.guarantee, float(seen.made.guarantee.rho)
        far = []
        for table in tables:
            samples = releases.as_published(table, guarantee, stage.seed)
            off = (seen.moments - seen.form.of(samples)) / seen.deviations
            far.append(float((off**2).sum()))
        right += int(np.argmin(far)) == truth
    bound = NormalDist().cdf(sqrt(budget / 2))
    return _guesses(right, tries, bound)


def which_by_summary(stage: Stage) -> Found:
    """The same from the centres of the columns alone, which everybody can read."""
    *tables, asked = releases.neighbours(stage, opposite=True)
    tries, right = stage.tries(1000, 40), 0
    truths = stage.rng("which by summary").integers(0, 2, tries)
    budget = 0.0
    for number, truth in enumerate(truths.tolist()):
        seen = releases.released(stage, tables[truth], asked, f"data owner {number}")
        guarantee, budget = seen.made.guarantee, float(seen.made.guarantee.rho)
        far = [
            float(((_centres(table, stage.seed, asked) - guarantee.centre) ** 2).sum()) for table in tables
        ]
        right += int(np.argmin(far)) == truth
    return _guesses(right, tries, NormalDist().cdf(sqrt(0.15 * budget / 2)))


def _guesses(right: int, tries: int, bound: float) -> Found:
    slack = SLACK * sqrt(bound * (1 - bound) / tries)
    return Found(
        {"right": round(right / tries, 3), "tries": tries, "the bound": round(bound, 3)},
        {"right": round(bound + slack, 3)},
    )


def _centres(table: Table, seed: int, asked: PrivacyPolicy) -> FloatArray:
    """(d,) means of the columns without noise, in the unit of published centres."""
    columns = scaled(table.features, *asked.ranges(table))
    found: FloatArray = columns[divided(len(table.target), seed)[0]].mean(axis=0)
    return found


def from_summary(stage: Stage) -> Found:
    """Works the missing row out from published means; a cell counts if right to a tenth of its range."""
    table = load_table(stage.table)
    asked = noise_for(table)
    train, _ = divided(len(table.target), stage.seed)
    columns = scaled(table.features, *asked.ranges(table))[train]
    rng, hits, by_chance, tries = stage.rng("from summary"), 0, 0, stage.tries(40, 5)
    for number in range(tries):
        guarantee = releases.released(stage, table, asked, f"data owner {number}").made.guarantee
        rest = columns[1:].sum(axis=0)
        guess = np.clip(np.array(guarantee.centre) * len(train) - rest, -(2**UNIT_BITS), 2**UNIT_BITS)
        blind = np.clip(rng.choice((-1, 1), columns.shape[1]) * 2**UNIT_BITS, -(2**UNIT_BITS), 2**UNIT_BITS)
        hits += int((np.abs(guess - columns[0]) < 0.2 * 2**UNIT_BITS).sum())
        by_chance += int((np.abs(blind - columns[0]) < 0.2 * 2**UNIT_BITS).sum())
    cells = tries * columns.shape[1]
    nearest = int((np.abs(columns[1:].mean(axis=0) - columns[0]) < 0.2 * 2**UNIT_BITS).sum()) * tries
    return Found(
        {
            "cells": hits,
            "of cells": cells,
            "cells by the mean of the others": nearest,
            "by a coin": by_chance,
        },
        {"cells": float(max(nearest, by_chance)) + SLACK * sqrt(cells) / 2},
    )


# --- asking ---


def again(stage: Stage) -> Found:
    """Couples under other names, and the data owner's agent begun anew: as many different sums as draws."""
    table = load_table(stage.table)
    asked = noise_for(table)
    tries = stage.tries(20, 4)
    seen = {releases.released(stage, table, asked).moments.tobytes() for _ in range(tries)}
    one = releases.released(stage, table, asked)
    for number in range(tries):
        label = b"couple %d of another address" % number
        results = results_of(one.plan, subsets_of(one.made), label)
        seen.add(_total(results).tobytes())
    return Found({"asked": 2 * tries, "different sums": len(seen)}, {"different sums": 1.0})


def offered_again(stage: Stage) -> Found:
    """Subtracts the sums of two tables that differ in a row, and looks for the row in the difference."""
    one, other, asked = releases.neighbours(stage)
    first, second = (releases.released(stage, table, asked) for table in (one, other))
    return _independent(first, second)


def guessed(stage: Stage) -> Found:
    """Draws the noise for the true table, with a secret of its own, and takes it away."""
    table = load_table(stage.table)
    asked = noise_for(table)
    truth, guess = (releases.released(stage, table, asked, who) for who in ("its data owner", "a guesser"))
    return _independent(truth, guess)


def _independent(one: releases.Release, other: releases.Release) -> Found:
    """Whether the noises of two releases have nothing in common: their difference has twice the variance."""
    drawn = [(seen.moments - seen.exact) / seen.deviations for seen in (one, other)]
    apart = (drawn[0] - drawn[1]) / sqrt(2)
    return Found(
        {
            "numbers without noise": int((np.abs(apart) < 1e-9).sum()),
            "of numbers": apart.size,
            "deviation over that of two draws": round(float(apart.std()), 3),
            "p of independent noise": float(kstest(apart, "norm").pvalue),
            "tests that fail": int(kstest(apart, "norm").pvalue < RARE),
        },
        {"numbers without noise": 0.0, "tests that fail": 0.0},
    )


# --- together ---


def dealt(stage: Stage) -> Found:
    """Knows the rows and shares of all subsets but the last, takes them out of the sum and of its result."""
    seen = _released(stage, "dealt")
    form, noise = seen.form, seen.plan.noise
    subsets = subsets_of(seen.made)
    known = [form.of(s.samples) + noise_of(s.noise, form, noise, SUBSETS) for s in subsets[:-1]]
    exact = sum((form.of(s.samples) for s in subsets[:-1]), np.zeros(form.size, dtype=np.int64))
    last = form.of(subsets[-1].samples)
    alone = unpack(results_of(seen.plan, subsets)[-1], "the result")[0][MOMENTS]
    from_sum, from_share = seen.moments - exact - last, alone - last
    figures = _left(from_sum, seen)
    return Found(
        {
            **figures.recovered,
            "numbers by its share": int((np.abs(from_share) < 2.0**30).sum()),
            "known shares": len(known),
        },
        {**figures.most, "numbers by its share": 0.0},
    )


def shared(stage: Stage) -> Found:
    """Knows the rows and the key of one subset of four, the one that was counted."""
    seen = _released(stage, "shared")
    subsets = subsets_of(seen.made)
    known = noise_of(subsets[0].noise, seen.form, seen.plan.noise, SUBSETS)
    left = seen.moments - seen.exact - known
    return _left(
        left, seen, by=sqrt((SUBSETS - 1) * seen.plan.noise.of_subset(SUBSETS) / seen.plan.noise.variance)
    )


def own(stage: Stage) -> Found:
    """Looks at the result of one subset."""
    seen = _released(stage, "own")
    subsets = subsets_of(seen.made)
    alone = unpack(results_of(seen.plan, subsets)[0], "the result")[0][MOMENTS]
    return _left(alone - seen.form.of(subsets[0].samples), seen)


def _released(stage: Stage, mode: Mode) -> releases.Release:
    table = load_table(stage.table)
    return releases.released(stage, table, noise_for(table, mode))


def _left(noise: Int64Array, seen: releases.Release, by: float = 1.0) -> Found:
    """Whether what is left has at least the noise that epsilon asks for."""
    asked = np.sqrt(np.array(seen.form.variances(seen.plan.noise.variance), dtype=np.float64))
    found = noise / asked
    slack = 1 - SLACK / sqrt(2 * found.size)
    return Found(
        {
            "numbers without noise": int((np.abs(found) < 1e-9).sum()),
            "of numbers": found.size,
            "noise that is missing": round(max(0.0, slack - float(found.std())), 3),
            "deviation over that of epsilon": round(float(found.std()), 3),
            "as worked out": round(by, 3),
        },
        {"numbers without noise": 0.0, "noise that is missing": 0.0},
    )


def _total(results: list[bytes]) -> Int64Array:
    words = [unpack(result, "the result")[0][MOMENTS].view(np.uint64) for result in results]
    total = np.zeros_like(words[0])
    for each in words:
        total = total + each
    found: Int64Array = total.view(np.int64)
    return found
