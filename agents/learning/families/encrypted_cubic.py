"""Logistic regression whose sigmoid is a polynomial of degree 3 (`cubic.py`), on CKKS.

A step costs four products, one after the other: scores (one prime, of the data), a square, a product (a prime
each), and the gradient, which shares its two primes with the result. With degree 16384 and primes of 60, 60,
60, 53, 48 and 60 bits, the noise of a result for 256 rows is bounded by 2^-28 in units of rows times weight,
most of it the rounding of the rows' encodings. The flood is 2^-3 (`headroom.py`): 25 bits above it. A sum
over four or eight subsets then has a statistical distance below 2^-17 from one that tells nothing. Degree
8192 has 218 bits of modulus where this takes 341: with primes of 44, 30, 36, 32, 32 and 44 bits the same
formulas give noise of 2^-11, only 8 bits below the flood, and a distance of 2^-3 that hides nothing. Steps
would take half the time there; such plans are refused.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Literal

import numpy as np
from pydantic import Field

from agents.learning.data.samples import FloatArray
from agents.learning.families.cubic import (
    ARGUMENT_LIMIT,
    ERROR_LIMIT,
    LINEAR,
    SCORE_LIMIT,
    SHRINK,
    CubicLogistic,
)
from agents.learning.he.ckks import noise
from agents.learning.he.ckks.arithmetic import Arithmetic
from agents.learning.he.ckks.circuit import EncodedSubset, ResultBounds
from agents.learning.he.ckks.family import ApproximateFamily
from agents.learning.he.ckks.headroom import Headroom
from agents.learning.he.ckks.levels import Levels
from agents.learning.he.ckks.model import RealMatrices
from agents.learning.he.ckks.result_slots import ResultSlots
from agents.learning.he.ckks.scheme import CkksScheme
from agents.learning.he.ckks.step_noise import StepNoise
from agents.learning.he.plaintexts import constant
from agents.learning.he.seal import Ciphertext, Plaintext
from agents.learning.plans.base import PenalisedPlan
from agents.learning.plans.defaults import ROWS, check_classes, momentum, never_early, safe_step
from agents.learning.plans.encrypted import ApproximatePlan, Encryption
from agents.learning.plans.limits import DEFAULT_LIMITS, Limits

LEVELS = Levels(depth=3, left=2, gradient_bits=40)


class EncryptedCubicPlan(ApproximatePlan, PenalisedPlan):
    """Logistic regression with a sigmoid of degree 3. Approximate."""

    family: Literal["encrypted-cubic"] = "encrypted-cubic"
    classes: int = Field(ge=2, description="number of classes")


@dataclass(frozen=True)
class CubicCircuit:
    """See `StepCircuit`.

    Attributes:
        plan: of the family.
        scheme: with a column for each output.
    """

    plan: EncryptedCubicPlan
    scheme: CkksScheme
    input_count = 1
    forward_factor = SHRINK

    @property
    def backward_factor(self) -> Fraction:
        """The change goes against the gradient."""
        return -self.plan.step

    @cached_property
    def results(self) -> ResultSlots:
        """One ciphertext."""
        layout = self.scheme.layout
        output = layout.weight_slots(self.plan.features + 1, self.plan.outputs)
        return ResultSlots(layout.slots, self.scheme.row_count, {"output": [(0, output)]})

    @property
    def rotations(self) -> tuple[int, ...]:
        """Of both products with data."""
        layout = self.scheme.layout
        return (*layout.diagonal_rotations, *layout.block_sums, *layout.row_sums)

    def spread(self, matrices: RealMatrices) -> list[FloatArray]:
        """The weights, repeated for all rows."""
        return [self.scheme.layout.spread(matrices["output"])]

    def evaluate(
        self, arithmetic: Arithmetic, weights: list[Ciphertext], data: EncodedSubset
    ) -> list[Ciphertext]:
        """The gradient's ciphertext, less the targets' part, which is known."""
        layout, (inputs,) = self.scheme.layout, weights
        u = arithmetic.times_data(inputs, data.forward, rescale=True)
        u = arithmetic.summed(u, layout.block_sums)
        sigmoid = self._sigmoid(arithmetic, u)
        result = arithmetic.times_data(sigmoid, data.backward, rescale=False)
        result = arithmetic.summed(result, layout.row_sums)
        decayed = self._decayed(arithmetic, inputs, data, result.scale)
        if decayed is not None:
            arithmetic.context.evaluator.add_inplace(result, decayed)
        return [result]

    def _sigmoid(self, arithmetic: Arithmetic, u: Ciphertext) -> Ciphertext:
        """The odd part of the sigmoid: u (LINEAR - u^2)."""
        context, factor = arithmetic.context, arithmetic.product(u, u)
        context.evaluator.negate_inplace(factor)
        primes, scale = factor.coeff_modulus_size(), factor.scale
        linear = round(Fraction(LINEAR) * Fraction(scale))
        context.evaluator.add_plain_inplace(factor, constant(context, linear, primes, scale))
        return arithmetic.product(arithmetic.lowered(u, primes), factor)

    def _decayed(
        self, arithmetic: Arithmetic, weights: Ciphertext, data: EncodedSubset, scale: float
    ) -> Ciphertext | None:
        """What the penalty takes from the weights, but for the intercept's, in their slots of a result.

        None where it is too small for the scale, or not there.
        """
        lowered, decayed = arithmetic.lowered(weights, self.scheme.levels.left), Ciphertext()
        factor = data.once("decay", lambda: self._decay(data.rows, scale / lowered.scale))
        if factor.is_zero():
            return None
        arithmetic.context.evaluator.multiply_plain(lowered, factor, decayed)
        decayed.scale = scale
        return decayed

    def _decay(self, rows: int, scale: float) -> Plaintext:
        ((_, slots),) = self.results.matrices["output"]
        values = np.zeros(self.results.slots)
        values[slots[:-1]] = -float(self.plan.step * self.plan.l2 * rows)
        return self.scheme.plaintext(values, self.scheme.levels.left, scale)

    @cached_property
    def bounds(self) -> ResultBounds:
        """For weights that give no score over SCORE_LIMIT."""
        step = StepNoise(self.scheme, self.forward_factor, self.backward_factor)
        primes = len(self.scheme.context.primes)
        u = step.forward(SCORE_LIMIT / step.row_norm)
        factor = noise.combined(2 * ARGUMENT_LIMIT * u, step.product(primes - 2))
        steepest = max(LINEAR, abs(LINEAR - 3 * ARGUMENT_LIMIT**2))
        sigmoid = noise.combined(steepest * u, ARGUMENT_LIMIT * factor, step.product(primes - 3))
        largest = float(self.plan.step) * step.feature_limit * self.plan.rows * ERROR_LIMIT
        return ResultBounds(step.backward(ERROR_LIMIT, sigmoid), largest)


class EncryptedCubic(ApproximateFamily):
    """The plan `encrypted-cubic`.

    Args:
        plan: checked against its schema.
        limits: what the agent is ready to work on.
        levels: of the circuit, with other scales for tests in small rings.
        headroom: another kind of headroom, likewise.

    Raises:
        BadPlan: as `CkksScheme` and `Headroom` say.
    """

    schema = EncryptedCubicPlan

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

    def __init__(
        self,
        plan: EncryptedCubicPlan,
        limits: Limits = DEFAULT_LIMITS,
        levels: Levels = LEVELS,
        headroom: type[Headroom] = Headroom,
    ) -> None:
        scheme = CkksScheme.of(plan, levels, columns=plan.outputs, columns_inside=True, headroom=headroom)
        formulas = CubicLogistic(plan.classes, plan.outputs, plan.clip, plan.step, plan.l2)
        super().__init__(scheme, limits, formulas, CubicCircuit(plan, scheme))
