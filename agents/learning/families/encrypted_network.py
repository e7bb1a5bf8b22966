"""A network with one hidden layer whose units square (`square_network.py`), on CKKS.

A step costs products five deep: sums of the hidden units (one prime, of the data), their squares, outputs,
errors times activations and errors times slopes (a prime each), and the gradient of the hidden layer, which
shares its three primes with the result. With degree 16384 and primes of 60, 60, 30, 58, 58, 58, 48 and 60
bits the noise of a result for 240 rows is bounded by 2^-29 in units of rows times weight, 26 bits below the
flood, and a sum's statistical distance from one that tells nothing by 2^-19 (`headroom.py`).

The hidden units are the columns of the layout, with each unit's rows side by side, so that a sum over the
units is a cyclic one. All features take part, without a projection: a layout of more diagonals has room for
wide data, as long as rows, features and units fit the slots (`slot_layout.py`). 64 features of 240 rows for 7
units do; 1,500 features do not, and such a plan is refused. Each output has products and a ciphertext of its
own: ten classes cost nearly ten times as much as one output.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from math import sqrt
from typing import Literal

import numpy as np
from pydantic import Field

from agents.core.errors import BadPlan
from agents.learning.data.samples import FloatArray
from agents.learning.families.network import drawn_weights, hidden_layer, peer_network
from agents.learning.families.square_network import (
    SLOPE_LIMIT,
    SUM_LIMIT,
    SquareNetwork,
)
from agents.learning.family import Estimator
from agents.learning.he.ckks import noise
from agents.learning.he.ckks.arithmetic import Arithmetic
from agents.learning.he.ckks.circuit import EncodedSubset, ResultBounds
from agents.learning.he.ckks.encoder import encode
from agents.learning.he.ckks.family import ApproximateFamily
from agents.learning.he.ckks.headroom import Headroom
from agents.learning.he.ckks.levels import Levels
from agents.learning.he.ckks.model import RealMatrices
from agents.learning.he.ckks.result_slots import ResultSlots
from agents.learning.he.ckks.scheme import CkksScheme
from agents.learning.he.ckks.step_noise import StepNoise
from agents.learning.he.plaintexts import constant, multiplier
from agents.learning.he.seal import Ciphertext, Plaintext
from agents.learning.integers.weights import Weights
from agents.learning.plans.base import FreeStepPlan
from agents.learning.plans.defaults import ROWS, momentum, never_early, safe_step
from agents.learning.plans.encrypted import ApproximatePlan, Encryption
from agents.learning.plans.limits import DEFAULT_LIMITS, Limits

LEVELS = Levels(depth=4, left=3, gradient_bits=48)

TARGET_SHIFT = 12
"""Targets are encoded at a scale that is smaller by so many bits, then multiplied in whole numbers."""


class EncryptedNetworkPlan(ApproximatePlan, FreeStepPlan):
    """A network with one hidden layer, whose units square, and least squares. Approximate."""

    family: Literal["encrypted-network"] = "encrypted-network"
    hidden: int = Field(ge=1, description="units of the hidden layer")
    seed: int = Field(ge=0, lt=2**63, description="of the initial weights")

    @property
    def shapes(self) -> dict[str, tuple[int, int]]:
        """Of the hidden layer and the output layer."""
        return hidden_layer(self.features, self.hidden, self.outputs)


@dataclass(frozen=True)
class NetworkCircuit:
    """See `StepCircuit`.

    Attributes:
        plan: of the family.
        scheme: with a column for each hidden unit, and for the one that is always 1.
        formulas: with the limits of its numbers.
    """

    plan: EncryptedNetworkPlan
    scheme: CkksScheme
    formulas: SquareNetwork
    forward_factor = 1.0

    @property
    def backward_factor(self) -> Fraction:
        """A square's slope is twice the sum."""
        return -2 * self.plan.step

    @property
    def input_count(self) -> int:
        """The hidden layer, and each output."""
        return 1 + self.plan.outputs

    @cached_property
    def results(self) -> ResultSlots:
        """The first ciphertext has the hidden layer's change, each other one that of an output."""
        layout = self.scheme.layout
        hidden = layout.weight_slots(self.plan.features + 1, self.plan.hidden)
        output = layout.column_slots(self.plan.hidden + 1)[:, None]
        outputs = [(1 + index, output) for index in range(self.plan.outputs)]
        matrices = {"hidden": [(0, hidden)], "output": outputs}
        return ResultSlots(layout.slots, self.scheme.row_count, matrices)

    @property
    def rotations(self) -> tuple[int, ...]:
        """Of both products with data, and of the sums over units and over rows."""
        layout = self.scheme.layout
        forward = (*layout.diagonal_rotations, *layout.block_sums, *layout.column_sums)
        return (*forward, *layout.row_sums, *layout.all_row_sums)

    def spread(self, matrices: RealMatrices) -> list[FloatArray]:
        """The hidden layer's weights with those of the unit that is always 1, and each output's."""
        ones = np.zeros((self.plan.features + 1, 1))
        ones[-1] = 1.0
        layout = self.scheme.layout
        hidden = layout.spread(np.hstack([matrices["hidden"], ones]))
        return [hidden, *(layout.spread_columns(output) for output in matrices["output"].T)]

    def evaluate(
        self, arithmetic: Arithmetic, weights: list[Ciphertext], data: EncodedSubset
    ) -> list[Ciphertext]:
        """The gradients' ciphertexts: the hidden layer's, and each output's."""
        evaluator, layout = arithmetic.context.evaluator, self.scheme.layout
        sums = arithmetic.times_data(weights[0], data.forward, rescale=True)
        sums = arithmetic.summed(sums, layout.block_sums)
        active = arithmetic.product(sums, sums)
        level = active.coeff_modulus_size()
        sums, lowered = arithmetic.lowered(sums, level), arithmetic.lowered(active, level - 1)
        step, backward, changes = self._step(), [], []
        for output, encrypted in enumerate(weights[1:]):
            factors = arithmetic.lowered(encrypted, level)
            errors = arithmetic.summed(arithmetic.product(active, factors), layout.column_sums)
            evaluator.sub_plain_inplace(errors, self._targets(data, output, errors))
            backward.append(arithmetic.product(errors, arithmetic.product(sums, factors)))
            change = arithmetic.product(errors, lowered)
            evaluator.multiply_plain_inplace(change, step)
            changes.append(arithmetic.summed(change, layout.all_row_sums))
        hidden = arithmetic.times_data(arithmetic.total(backward), data.backward, rescale=False)
        return [arithmetic.summed(hidden, layout.row_sums), *changes]

    def _step(self) -> Plaintext:
        """What the outputs' gradients are multiplied by."""
        levels, factor = self.scheme.levels, 2.0**self.scheme.levels.gradient_bits
        return constant(self.scheme.context, -round(self.plan.step * int(factor)), levels.left, factor)

    def _targets(self, data: EncodedSubset, output: int, errors: Ciphertext) -> Plaintext:
        """What is subtracted from an output: encoded at a small scale and multiplied by a power of two."""

        def encoded() -> Plaintext:
            targets = self.scheme.layout.spread_rows(data.targets[:, output])
            whole = encode(targets, errors.scale / 2.0**TARGET_SHIFT) << TARGET_SHIFT
            return multiplier(self.scheme.context, whole, errors.coeff_modulus_size(), errors.scale)

        return data.once(f"targets {output}", encoded)

    @cached_property
    def bounds(self) -> ResultBounds:
        """For weights within the formulas' limits.

        A unit's weight in an output times its square is at most SUM_LIMIT times its slope.
        """
        plan, primes, limit = self.plan, len(self.scheme.context.primes), self.formulas.error_limit
        step = StepNoise(self.scheme, self.forward_factor, self.backward_factor)
        sums = step.forward(SUM_LIMIT / step.row_norm)
        active = noise.combined(2 * SUM_LIMIT * sums, step.product(primes - 2))
        errors = self._error_noise(step, sums)
        slopes = noise.combined(SLOPE_LIMIT * sums, SUM_LIMIT * step.fresh, step.product(primes - 3))
        last = step.product(primes - 4)
        back = noise.combined(SLOPE_LIMIT * errors, limit * slopes, last)
        changes = noise.combined(SUM_LIMIT**2 * errors, limit * active, last)
        outputs = sqrt(plan.outputs)
        hidden = 2 * step.feature_limit * limit * SLOPE_LIMIT * plan.outputs
        return ResultBounds(
            noise=max(
                step.backward(outputs * limit * SLOPE_LIMIT, outputs * back),
                float(plan.step) * sqrt(plan.rows) * changes,
            ),
            largest=float(plan.step) * plan.rows * max(hidden, limit * SUM_LIMIT**2),
        )

    def _error_noise(self, step: StepNoise, sums: float) -> float:
        """Of the outputs less their targets, for sums of this noise."""
        context, units = self.scheme.context, self.plan.hidden + 1
        weighted = noise.combined(2 * SLOPE_LIMIT * sums, SUM_LIMIT**2 * step.fresh)
        targets = noise.encoding(context) * 2.0**TARGET_SHIFT / self.scheme.scale
        product = step.product(len(context.primes) - 3)
        return noise.combined(sqrt(units) * weighted, sqrt(units) * product, targets)


