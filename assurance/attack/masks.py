"""Single results under masks: they look uniform, and colluding cloud owners open nothing but a sum.

Every number of a result is tested: chi-square of 64 bins and Kolmogorov-Smirnov, for each prime and
polynomial. Whoever tests often finds something: a p-value counts under .001 over the number of tests.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

import numpy as np
from scipy.stats import kstest

from agents.learning.data.canonical import unpack
from agents.learning.families.moments import MOMENTS
from agents.learning.he.ring import Residues
from agents.learning.plans.noise import Mode
from assurance.attack import scenes
from assurance.attack.attack import Attack, Found, Stage
from assurance.attack.binding import against_masks
from assurance.attack.levels import EPSILON, narrow_for
from assurance.attack.scenes import alike
from testing.ciphertexts import uniformity
from testing.market_of_ciphertexts import EncryptedCouple
from testing.privacy import offered, results_of, subsets_of

UNIFORM = "A single result is masked: to whoever has not the masks of two subsets it is uniform."
COLLUDING = (
    "A model owner with the cloud owners of all subsets but two learns the sum of those two, and of neither"
    " its own."
)
ALL_BUT_ONE = "With the cloud owners of all subsets but one it has that one's result."
RARE = 0.001

EXACT = ("encrypted-linear", "encrypted-ridge", "encrypted-logistic", "encrypted-features")
MODES: tuple[Mode, ...] = ("dealt", "shared")


def attacks() -> Iterator[Attack]:
    """Families whose results are masked."""
    who, against = "a model owner", "one subset"
    for name in (*EXACT, "encrypted-cubic"):
        play = partial(uniform, name=name)
        yield Attack(f"uniform-results/{name}/dataset", who, against, UNIFORM, play)
    for mode in MODES:
        play = partial(uniform_moments, mode=mode)
        yield Attack(f"uniform-results/moments-{mode}/private", who, against, UNIFORM, play)
    coalition = "a model owner and the cloud owners of all subsets but"
    for name in EXACT:
        play = partial(all_but_two, name=name)
        yield Attack(f"all-but-two/{name}/dataset", f"{coalition} two", "those two", COLLUDING, play)
    for name in EXACT:
        play = partial(all_but_one, name=name)
        yield Attack(f"all-but-one/{name}/dataset", f"{coalition} one", "that one", ALL_BUT_ONE, play)


# --- uniform ---


def uniform(stage: Stage, name: str) -> Found:
    """All residues of two results, for probes at random."""
    owner = scenes.couple(stage, narrow_for(stage, name))
    family, values = scenes.composed(owner.family), []
    for result in owner.results(scenes.probe(stage, owner).published)[:2]:
        for content in family.codec.result(result).ciphertexts:
            for polynomial in content.residues:
                values += list(zip(polynomial, family.context.all_primes, strict=False))
    return _judged(values)


def uniform_moments(stage: Stage, mode: Mode) -> Found:
    """All words of each subset's result."""
    made, plan = offered(
        "digits", seed=stage.seed, epsilon=EPSILON, noise=mode, colluding=1 if mode == "shared" else 0
    )
    shown = [unpack(result, "the result")[0][MOMENTS] for result in results_of(plan, subsets_of(made))]
    return _judged([(words.view(np.uint64) >> np.uint64(1), 2**63) for words in shown])


def _judged(values: Sequence[tuple[Residues, int]]) -> Found:
    found = [uniformity(row, prime) for row, prime in values]
    found += [float(kstest(row.astype(np.float64) / float(prime), "uniform").pvalue) for row, prime in values]
    rare = RARE / len(found)
    return Found(
        {"tests": len(found), "least p": min(found), "tests that fail": sum(p < rare for p in found)},
        {"tests that fail": 0.0},
    )


# --- together ---


def all_but_two(stage: Stage, name: str) -> Found:
    """Takes what the others' rows come to out of a sum, and the masks that they know out of a result."""
    owner, tried, results = _played(stage, name)
    m = len(results)
    everything = scenes.opened(owner.family, owner.keys, results)
    of_two = everything - np.sum(tried.truths[2:], axis=0)
    family, others = scenes.composed(owner.family), list(owner.subsets[2:])
    masks = against_masks(family, owner.subsets[0], others, owner.cohort(), tried.published)
    alone = scenes.opened(owner.family, owner.keys, results[:1], masks)
    truth = tried.truths[0]
    return Found(
        {
            "subsets": m,
            "numbers of the sum of two": alike(of_two, tried.truths[0] + tried.truths[1]),
            "numbers of one of them": alike(alone, truth),
            "of numbers": truth.size,
        },
        {"numbers of one of them": 0.0},
    )


def all_but_one(stage: Stage, name: str) -> Found:
    """With every mask known, a result opens like any other ciphertext."""
    owner, tried, results = _played(stage, name)
    others = list(owner.subsets[1:])
    family = scenes.composed(owner.family)
    masks = against_masks(family, owner.subsets[0], others, owner.cohort(), tried.published)
    alone = scenes.opened(owner.family, owner.keys, results[:1], masks)
    return Found({"numbers": alike(alone, tried.truths[0]), "of numbers": tried.truths[0].size}, {})


def _played(stage: Stage, name: str) -> tuple[EncryptedCouple, scenes.Probe, list[bytes]]:
    owner = scenes.couple(stage, narrow_for(stage, name))
    tried = scenes.probe(stage, owner)
    return owner, tried, owner.results(tried.published)
