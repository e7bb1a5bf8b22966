"""What is measured of encrypted training: one cloud owner's step, its sizes, the model's accuracy."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import TypeVar

import numpy as np

from agents.demo.collect import DividedData
from agents.demo.scenario import Scenario
from agents.learning import evaluate
from agents.learning.data.mask_keys import keys_of
from agents.learning.data.samples import FEATURE_BITS, Samples
from agents.learning.data.subset import Subset
from agents.learning.families.gradient_descent import PlainFamily
from agents.learning.families.registry import FAMILIES, default_plan, family_of
from agents.learning.family import Cohort
from agents.learning.integers.update import Update
from agents.learning.integers.weights import Weights
from agents.learning.plans.base import DescentPlan, Plan
from agents.learning.simulate import simulate
from benchmarks.encrypted.tutorial import EncryptedLogisticRegression, Parameters

T = TypeVar("T")

SUBSETS = {"breast-cancer": 4, "diabetes": 4, "digits": 8}
"""Of each data set; half of them are drawn a round."""

ROUNDS = 40
"""Market rounds of the accuracies; half of the subsets are drawn a round, so these are 20 updates."""


@dataclass(frozen=True)
class Timing:
    """Milliseconds over repetitions."""

    middle: float
    least: float
    most: float

    @classmethod
    def of(cls, milliseconds: Sequence[float]) -> Timing:
        """Of what was measured."""
        return cls(median(milliseconds), min(milliseconds), max(milliseconds))


@dataclass(frozen=True)
class StepCosts:
    """What one family costs on one data set; times in milliseconds, sizes in bytes.

    Attributes:
        rows: of the subset that the steps are measured on, the largest.
        first: a cloud owner's first job of a couple: it reads the keys and prepares its rows.
        step: a later job, from canonical bytes in to canonical bytes out.
        plain: the same plan's arithmetic on plain weights, or the plain family's of the same name.
        keys, weights, result: published keys, a round's encrypted weights, a job's result.
    """

    family: str
    data: str
    rows: int
    features: int
    outputs: int
    local_steps: int
    keygen: float
    encrypt: Timing
    first: float
    step: Timing
    plain: Timing
    decrypt: Timing
    keys: int
    weights: int
    result: int
    exact: bool


def subsets_of(data: str, seed: int) -> DividedData:
    """A built-in table, split with skew."""
    return DividedData.of(Scenario(data=data, seed=seed, subsets=SUBSETS[data]))


def plan_of(family: str, rehearsal: DividedData, rounds: int = ROUNDS) -> DescentPlan:
    """The default plan of a family for these data."""
    train = rehearsal.prepared.train
    plan = default_plan(rehearsal.table.task, train.classes, train.features.shape[1], family, rounds)
    assert isinstance(plan, DescentPlan)
    return plan


def measure_step(family_name: str, data: str, repeats: int) -> StepCosts:
    """Jobs of the largest subset, each on fresh weights, and the sum of all subsets decrypted."""
    rehearsal = subsets_of(data, 0)
    plan, fresh = plan_of(family_name, rehearsal), FAMILIES[family_name]  # it remembers nothing yet
    began = time.perf_counter()
    keys = fresh(plan).keys()
    keygen = _since(began)
    named = plan.with_keys(hashlib.sha256(keys.public).hexdigest())
    owner, worker = fresh(named), fresh(named)
    subsets = _packed(rehearsal.subsets)
    largest = max(subsets, key=lambda subset: len(subset.samples))
    members = tuple(range(len(subsets)))
    weights = _weights(named, rehearsal)
    encrypted, encrypting = _timed(lambda: owner.publish(keys, weights), repeats)
    label = hashlib.sha256(encrypted).digest()
    began = time.perf_counter()
    worker.train(keys.public, encrypted, largest, Cohort(label, members))
    first = _since(began)
    steps = []
    for _ in range(repeats):
        anew = owner.publish(keys, weights)
        began = time.perf_counter()
        worker.train(keys.public, anew, largest, Cohort(hashlib.sha256(anew).digest(), members))
        steps.append(_since(began))
    results = [worker.train(keys.public, encrypted, one, Cohort(label, members)) for one in subsets]
    update, decrypting = _timed(lambda: owner.update(weights, keys, results), repeats)
    clear = Update.total([owner.local_update(weights, subset.samples) for subset in subsets])
    exact = all(np.array_equal(clear.change[name], change) for name, change in update.change.items())
    return StepCosts(
        family=family_name,
        data=data,
        rows=len(largest.samples),
        features=named.features,
        outputs=named.outputs,
        local_steps=named.local_steps,
        keygen=keygen,
        encrypt=encrypting,
        first=first,
        step=Timing.of(steps),
        plain=_plain(family_name, named.local_steps, rehearsal, largest.samples, repeats),
        decrypt=decrypting,
        keys=len(keys.public),
        weights=len(encrypted),
        result=len(results[0]),
        exact=exact,
    )


def accuracies(family: str, data: str, seeds: Sequence[int], rounds: int = ROUNDS) -> list[float]:
    """Test scores after the last round, a seed each, half of the subsets drawn a round.

    Computed in the clear: the arithmetic is the encrypted one's (`Family.local_update`).
    """
    scores = []
    for seed in seeds:
        rehearsal = subsets_of(data, seed)
        plan = plan_of(family, rehearsal, rounds)
        drawn = (len(rehearsal.subsets) + 1) // 2
        *_, last = simulate(plan, rehearsal.subsets, drawn, seed)
        scores.append(evaluate.score(plan, last.weights, rehearsal.prepared.test))
    return scores


def outside(data: str, seeds: Sequence[int]) -> list[float]:
    """Test scores of scikit-learn's own linear model on all training rows, a seed each."""
    scores = []
    for seed in seeds:
        rehearsal = subsets_of(data, seed)
        plan = plan_of("ridge" if not rehearsal.prepared.train.classes else "logistic", rehearsal)
        scores.append(evaluate.outside(plan, rehearsal.prepared.train, rehearsal.prepared.test).score)
    return scores


