"""A network with one hidden layer whose units square, trained by least squares, in real numbers.

Outputs are o = W2' (W1' x)^2, the targets -1 and 1 for classes (or the target of a regression), the gradients
those of half the squared error. One more unit, whose weights are fixed so that it is always 1, carries the
intercept of the output layer.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from agents.core.errors import BadPlan
from agents.learning.data.samples import TARGET_BITS, TARGET_LIMIT, FloatArray, Samples
from agents.learning.he.ckks.model import RealMatrices, row_norm

SUM_LIMIT = 4.0
"""No row of the plan's norm may give a hidden unit a larger sum ..."""

SLOPE_LIMIT = 4.0
"""... nor may such a sum, times a weight that its unit has in an output, be larger ..."""

OUTPUT_LIMIT = 20.0
"""... nor an output, were all its units at their own limits."""


@dataclass(frozen=True)
class SquareNetwork:
    """See `Formulas`.

    Attributes:
        classes: none for a regression.
        outputs: one tells two classes apart, otherwise there is one for each.
        clip: norm that rows are cut to.
        step: of the descent.
    """

    classes: int
    outputs: int
    clip: int
    step: Fraction

    @property
    def error_limit(self) -> float:
        """No output is further from its target."""
        return OUTPUT_LIMIT + (1.0 if self.classes else TARGET_LIMIT * 2.0**-TARGET_BITS)

    def targets(self, samples: Samples) -> FloatArray:
        """(n, outputs) what the outputs should be: -1 or 1, or a number."""
        if not self.classes:
            values: FloatArray = samples.target.astype(np.float64)[:, None] * 2.0**-TARGET_BITS
            return values
        if self.outputs == 1:
            return 2.0 * samples.target.astype(np.float64)[:, None] - 1.0
        signs: FloatArray = 2.0 * np.eye(self.classes)[samples.target] - 1.0
        return signs

    def change(self, matrices: RealMatrices, rows: FloatArray, targets: FloatArray) -> dict[str, FloatArray]:
        """Number of rows times the change of each matrix in one step."""
        sums, active = _hidden(matrices, rows)
        errors = active @ matrices["output"] - targets
        back = 2.0 * sums * (errors @ matrices["output"][:-1].T)
        step = -float(self.step)
        return {"hidden": step * (rows.T @ back), "output": step * (active.T @ errors)}

    def known_change(self, rows: FloatArray, targets: FloatArray) -> dict[str, FloatArray]:
        """None: every part depends on the weights."""
        del rows, targets
        return {}

    def scores(self, matrices: RealMatrices, rows: FloatArray) -> FloatArray:
        """(n, outputs) outputs; of two classes, the one's score is the other's negative."""
        _, active = _hidden(matrices, rows)
        found: FloatArray = active @ matrices["output"]
        return np.hstack([-found, found]) if self.classes == 2 else found

    def check_range(self, matrices: RealMatrices) -> None:
        """Checks that no row of the plan's norm gives sums, slopes or outputs over their limits.

        Raises:
            BadPlan: one might.
        """
        sums = row_norm(self.clip) * np.sqrt((matrices["hidden"] ** 2).sum(axis=0))
        weights = np.abs(matrices["output"])
        slopes = weights[:-1] * sums[:, None]
        outputs = (slopes * sums[:, None]).sum(axis=0) + weights[-1]
        for what, found, most in (
            ("sums of hidden units", sums, SUM_LIMIT),
            ("slopes", slopes, SLOPE_LIMIT),
            ("outputs", outputs, OUTPUT_LIMIT),
        ):
            if found.max() > most:
                raise BadPlan(
                    f"the weights can give {what} up to {found.max():.1f}, over {most:.0f}: choose a smaller "
                    "clip or a smaller server step"
                )


def _hidden(matrices: RealMatrices, rows: FloatArray) -> tuple[FloatArray, FloatArray]:
    """(n, hidden) sums and (n, hidden + 1) activations, the intercept's 1 included."""
    sums: FloatArray = rows @ matrices["hidden"]
    return sums, np.hstack([sums * sums, np.ones((len(rows), 1))])
