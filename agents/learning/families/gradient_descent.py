"""Training in plain text: gradient descent in exact integers, the same bytes on every machine (II-C)."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Collection, Iterator, Mapping, Sequence
from fractions import Fraction

import numpy as np

from agents.learning.data.canonical import digest
from agents.learning.data.samples import FloatArray, Int64Array, Samples
from agents.learning.data.subset import Subset
from agents.learning.families.masked_update import UpdateForm
from agents.learning.family import NO_KEYS, Cohort, DescentFamily, KeyPair, Sums
from agents.learning.he.secure_aggregation import JobStreams
from agents.learning.integers.design_matrix import design_matrix
from agents.learning.integers.fixed import saturate
from agents.learning.integers.residual import goals
from agents.learning.integers.update import Update
from agents.learning.integers.weights import TrainedModel, Weights
from agents.learning.plans.base import PlainPlan
from agents.learning.plans.limits import DEFAULT_LIMITS, Limits, check_fit

Matrices = Mapping[str, FloatArray]
"""Weights by name: whole numbers in units of 2^-weight_bits."""


class PlainFamily(DescentFamily):
    """A family whose weights everybody in the couple can read.

    A family says what the model's scores are and what the gradient of its loss is.

    Raises:
        BadPlan: the sum of results could leave int64.
    """

    plan: PlainPlan
    encrypted = False

    def __init__(self, plan: PlainPlan, limits: Limits = DEFAULT_LIMITS) -> None:
        super().__init__(plan, limits)
        self._form = UpdateForm(plan, limits.rows)

    # --- what a family decides ---

    @abstractmethod
    def forward(self, matrices: Matrices, rows: FloatArray) -> FloatArray:
        """(n, outputs) float64 scores in real units, of (n, features + 1) rows of a design matrix."""

    @abstractmethod
    def gradients(
        self, matrices: Matrices, rows: FloatArray, goal: FloatArray
    ) -> dict[str, tuple[FloatArray, int]]:
        """For each matrix the gradient of the loss, and the bits of its unit.

        Args:
            matrices: the weights.
            rows: (n, features + 1) float64 of a design matrix.
            goal: (n, outputs) float64, see `goals`.

        Returns:
            by name: a float64 matrix of the weights' shape, summed over the rows, whole numbers in units of
            2^-bits; and these bits.
        """

    # --- training ---

    def local_steps(self, weights: Weights, samples: Samples) -> Weights:
        """The plan's local steps on these samples.

        Each step subtracts rint(step * gradient + step * l2 * weight) in units of 2^-weight_bits, then
        saturates. Every honest replica of a subset gets the same bytes, whatever its CPU and its number of
        threads.

        Raises:
            BadPlan: the plan is for other data, or there are more rows than the limits allow.
        """
        check_fit(self.plan, samples, self.limits)
        rows, goal = design_matrix(samples.features, self.plan.clip), goals(samples)
        matrices = _matrices(weights)
        for chosen in self._batches(weights, len(samples)):
            parts = self.gradients(matrices, rows[chosen], goal[chosen])
            for name, (gradient, bits) in parts.items():
                matrices[name] = self._step(matrices[name], gradient, bits, rows[chosen].shape[0])
        moved = {name: matrix.astype(np.int64) for name, matrix in matrices.items()}
        return Weights(moved, self.plan.weight_bits)

    def trained(self, weights: Weights, samples: Samples) -> TrainedModel:
        """A job's result; see `local_steps`."""
        return TrainedModel(self.local_steps(weights, samples), len(samples))

    def _step(self, matrix: FloatArray, gradient: FloatArray, bits: int, rows: int) -> FloatArray:
        """One update; the factors are fractions rounded once, so they are the same everywhere."""
        plan = self.plan
        factor = float(plan.step / rows * Fraction(2) ** (plan.weight_bits - bits))
        change = gradient * factor
        if plan.decay:
            change[:-1] += matrix[:-1] * float(plan.step * plan.decay)
        return saturate(matrix - np.rint(change), plan.weight_bits)

    def _batches(self, weights: Weights, rows: int) -> Iterator[slice | Int64Array]:
        """The rows of each step: all, or a window that moves on, from a place that the weights decide."""
        batch, steps = self.plan.batch, self.plan.local_steps
        if not 0 < batch < rows:
            yield from (slice(None) for _ in range(steps))
            return
        start = int.from_bytes(weights.digest()[:8], "big") % rows
        for step in range(steps):
            yield (np.arange(batch, dtype=np.int64) + start + step * batch) % rows

    # --- as every family ---

    @property
    def sums(self) -> Sums:
        """As the plan says."""
        return "" if self.plan.sums == "none" else self.plan.sums

    def singles_out(self, rows: int) -> str:
        """See `Family.singles_out`: errors saturate, so at large weights sums count rows on a side."""
        del rows
        return "its updates are not linear in the weights" if self.sums else ""

    def scores(self, weights: Weights, samples: Samples) -> FloatArray:
        """See `Family.scores`."""
        check_fit(self.plan, samples, self.limits)
        return self.forward(_matrices(weights), design_matrix(samples.features, self.plan.clip))

    def local_update(self, weights: Weights, samples: Samples) -> Update:
        """See `Family.local_update`."""
        return Update.of(weights, [self.trained(weights, samples)])

    def keys(self) -> KeyPair:
        """None are needed."""
        return NO_KEYS

    def publish(self, keys: KeyPair, weights: Weights) -> bytes:
        """The weights themselves."""
        del keys
        return weights.to_bytes()

    def is_whole(self, found: Collection[int], members: Sequence[int]) -> bool:
        """Every subset of the cohort has one; any result will do where each is seen by itself."""
        return bool(found) and (not self.sums or set(found) == set(members))

    def update(self, weights: Weights, keys: KeyPair, results: Sequence[bytes]) -> Update:
        """The sum: that in which masks cancel, or one that is made here."""
        del keys
        if self.sums:
            return self._form.total(results)
        return Update.of(weights, [TrainedModel.from_bytes(result, self.plan) for result in results])

    def check_published(self, published: bytes) -> None:
        """See `Family.check_published`."""
        Weights.from_bytes(published, self.plan)

    def train(self, public: bytes, published: bytes, subset: Subset, cohort: Cohort) -> bytes:
        """See `Family.train`: the weights after the job, or the update with its masks."""
        del public
        weights = Weights.from_bytes(published, self.plan)
        if not self.sums:
            return self.trained(weights, subset.samples).to_bytes()
        streams = JobStreams(self.plan, self.sums, subset, cohort, digest(published))
        update = self.local_update(weights, subset.samples)
        return self._form.masked(update, streams, cohort, subset.index)

    def check_result(self, result: bytes) -> None:
        """See `Family.check_result`."""
        if self.sums:
            self._form.read(result)
        else:
            TrainedModel.from_bytes(result, self.plan)


def _matrices(weights: Weights) -> dict[str, FloatArray]:
    return {name: matrix.astype(np.float64) for name, matrix in weights.tensors.items()}