def measure_tutorial(data: str, parameters: Parameters, repeats: int) -> Timing:
    """An epoch of the tutorial's logistic regression over the rows of the largest subset, in milliseconds."""
    rehearsal = subsets_of(data, 0)
    samples = max(rehearsal.subsets, key=len)
    rows = samples.features / 2.0**FEATURE_BITS
    model = EncryptedLogisticRegression(parameters.context())
    encrypted = model.encrypted(rows)
    times = []
    for _ in range(repeats):
        model.renew([0.0] * rows.shape[1], 0.0)
        began = time.perf_counter()
        model.epoch(encrypted, samples.target.astype(np.float64), 0.1, 0.001)
        times.append(_since(began))
    return Timing.of(times)


def _packed(subsets: Sequence[Samples]) -> list[Subset]:
    """Subsets with secrets and mask keys, as a data owner packs them."""

    def secret(*parts: object) -> bytes:
        return hashlib.sha256(repr(("benchmark", *parts)).encode()).digest()

    keys = keys_of([secret("mask key", index) for index in range(len(subsets))])
    return [Subset(index, samples, secret(index), keys[index]) for index, samples in enumerate(subsets)]


def _weights(plan: Plan, rehearsal: DividedData) -> Weights:
    """Weights after an update, so that they are not zeros."""
    family = family_of(plan)
    state = family.initial_state()
    update = family.local_update(state.asked, rehearsal.subsets[0])
    return family.aggregate(state, update).asked


def _plain(name: str, local_steps: int, rehearsal: DividedData, samples: Samples, repeats: int) -> Timing:
    """Plain integer training of as many local steps: of the plain family of the same name, else logistic."""
    name = name.removeprefix("encrypted-")
    plan = plan_of(name if name in FAMILIES else "logistic", rehearsal)
    family = family_of(plan.model_copy(update={"local_steps": local_steps}))
    assert isinstance(family, PlainFamily)
    weights = _weights(family.plan, rehearsal)
    return _timed(lambda: family.local_steps(weights, samples), repeats)[1]


def _timed(work: Callable[[], T], repeats: int) -> tuple[T, Timing]:
    """What it gives at first, and how long it takes."""
    times, results = [], []
    for _ in range(repeats):
        began = time.perf_counter()
        results.append(work())
        times.append(_since(began))
    return results[0], Timing.of(times)


def _since(began: float) -> float:
    return 1_000 * (time.perf_counter() - began)
