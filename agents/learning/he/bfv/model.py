"""Least squares in whole numbers without encryption: what a sum decrypts to, bit for bit."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import numpy as np

from agents.learning.data.samples import FloatArray, Samples
from agents.learning.families import affine
from agents.learning.he.bfv.budget import Budget, largest_weight
from agents.learning.he.recent import Recent
from agents.learning.integers.affine_map import AffineMap, local_map
from agents.learning.integers.update import Update
from agents.learning.integers.weights import Weights
from agents.learning.plans.encrypted import ExactPlan
from agents.learning.plans.limits import Limits, check_fit

MAPS_KEPT = 256


class ExactModel:
    """A model whose local steps are an affine map of its weights; see `PlainModel`.

    Args:
        plan: of the family.
        limits: what the agent is ready to work on.
        budget: that the numbers must fit.
        rows: of samples the (n, p) whole numbers in units of 2^-FEATURE_BITS that weights are multiplied by.
    """

    def __init__(
        self, plan: ExactPlan, limits: Limits, budget: Budget, rows: Callable[[Samples], FloatArray]
    ) -> None:
        self._plan, self._limits, self._budget, self.rows = plan, limits, budget, rows
        self._maps: Recent[AffineMap] = Recent(MAPS_KEPT)

    def check_fit(self, samples: Samples) -> None:
        """Checks that the plan is for samples of this form.

        Raises:
            BadPlan: it is not, or there are more rows than the limits.
        """
        check_fit(self._plan, samples, self._limits)

    def steps(self, samples: Samples) -> AffineMap:
        """The plan's local steps on these samples, kept for the next round.

        Raises:
            BadPlan: an intermediate number would not fit int64.
        """
        return self._maps.get(
            samples_digest(samples), lambda: local_map(self._plan, self.rows(samples), samples)
        )

    def check_range(self, steps: AffineMap, members: int) -> None:
        """Checks that the changes of so many subsets add up within the plaintext modulus.

        Raises:
            BadPlan: they might not.
        """
        self._budget.check_range(steps.largest(largest_weight(self._plan)), members)

    def update(self, weights: Weights, samples: Samples) -> Update:
        """What decryption gives for one subset."""
        self.check_fit(samples)
        steps = self.steps(samples)
        self.check_range(steps, 1)
        change = steps.change(weights.tensors["output"])
        return Update({"output": change}, steps.rows, self._plan.fraction_bits)

    def scores(self, weights: Weights, samples: Samples) -> FloatArray:
        """(n, outputs) float64."""
        self.check_fit(samples)
        matrices = {name: matrix.astype(np.float64) for name, matrix in weights.tensors.items()}
        return affine.scores(self._plan, matrices, self.rows(samples))


def samples_digest(samples: Samples) -> bytes:
    """Tells samples of one form from others."""
    return hashlib.sha256(samples.features.tobytes() + samples.target.tobytes()).digest()
