"""A network with one hidden layer, ReLU or square activation."""

from __future__ import annotations

from fractions import Fraction
from typing import Literal

import numpy as np
from pydantic import Field

from agents.learning.data.samples import FEATURE_BITS, FEATURE_LIMIT, FloatArray
from agents.learning.families.gradient_descent import Matrices, PlainFamily
from agents.learning.family import Estimator
from agents.learning.integers.fixed import PROBABILITY_BITS, RANGE_BITS, exact_matmul, saturate
from agents.learning.integers.residual import RESIDUAL_LIMIT, class_errors, value_errors
from agents.learning.integers.weights import Weights, uniform
from agents.learning.plans.base import FreeStepPlan, PenalisedPlan, PlainPlan, Plan
from agents.learning.plans.defaults import CLIP, momentum, never_early, roomy_clip, safe_step

ACTIVATION_BITS = 10
"""Hidden activations are whole numbers in units of 2^-10."""


class NetworkPlan(PlainPlan, PenalisedPlan, FreeStepPlan):
    """A network with one hidden layer."""

    family: Literal["network"] = "network"
    hidden: int = Field(ge=1, description="units of the hidden layer")
    activation: Literal["relu", "square"] = "relu"
    seed: int = Field(ge=0, lt=2**63, description="of the initial weights")

    @property
    def shapes(self) -> dict[str, tuple[int, int]]:
        """Of the hidden layer and the output layer."""
        return hidden_layer(self.features, self.hidden, self.outputs)

    def bounds(self, rows: int) -> dict[str, float]:
        """With those of the hidden layer."""
        weight, error = 2.0 ** (self.weight_bits + RANGE_BITS), float(RESIDUAL_LIMIT)
        activation = 2.0 ** (ACTIVATION_BITS + RANGE_BITS)
        hidden_error = 2.0 ** (PROBABILITY_BITS + RANGE_BITS)
        return super().bounds(rows) | {
            "the scores (hidden x weights)": (self.hidden + 1) * activation * weight,
            "the gradient (rows x hidden x errors)": rows * activation * error,
            "the gradient (rows x features x hidden errors)": rows * FEATURE_LIMIT * hidden_error,
            "the hidden errors (classes x errors x weights)": self.outputs * error * weight,
        }


class PlainNetwork(PlainFamily):
    """Cross-entropy of its outputs, or half their squared error."""

    plan: NetworkPlan
    schema = NetworkPlan

    @classmethod
    def default_plan(cls, features: int, classes: int, rounds: int, seed: int) -> NetworkPlan:
        """See `Family.default_plan`."""
        clip = CLIP if classes else roomy_clip(features)
        return NetworkPlan(
            features=features,
            classes=classes,
            local_steps=40 if classes else 20,
            step=safe_step(clip) * (4 if classes else 1),
            clip=clip,
            rounds=rounds,
            server=momentum("2", "1/2") if classes else momentum("1", "1/4"),
            stop=never_early(classes),
            hidden=32,
            seed=seed,
        )

    def initial_weights(self) -> Weights:
        """See `drawn_weights`."""
        return drawn_weights(self.plan, self.plan.seed, square=self.plan.activation == "square")

    def peer(self) -> Estimator:
        """A network of as many units."""
        return peer_network(self.plan.classes, self.plan.hidden)

    def forward(self, matrices: Matrices, rows: FloatArray) -> FloatArray:
        """See `PlainFamily.forward`."""
        return self._output(matrices, self._activate(self._sums(matrices, rows)))

    def gradients(
        self, matrices: Matrices, rows: FloatArray, goal: FloatArray
    ) -> dict[str, tuple[FloatArray, int]]:
        """See `PlainFamily.gradients`."""
        sums = self._sums(matrices, rows)
        active = self._activate(sums)
        errors = (class_errors if self.plan.classes else value_errors)(self._output(matrices, active), goal)
        back = np.rint(exact_matmul(errors, matrices["output"][:-1].T) * 2.0**-self.plan.weight_bits)
        if self.plan.activation == "relu":
            back = back * (sums > 0)
        else:
            back = np.rint(saturate(back, PROBABILITY_BITS) * sums * 2.0 ** (1 - ACTIVATION_BITS))
        hidden_errors = saturate(back, PROBABILITY_BITS)
        return {
            "hidden": (exact_matmul(rows.T, hidden_errors), FEATURE_BITS + PROBABILITY_BITS),
            "output": (exact_matmul(active.T, errors), ACTIVATION_BITS + PROBABILITY_BITS),
        }

    def _sums(self, matrices: Matrices, rows: FloatArray) -> FloatArray:
        """(n, hidden) inputs of the hidden units, in units of 2^-ACTIVATION_BITS."""
        exact = exact_matmul(rows, matrices["hidden"])
        bits = ACTIVATION_BITS - FEATURE_BITS - self.plan.weight_bits
        return saturate(np.rint(exact * 2.0**bits), ACTIVATION_BITS)

    def _activate(self, sums: FloatArray) -> FloatArray:
        """(n, hidden + 1) outputs of the hidden units and the intercept's 1, in the same units."""
        if self.plan.activation == "relu":
            active = np.maximum(sums, 0.0)
        else:
            active = saturate(np.rint(sums * sums * 2.0**-ACTIVATION_BITS), ACTIVATION_BITS)
        return np.hstack([active, np.full((sums.shape[0], 1), 2.0**ACTIVATION_BITS)])

    def _output(self, matrices: Matrices, active: FloatArray) -> FloatArray:
        """(n, outputs) in real units."""
        return exact_matmul(active, matrices["output"]) * 2.0 ** -(ACTIVATION_BITS + self.plan.weight_bits)


# --- what networks on ciphertexts have in common with it ---


def hidden_layer(features: int, hidden: int, outputs: int) -> dict[str, tuple[int, int]]:
    """The shapes of a network's two matrices, (rows, columns), each with a row for the intercept."""
    return {"hidden": (features + 1, hidden), "output": (hidden + 1, outputs)}


def drawn_weights(plan: Plan, seed: int, *, square: bool) -> Weights:
    """A network's initial weights: a uniform draw of He's width for ReLU (He et al. 2015), intercepts zero.

    Inputs of squares are drawn narrower, so that the squares are small at first. The output layer of a
    regression starts at zero.

    Args:
        plan: of a network.
        seed: of the draw.
        square: whether the hidden units square their inputs.
    """
    tensors = {name: np.zeros(shape, dtype=np.int64) for name, shape in plan.shapes.items()}
    widths = {"hidden": Fraction(6, plan.features * (8 if square else 1))}
    if plan.classes:
        widths["output"] = Fraction(6, plan.shapes["hidden"][1])
    for name, width_squared in widths.items():
        rows, columns = plan.shapes[name]
        tensors[name][:-1] = uniform(name, (rows - 1, columns), width_squared, plan.weight_bits, seed)
    return Weights(tensors, plan.weight_bits)


def peer_network(classes: int, hidden: int) -> Estimator:
    """scikit-learn's network with so many hidden units."""
    # Imported here: whoever only trains does without scikit-learn.
    from sklearn.neural_network import MLPClassifier, MLPRegressor

    kind = MLPClassifier if classes else MLPRegressor
    found: Estimator = kind(
        hidden_layer_sizes=(hidden,), alpha=1e-2, solver="lbfgs", max_iter=2_000, random_state=0
    )
    return found
