"""Logistic regression whose sigmoid is a polynomial of degree 3, on CKKS.

The sigmoid is 1/2 + u (LINEAR - u^2) with u = SHRINK z: the least-squares fit for scores z in [-16, 16],
within 0.22 of the true one there. Rows are cut to the plan's norm: the norm of the weights bounds all scores.

A step costs four products, one after the other: scores (one prime, of the data), a square, a product (a prime
each), and the gradient, which shares its two primes with the result. With degree 16384 and primes of 60, 60,
60, 53, 48 and 60 bits, the noise of a result for 256 rows is bounded by 2^-28 in units of rows times weight,
most of it the rounding of the rows' encodings. The flood is 2^-3 (`approximate.py`): 25 bits above it. A sum
over four or eight subsets then has a statistical distance below 2^-17 from one that tells nothing. Degree
8192 has 218 bits of modulus where this takes 341: with primes of 44, 30, 36, 32, 32 and 44 bits the same
formulas give noise of 2^-11, only 8 bits below the flood, and a distance of 2^-3 that hides nothing. Steps
would take half the time there; such plans are refused.
"""

from __future__ import annotations

from fractions import Fraction
from math import sqrt
from typing import Literal

import numpy as np
from pydantic import Field

from agents.core.errors import BadPlan
from agents.learning.data.samples import FEATURE_BITS, FloatArray, Int64Array, Samples
from agents.learning.he import noise
from agents.learning.he.circuit import Circuit
from agents.learning.he.ckks import (
    ApproximateFamily,
    EncodedSubset,
    real,
)
from agents.learning.he.seal import Ciphertext
from agents.learning.integers.weights import Weights
from agents.learning.plans.base import PenalisedPlan
from agents.learning.plans.defaults import ROWS, check_classes, momentum, never_early, safe_step
from agents.learning.plans.encrypted import ApproximatePlan, Encryption
from agents.learning.plans.limits import check_fit

SHRINK = 0.0628
LINEAR = 1.3424
"""The sigmoid's coefficients: 0.0843 z - 0.000248 z^3."""

SCORE_LIMIT = 24.0
"""No row of the plan's norm may have a larger score. Real rows rarely come near half of what is possible."""


class EncryptedCubicPlan(ApproximatePlan, PenalisedPlan):
    """Logistic regression with a sigmoid of degree 3. Approximate."""

    family: Literal["encrypted-cubic"] = "encrypted-cubic"
    classes: int = Field(ge=2, description="number of classes")


