"""A network with one hidden layer whose units square, trained by least squares, on CKKS.

Outputs are o = W2' (W1' x)^2, the goals -1 and 1 for classes (or the target of a regression), the gradients
those of half the squared error. One more unit, whose weights are fixed so that it is always 1, carries the
intercept of the output layer.

A step costs products five deep: sums of the hidden units (one prime, of the data), their squares, outputs,
errors times activations and errors times slopes (a prime each), and the gradient of the hidden layer, which
shares its three primes with the result. With degree 16384 and primes of 60, 60, 30, 58, 58, 58, 48 and 60
bits the noise of a result for 240 rows is bounded by 2^-29 in units of rows times weight, 26 bits below the
flood, and a sum's statistical distance from one that tells nothing by 2^-19 (`approximate.py`).

The hidden units are the columns of the layout, with each unit's rows side by side, so that a sum over the
units goes round in a circle. All features take part, without a projection: a layout of more diagonals has
room for wide data, as long as rows, features and units fit the slots (`layout.py`). 64 features of 240 rows
for 7 units do; 1,500 features do not, and such a plan is refused. Each output has products and a ciphertext
of its own: ten classes cost nearly ten times as much as one output.
"""

from __future__ import annotations

from fractions import Fraction
from math import sqrt
from typing import Literal

import numpy as np
from pydantic import Field

from agents.core.errors import BadPlan
from agents.learning.data.samples import TARGET_BITS, TARGET_LIMIT, FloatArray, Int64Array, Samples
from agents.learning.families.network import drawn_weights, hidden_layer, peer_network
from agents.learning.family import Estimator
from agents.learning.he import noise
from agents.learning.he.circuit import Circuit
from agents.learning.he.ckks import (
    ApproximateFamily,
    EncodedSubset,
    real,
)
from agents.learning.he.encoder import encode
from agents.learning.he.seal import Ciphertext, Plaintext
from agents.learning.integers.weights import Weights
from agents.learning.plans.base import FreeStepPlan
from agents.learning.plans.defaults import ROWS, momentum, never_early, safe_step
from agents.learning.plans.encrypted import ApproximatePlan, Encryption
from agents.learning.plans.limits import check_fit

SUM_LIMIT = 4.0
"""No row of the plan's norm may give a hidden unit a larger sum ..."""

SLOPE_LIMIT = 4.0
"""... nor may such a sum, times a weight that its unit has in an output, be larger ..."""

OUTPUT_LIMIT = 20.0
"""... nor an output, were all its units at their own limits."""

GOAL_SHIFT = 12
"""Goals are encoded at a scale that is smaller by so many bits, then multiplied in whole numbers."""


class EncryptedNetworkPlan(ApproximatePlan, FreeStepPlan):
    """A network with one hidden layer, whose units square, and least squares. Approximate."""

    family: Literal["encrypted-network"] = "encrypted-network"
    hidden: int = Field(ge=1, description="units of the hidden layer")
    seed: int = Field(ge=0, lt=2**63, description="of the initial weights")

    @property
    def shapes(self) -> dict[str, tuple[int, int]]:
        """Of the hidden layer and the output layer."""
        return hidden_layer(self.features, self.hidden, self.outputs)