class EncryptedNetwork(ApproximateFamily):
    """The plan `encrypted-network`.

    Args:
        plan: checked against its schema.
        limits: what the agent is ready to work on.
        levels: of the circuit, with other scales for tests in small rings.
        headroom: another kind of headroom, likewise.

    Raises:
        BadPlan: as `CkksScheme` and `Headroom` say.
    """

    plan: EncryptedNetworkPlan
    schema = EncryptedNetworkPlan

    @classmethod
    def default_plan(cls, features: int, classes: int, rounds: int, seed: int) -> EncryptedNetworkPlan:
        """See `Family.default_plan`.

        As for `EncryptedCubic`, with room for the units' margins and for the intercept's unit. More outputs
        than one are possible, but not within the bounds that keep the noise hidden.
        """
        if classes > 2:
            raise BadPlan(
                "no default plan for an encrypted network of over two classes: choose encrypted-cubic"
            )
        return EncryptedNetworkPlan(
            features=features,
            classes=classes,
            rows=ROWS - 16,
            local_steps=1,
            step=safe_step(2),
            clip=2,
            rounds=rounds,
            server=momentum("1", "3/4"),
            stop=never_early(classes),
            hidden=7,
            seed=seed,
            encryption=Encryption(degree=16384, primes=(60, 60, 30, 58, 58, 58, 48, 60), scale_bits=58),
        )

    def initial_weights(self) -> Weights:
        """See `drawn_weights`."""
        return drawn_weights(self.plan, self.plan.seed, square=True)

    def peer(self) -> Estimator:
        """A network of as many units."""
        return peer_network(self.plan.classes, self.plan.hidden)

    def __init__(
        self,
        plan: EncryptedNetworkPlan,
        limits: Limits = DEFAULT_LIMITS,
        levels: Levels = LEVELS,
        headroom: type[Headroom] = Headroom,
    ) -> None:
        columns = plan.hidden + 1
        scheme = CkksScheme.of(plan, levels, columns=columns, columns_inside=False, headroom=headroom)
        formulas = SquareNetwork(plan.classes, plan.outputs, plan.clip, plan.step)
        super().__init__(scheme, limits, formulas, NetworkCircuit(plan, scheme, formulas))
