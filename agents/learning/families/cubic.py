"""Logistic regression whose sigmoid is a polynomial of degree 3, in real numbers.

The sigmoid is 1/2 + u (LINEAR - u^2) with u = SHRINK z: the least-squares fit for scores z in [-16, 16],
within 0.22 of the true one there. Rows are cut to the plan's norm: the norm of the weights bounds all scores.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import sqrt

import numpy as np

from agents.core.errors import BadPlan
from agents.learning.data.samples import FEATURE_BITS, FloatArray, Samples
from agents.learning.he.ckks.model import RealMatrices, row_norm

SHRINK = 0.0628
LINEAR = 1.3424
"""The sigmoid's coefficients: 0.0843 z - 0.000248 z^3."""

SCORE_LIMIT = 24.0
"""No row of the plan's norm may have a larger score. Real rows rarely come near half of what is possible."""

ARGUMENT_LIMIT = SHRINK * SCORE_LIMIT
"""Of u."""

ERROR_LIMIT = 0.5 + max(
    0.5 + sqrt(LINEAR / 3) * LINEAR * 2 / 3, abs(ARGUMENT_LIMIT * (LINEAR - ARGUMENT_LIMIT**2))
)
"""No probability is further from its target."""


@dataclass(frozen=True)
class CubicLogistic:
    """See `Formulas`.

    Attributes:
        classes: two or more.
        outputs: one tells two classes apart, otherwise there is one for each.
        clip: norm that rows are cut to.
        step: of the descent.
        l2: weight of the penalty.
    """

    classes: int
    outputs: int
    clip: int
    step: Fraction
    l2: Fraction

    def targets(self, samples: Samples) -> FloatArray:
        """(n, outputs) zeros and ones: of the second of two classes, or of each of several."""
        if self.outputs == 1:
            return samples.target.astype(np.float64)[:, None]
        indicators: FloatArray = np.eye(self.classes)[samples.target]
        return indicators

    def change(self, matrices: RealMatrices, rows: FloatArray, targets: FloatArray) -> dict[str, FloatArray]:
        """Number of rows times the change of the weights in one step."""
        output = matrices["output"]
        u = SHRINK * (rows @ output)
        errors = 0.5 + u * (LINEAR - u * u) - targets
        decay = float(self.l2 * len(rows)) * np.vstack([output[:-1], np.zeros_like(output[-1:])])
        return {"output": -float(self.step) * (rows.T @ errors + decay)}

    def known_change(self, rows: FloatArray, targets: FloatArray) -> dict[str, FloatArray]:
        """The targets' part of the gradient, exact: whole numbers times the step."""
        whole = (rows * 2.0**FEATURE_BITS).astype(np.int64).T @ (2 * targets - 1).astype(np.int64)
        return {"output": whole.astype(np.float64) * (float(self.step) * 2.0 ** -(FEATURE_BITS + 1))}

    def scores(self, matrices: RealMatrices, rows: FloatArray) -> FloatArray:
        """(n, classes) scores: of two classes, the one's is the other's negative."""
        found: FloatArray = rows @ matrices["output"]
        return found if self.outputs > 1 else np.hstack([-found, found])

    def check_range(self, matrices: RealMatrices) -> None:
        """Checks that no row of the plan's norm has a score over SCORE_LIMIT.

        Raises:
            BadPlan: one might.
        """
        norm = float(np.sqrt((matrices["output"] ** 2).sum(axis=0)).max())
        reach = row_norm(self.clip) * norm
        if reach > SCORE_LIMIT:
            raise BadPlan(
                f"the weights can give scores up to {reach:.1f}, over {SCORE_LIMIT:.0f}: choose a larger l2,"
                " a smaller clip or a smaller server step"
            )