class EncryptedNetwork(ApproximateFamily):
    """A network of squares; see the module."""

    plan: EncryptedNetworkPlan
    schema = EncryptedNetworkPlan
    depth = 4
    left = 3
    gradient_bits = 48
    columns_inside = False

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

    def scores(self, weights: Weights, samples: Samples) -> FloatArray:
        """See `Family.scores`: of two classes, the one's score is the other's negative."""
        check_fit(self.plan, samples, self.limits)
        matrices = real(weights)
        _, active = self._hidden(matrices, self._rows(samples))
        found: FloatArray = active @ matrices["output"]
        return np.hstack([-found, found]) if self.plan.classes == 2 else found

    def _columns(self) -> int:
        return self.plan.hidden + 1

    def _places(self) -> dict[str, list[tuple[int, Int64Array]]]:
        """The first ciphertext has the hidden layer's change, each other one that of an output."""
        hidden = self.layout.weight_slots(self.plan.features + 1, self.plan.hidden)
        output = self.layout.column_slots(self.plan.hidden + 1)[:, None]
        return {
            "hidden": [(0, hidden)],
            "output": [(1 + index, output) for index in range(self.plan.outputs)],
        }

    def _turns(self) -> tuple[int, ...]:
        layout = self.layout
        forward = (*layout.diagonal_turns, *layout.block_sums, *layout.column_sums)
        return (*forward, *layout.row_sums, *layout.all_row_sums)

    def _check_range(self, matrices: dict[str, FloatArray]) -> None:
        sums = self._row_norm * np.sqrt((matrices["hidden"] ** 2).sum(axis=0))
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

    def _input_count(self) -> int:
        return 1 + self.plan.outputs

    def _inputs(self, matrices: dict[str, FloatArray]) -> list[FloatArray]:
        """The hidden layer's weights with those of the unit that is always 1, and each output's."""
        constant = np.zeros((self.plan.features + 1, 1))
        constant[-1] = 1.0
        hidden = self.layout.spread(np.hstack([matrices["hidden"], constant]))
        return [hidden, *(self.layout.spread_columns(output) for output in matrices["output"].T)]

    def _evaluate(
        self, circuit: Circuit, inputs: list[Ciphertext], prepared: EncodedSubset
    ) -> list[Ciphertext]:
        evaluator, layout = self.context.evaluator, self.layout
        sums = circuit.times_data(inputs[0], prepared.forward, rescale=True)
        sums = circuit.summed(sums, layout.block_sums)
        active = circuit.product(sums, sums)
        level = active.coeff_modulus_size()
        sums, lowered = circuit.lowered(sums, level), circuit.lowered(active, level - 1)
        factor = 2.0**self.gradient_bits
        step = self.context.constant(-round(self.plan.step * int(factor)), self.left, factor)
        backward, changes = [], []
        for output, weights in enumerate(inputs[1:]):
            factors = circuit.lowered(weights, level)
            errors = circuit.summed(circuit.product(active, factors), layout.column_sums)
            evaluator.sub_plain_inplace(errors, self._goal(prepared, output, errors))
            backward.append(circuit.product(errors, circuit.product(sums, factors)))
            change = circuit.product(errors, lowered)
            evaluator.multiply_plain_inplace(change, step)
            changes.append(circuit.summed(change, layout.all_row_sums))
        hidden = circuit.times_data(circuit.total(backward), prepared.backward, rescale=False)
        return [circuit.summed(hidden, layout.row_sums), *changes]

    def _goal(self, prepared: EncodedSubset, output: int, errors: Ciphertext) -> Plaintext:
        """What is subtracted from an output: encoded at a small scale and multiplied by a power of two."""
        name, primes, scale = f"goal {output}", errors.coeff_modulus_size(), errors.scale
        if name not in prepared.encoded:
            goals = self.layout.spread_rows(prepared.goals[:, output])
            whole = encode(goals, scale / 2.0**GOAL_SHIFT) << GOAL_SHIFT
            prepared.encoded[name] = self.context.multiplier(whole, primes, scale)
        return prepared.encoded[name]

    def _goals(self, samples: Samples) -> FloatArray:
        if not self.plan.classes:
            values: FloatArray = samples.target.astype(np.float64)[:, None] * 2.0**-TARGET_BITS
            return values
        if self.plan.outputs == 1:
            return 2.0 * samples.target.astype(np.float64)[:, None] - 1.0
        signs: FloatArray = 2.0 * np.eye(self.plan.classes)[samples.target] - 1.0
        return signs

    def _hidden(self, matrices: dict[str, FloatArray], rows: FloatArray) -> tuple[FloatArray, FloatArray]:
        """(n, hidden) sums and (n, hidden + 1) activations, the intercept's 1 included."""
        sums: FloatArray = rows @ matrices["hidden"]
        return sums, np.hstack([sums * sums, np.ones((len(rows), 1))])

    def _change(
        self, matrices: dict[str, FloatArray], rows: FloatArray, goals: FloatArray
    ) -> dict[str, FloatArray]:
        sums, active = self._hidden(matrices, rows)
        errors = active @ matrices["output"] - goals
        back = 2.0 * sums * (errors @ matrices["output"][:-1].T)
        step = -float(self.plan.step)
        return {"hidden": step * (rows.T @ back), "output": step * (active.T @ errors)}

    def _forward_factor(self) -> float:
        return 1.0

    def _backward_factor(self) -> Fraction:
        return -2 * self.plan.step

    @property
    def _error_limit(self) -> float:
        return OUTPUT_LIMIT + (1.0 if self.plan.classes else TARGET_LIMIT * 2.0**-TARGET_BITS)

    def _noise(self) -> float:
        """A unit's weight in an output times its square is at most SUM_LIMIT times its slope."""
        primes, units = len(self.context.primes), self.plan.hidden + 1
        fresh = noise.fresh(self.context) / self.scale
        sums = self._forward_noise(SUM_LIMIT / self._row_norm)
        active = noise.together(2 * SUM_LIMIT * sums, self._product_noise(primes - 2))
        weighted = noise.together(2 * SLOPE_LIMIT * sums, SUM_LIMIT**2 * fresh)
        goals = noise.encoding(self.context) * 2.0**GOAL_SHIFT / self.scale
        errors = noise.together(sqrt(units) * weighted, sqrt(units) * self._product_noise(primes - 3), goals)
        slopes = noise.together(SLOPE_LIMIT * sums, SUM_LIMIT * fresh, self._product_noise(primes - 3))
        last = self._product_noise(primes - 4)
        back = noise.together(SLOPE_LIMIT * errors, self._error_limit * slopes, last)
        changes = noise.together(SUM_LIMIT**2 * errors, self._error_limit * active, last)
        outputs = sqrt(self.plan.outputs)
        return max(
            self._backward_noise(outputs * self._error_limit * SLOPE_LIMIT, outputs * back),
            float(self.plan.step) * sqrt(self.plan.rows) * changes,
        )

    def _largest(self) -> float:
        hidden = 2 * self._feature_limit * self._error_limit * SLOPE_LIMIT * self.plan.outputs
        return float(self.plan.step) * self.plan.rows * max(hidden, self._error_limit * SUM_LIMIT**2)
