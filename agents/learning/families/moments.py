"""Linear models from moments with noise: no weights are sent, and one sum is all there is to learn.

Each subset's replicas add noise to the moments of their rows, and what the model owner sees is their sum over
the dataset. All that it makes of it, for any penalty and as often as it likes, is a function of this one
release. The model never leaves its owner.

Source: Vu and Slavkovic 2009, and Wang 2018 (arXiv:1803.02596), for regression from noisy moments.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from fractions import Fraction
from math import sqrt
from typing import Literal, Self

import numpy as np
from pydantic import Field

from agents.core.errors import BadObject, BadPlan
from agents.learning.data.canonical import digest, pack, unpack
from agents.learning.data.samples import FloatArray, Int64Array, Samples
from agents.learning.data.subset import Subset, SubsetNoise
from agents.learning.family import NO_KEYS, Cohort, Family, KeyPair, Sums
from agents.learning.he.cohorts import cohort_facts, read_cohort
from agents.learning.he.randomness import Words
from agents.learning.he.secure_aggregation import JobStreams, check_cohort
from agents.learning.integers.aggregate import ServerState
from agents.learning.integers.fixed import RANGE_BITS, exact_matmul
from agents.learning.integers.update import Update
from agents.learning.integers.weights import MAX_SAMPLES, Weights
from agents.learning.plans.base import Plan
from agents.learning.plans.defaults import never_early
from agents.learning.plans.limits import DEFAULT_LIMITS, Limits, check_fit
from agents.learning.plans.noise import Noise
from agents.learning.plans.rational import Rational
from agents.learning.privacy.accounting import variance_for
from agents.learning.privacy.dealing import noise_of
from agents.learning.privacy.moments import MomentsForm, noise_penalty
from agents.learning.privacy.sensitivity import MOMENT_BITS, UNIT_BITS, moments_squared
from agents.learning.privacy.unit_rows import unit_rows, with_intercept

MOMENTS, SUBSETS = "moments", "subsets"
"""What an update has: the sums, and over how many subsets they are."""

_USUAL_RHO = Fraction(85, 100) * Fraction(37, 100)
"""Of moments at epsilon 4 and a delta of 10^-5, beside a summary."""


class MomentsPlan(Plan):
    """Least squares, or logistic regression with a linear sigmoid, from moments with noise."""

    family: Literal["moments"] = "moments"
    noise: Noise
    loss: Literal["squares", "logistic"] = Field(
        default="squares", description="half the squared error, or with classes the sigmoid 1/2 + z/4"
    )
    l2: Rational = Field(
        default=Fraction(0), description="factor of a squared penalty beside the one for the noise"
    )

    @property
    def noise_named(self) -> Noise:
        """See `Plan.noise_named`."""
        return self.noise

    def with_noise(self, noise: Noise) -> Self:
        """See `Plan.with_noise`."""
        return self.model_copy(update={"noise": noise})

    def bounds(self, rows: int) -> dict[str, float]:
        """See `Plan.bounds`."""
        return {
            "the scores (features x weights)": (self.features + 1) * 2.0 ** (UNIT_BITS + self._limit_bits),
            "the moments (rows x features x features)": rows * 2.0**MOMENT_BITS,
        }

    @property
    def _limit_bits(self) -> int:
        return self.weight_bits + RANGE_BITS


class MomentsFamily(Family):
    """The plan `moments`.

    Raises:
        BadPlan: a logistic model of numbers, or more columns than the limits allow.
    """

    plan: MomentsPlan
    schema = MomentsPlan
    encrypted = False
    learns_once = True

    @classmethod
    def default_plan(cls, features: int, classes: int, rounds: int, seed: int) -> MomentsPlan:
        """See `Family.default_plan`; its noise is a usual one, a dataset's takes its place."""
        del seed
        usual = Noise(mode="dealt", variance=variance_for(moments_squared(classes), _USUAL_RHO))
        return MomentsPlan(
            features=features, classes=classes, rounds=rounds, noise=usual, stop=never_early(classes)
        )

    def __init__(self, plan: MomentsPlan, limits: Limits = DEFAULT_LIMITS) -> None:
        super().__init__(plan, limits)
        if plan.loss == "logistic" and not plan.classes:
            raise BadPlan('plan: loss "logistic" needs classes, and the target is a number: choose "squares"')
        if plan.features + 1 > limits.width:
            raise BadPlan(
                f"plan: features is {plan.features}; this agent makes moments of {limits.width - 1} at most"
            )
        self.form = MomentsForm(plan.features, plan.classes)

    # --- of this plan ---

    @property
    def sums(self) -> Sums:
        """Over the dataset; with noise of its own each subset's result is shown."""
        return "" if self.plan.noise.mode == "own" else "dataset"

    @property
    def carries_on(self) -> bool:
        """Until each subset has added its part."""
        return True

    def scores(self, weights: Weights, samples: Samples) -> FloatArray:
        """See `Family.scores`; values are cut to the range of the target, from -1 to 1."""
        check_fit(self.plan, samples, self.limits)
        rows = with_intercept(unit_rows(samples.features))
        matrix = weights.tensors["output"].astype(np.float64)
        scores = exact_matmul(rows, matrix) * 2.0 ** -(UNIT_BITS + self.plan.weight_bits)
        return scores if self.plan.classes else np.clip(scores, -1.0, 1.0)

    def local_update(self, weights: Weights, samples: Samples) -> Update:
        """See `Family.local_update`: the exact moments."""
        del weights
        check_fit(self.plan, samples, self.limits)
        return self._update(self.form.of(samples), len(samples), 1)

    def noisy(self, samples: Samples, dealt: Sequence[SubsetNoise | None]) -> Update:
        """What all subsets' results together come to, for whoever has all rows and all noise.

        Args:
            samples: all rows of the dataset.
            dealt: each subset's noise.

        Raises:
            BadPlan: the noise is for other sums than the plan's.
        """
        total = _words(self.form.of(samples))
        for given in dealt:
            total = total + _words(noise_of(given, self.form, self.plan.noise, len(dealt)))
        return self._update(total.view(np.int64), len(samples), len(dealt))

    # --- model owner ---

    def aggregate(self, state: ServerState, update: Update) -> ServerState:
        """The model that the moments give: in floats, since nobody else has to come to the same."""
        plan, subsets = self.plan, int(update.change[SUBSETS][0])
        deviation = sqrt(plan.noise.of_sum(subsets)) * 2.0**-MOMENT_BITS
        penalty = noise_penalty(deviation, plan.features) + float(plan.l2 * update.samples)
        moments = self.form.read(update.change[MOMENTS], update.samples)
        solved = moments.ridge(penalty) if plan.loss == "squares" else moments.logistic(penalty)
        limit = 2.0 ** (plan.weight_bits + RANGE_BITS)
        matrix = np.clip(np.rint(solved * 2.0**plan.weight_bits), -limit, limit).astype(np.int64)
        return ServerState(Weights({"output": matrix}, plan.weight_bits), state.velocity)

    def keys(self) -> KeyPair:
        """None are needed."""
        return NO_KEYS

    def publish(self, keys: KeyPair, weights: Weights) -> bytes:
        """Zeros, always: a job needs no weights."""
        del keys, weights
        return self.initial_weights().to_bytes()

    def is_whole(self, found: Collection[int], members: Sequence[int]) -> bool:
        """Each subset has added its part."""
        return bool(found) and set(found) == set(members)

    def update(self, weights: Weights, keys: KeyPair, results: Sequence[bytes]) -> Update:
        """The sum, modulo 2^64: there shares and masks cancel."""
        del weights, keys
        parts = [self._read(result) for result in results]
        cohorts = {cohort for _, _, cohort, _ in parts}
        members = sorted(member for _, _, _, member in parts)
        if len(cohorts) != 1 or tuple(members) != next(iter(cohorts)).members:
            raise BadObject("the results are not those of one whole cohort: they add up to nothing")
        total = np.zeros(self.form.size, dtype=np.uint64)
        for vector, *_ in parts:
            total = total + _words(vector)
        return self._update(total.view(np.int64), sum(rows for _, rows, *_ in parts), len(parts))

    # --- cloud owner ---

    def check_published(self, published: bytes) -> None:
        """See `Family.check_published`: nothing but zeros."""
        if published != self.initial_weights().to_bytes():
            raise BadObject("the weights: other than zeros, where a job needs none")

    def train(self, public: bytes, published: bytes, subset: Subset, cohort: Cohort) -> bytes:
        """See `Family.train`: the moments of its rows, with its noise."""
        del public
        self.check_published(published)
        check_fit(self.plan, subset.samples, self.limits)
        check_cohort("dataset", subset, cohort)
        noise = noise_of(subset.noise, self.form, self.plan.noise, len(cohort.members))
        shown = _words(self.form.of(subset.samples)) + _words(noise)
        if self.plan.noise.mode == "shared":
            streams = JobStreams(self.plan, "dataset", subset, cohort, digest(published))
            shown += streams.words(self.form.size)
        facts: dict[str, int | str | bool] = {"kind": "moments", "samples": len(subset.samples)}
        return pack({MOMENTS: shown.view(np.int64)}, facts | cohort_facts(cohort, subset.index))

    # --- anybody ---

    def check_result(self, result: bytes) -> None:
        """See `Family.check_result`."""
        self._read(result)

    def _read(self, result: bytes) -> tuple[Int64Array, int, Cohort, int]:
        """The numbers of a result, its rows, its cohort and whose it is."""
        tensors, facts = unpack(result, "the result")
        samples, vector = facts.pop("samples", None), tensors.get(MOMENTS)
        if facts.pop("kind", None) != "moments" or set(tensors) != {MOMENTS} or vector is None:
            raise BadObject("the result: of another kind than the plan's")
        if vector.dtype != np.int64 or vector.shape != (self.form.size,):
            raise BadObject(f"the result: {vector.dtype} of shape {vector.shape}, not {self.form.size} words")
        if type(samples) is not int or not 1 <= samples <= MAX_SAMPLES:
            raise BadObject(f"the result: {samples} samples")
        return vector.astype(np.int64), samples, *read_cohort(facts, "the result")

    def _update(self, moments: Int64Array, rows: int, subsets: int) -> Update:
        change = {MOMENTS: moments, SUBSETS: np.array([subsets], dtype=np.int64)}
        return Update(change, rows, MOMENT_BITS)


def _words(values: Int64Array) -> Words:
    """The same numbers modulo 2^64."""
    words: Words = values.view(np.uint64)
    return words