class EncryptedCubic(ApproximateFamily):
    """Logistic regression with a cubic sigmoid; see the module."""

    plan: EncryptedCubicPlan
    schema = EncryptedCubicPlan
    depth = 3
    left = 2
    gradient_bits = 40
    columns_inside = True

    @classmethod
    def default_plan(cls, features: int, classes: int, rounds: int, seed: int) -> EncryptedCubicPlan:
        """See `Family.default_plan`.

        A move needs all subsets: plan twice as many rounds, or more, as for what moves in every round.
        Shorter rows than elsewhere keep scores inside the range of the polynomial.
        """
        del seed
        check_classes(classes)
        two = classes == 2
        clip = 4 if two else 2
        return EncryptedCubicPlan(
            features=features,
            classes=classes,
            rows=ROWS,
            local_steps=1,
            step=safe_step(clip),
            clip=clip,
            rounds=rounds,
            server=momentum("25" if two else "60", "1/2"),
            stop=never_early(classes),
            l2=Fraction(1, 1000) if two else Fraction(1, 500),
            encryption=Encryption(degree=16384, primes=(60, 60, 60, 53, 48, 60), scale_bits=53),
        )

    def scores(self, weights: Weights, samples: Samples) -> FloatArray:
        """See `Family.scores`: of two classes, the one's score is the other's negative."""
        check_fit(self.plan, samples, self.limits)
        found: FloatArray = self._rows(samples) @ real(weights)["output"]
        return found if self.plan.outputs > 1 else np.hstack([-found, found])

    def _columns(self) -> int:
        return self.plan.outputs

    def _places(self) -> dict[str, list[tuple[int, Int64Array]]]:
        return {"output": [(0, self.layout.weight_slots(self.plan.features + 1, self.plan.outputs))]}

    def _turns(self) -> tuple[int, ...]:
        return (*self.layout.diagonal_turns, *self.layout.block_sums, *self.layout.row_sums)

    def _check_range(self, matrices: dict[str, FloatArray]) -> None:
        reach = self._row_norm * float(np.sqrt((matrices["output"] ** 2).sum(axis=0)).max())
        if reach > SCORE_LIMIT:
            raise BadPlan(
                f"the weights can give scores up to {reach:.1f}, over {SCORE_LIMIT:.0f}: choose a larger l2,"
                " a smaller clip or a smaller server step"
            )

    def _input_count(self) -> int:
        return 1

    def _inputs(self, matrices: dict[str, FloatArray]) -> list[FloatArray]:
        return [self.layout.spread(matrices["output"])]

    def _evaluate(
        self, circuit: Circuit, inputs: list[Ciphertext], prepared: EncodedSubset
    ) -> list[Ciphertext]:
        evaluator, (weights,) = self.context.evaluator, inputs
        u = circuit.times_data(weights, prepared.forward, rescale=True)
        u = circuit.summed(u, self.layout.block_sums)
        slope = circuit.product(u, u)
        evaluator.negate_inplace(slope)
        primes, scale = slope.coeff_modulus_size(), slope.scale
        constant = round(Fraction(LINEAR) * Fraction(scale))
        evaluator.add_plain_inplace(slope, self.context.constant(constant, primes, scale))
        bend = circuit.product(circuit.lowered(u, primes), slope)
        result = circuit.times_data(bend, prepared.backward, rescale=False)
        result = circuit.summed(result, self.layout.row_sums)
        decayed = self._decayed(circuit, weights, prepared, result.scale)
        if decayed is not None:
            evaluator.add_inplace(result, decayed)
        return [result]

    def _decayed(
        self, circuit: Circuit, weights: Ciphertext, prepared: EncodedSubset, scale: float
    ) -> Ciphertext | None:
        """What the penalty takes from the weights, but for the intercept's, in their places in a result.

        None where it is too small for the scale, or not there.
        """

        def factors() -> FloatArray:
            values = np.zeros(self.layout.slots)
            values[self.places["output"][0][1][:-1]] = -float(self.plan.step * self.plan.l2 * prepared.rows)
            return values

        lowered, decayed = circuit.lowered(weights, self.left), Ciphertext()
        factor = self._kept(prepared, "decay", factors, self.left, scale / lowered.scale)
        if factor.is_zero():
            return None
        self.context.evaluator.multiply_plain(lowered, factor, decayed)
        decayed.scale = scale
        return decayed

    def _goals(self, samples: Samples) -> FloatArray:
        if self.plan.outputs == 1:
            return samples.target.astype(np.float64)[:, None]
        goals: FloatArray = np.eye(self.plan.classes)[samples.target]
        return goals

    def _known(self, rows: FloatArray, goals: FloatArray) -> dict[str, FloatArray]:
        """The goals' part of the gradient, exact: whole numbers times the step."""
        whole = (rows * 2.0**FEATURE_BITS).astype(np.int64).T @ (2 * goals - 1).astype(np.int64)
        return {"output": whole.astype(np.float64) * (float(self.plan.step) * 2.0 ** -(FEATURE_BITS + 1))}

    def _change(
        self, matrices: dict[str, FloatArray], rows: FloatArray, goals: FloatArray
    ) -> dict[str, FloatArray]:
        output = matrices["output"]
        u = SHRINK * (rows @ output)
        errors = 0.5 + u * (LINEAR - u * u) - goals
        decay = float(self.plan.l2 * len(rows)) * np.vstack([output[:-1], np.zeros_like(output[-1:])])
        return {"output": -float(self.plan.step) * (rows.T @ errors + decay)}

    def _forward_factor(self) -> float:
        return SHRINK

    def _backward_factor(self) -> Fraction:
        return -self.plan.step

    def _noise(self) -> float:
        primes, bound = len(self.context.primes), SHRINK * SCORE_LIMIT
        u = self._forward_noise(SCORE_LIMIT / self._row_norm)
        slope = noise.together(2 * bound * u, self._product_noise(primes - 2))
        steepest = max(LINEAR, abs(LINEAR - 3 * bound**2))
        bend = noise.together(steepest * u, bound * slope, self._product_noise(primes - 3))
        return self._backward_noise(self._error_limit, bend)

    def _largest(self) -> float:
        return float(self.plan.step) * self._feature_limit * self.plan.rows * self._error_limit

    @property
    def _error_limit(self) -> float:
        """No probability is further from its goal."""
        bound = SHRINK * SCORE_LIMIT
        return max(0.5 + sqrt(LINEAR / 3) * LINEAR * 2 / 3, abs(bound * (LINEAR - bound**2))) + 0.5
