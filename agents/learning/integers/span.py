"""Least squares from sums that show the pooled moments: the model owner asks, and solves what it knows.

It need not send its model to learn from a sum (`pooled.py`): it sends directions, several columns at a time,
and keeps each with its image under the pooled matrix. The model is the best one in the span of all directions
so far: the optimum once they span the space, and close to it long before, since each is a part of what is
left of the gradient, and the span holds a Krylov space: conjugate gradients, many directions at a time.

Sources: Hestenes and Stiefel 1952; O'Leary 1980 for blocks; Grigori and Tissot 2019 for gradients in parts.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from agents.learning.data.samples import FloatArray, Int64Array
from agents.learning.integers.aggregate import ServerState
from agents.learning.integers.discriminant import discriminant
from agents.learning.integers.fixed import RANGE_BITS
from agents.learning.integers.pooled import (
    DIRECTIONS,
    GOALS,
    IMAGES,
    LENGTH_BITS,
    ROWS,
    Pooled,
    Solution,
)
from agents.learning.integers.update import Update
from agents.learning.integers.weights import Weights
from agents.learning.plans.encrypted import ExactPlan

ASKED = "asked"
"""The tensor of what the cloud owners are given next."""

_NEW = 1e-3
"""A direction is new if so much of its length is outside the span."""

_RANGE_USED = 0.99
"""Larger scores are made smaller, all alike: which is the largest stays the same."""


@dataclass(frozen=True)
class Span:
    """The aggregation of plans with the strategy ``span``.

    Attributes:
        plan: of one local step.
    """

    plan: ExactPlan

    def initial(self, weights: Weights) -> ServerState:
        """The state before the first round, of a model of zeros.

        Zeros are asked for the targets' part of the sum; directions in the columns that this leaves.
        """
        width, first = self.plan.shapes["output"][0], self._zeros
        axes = np.eye(width)[:, ::-1]
        chosen = _new(np.zeros((width, 0)), axes.T, self.plan.columns - first)
        still = ServerState.initial(weights)
        return ServerState(still.weights, still.velocity, {ASKED: self._question(chosen, first)})

    def aggregate(self, state: ServerState, update: Update) -> ServerState:
        """The best model of all that is known with this sum, and what is asked next."""
        before = self._known(state)
        known = self._with(before, state.memory[ASKED], update)
        fit = known.solved()
        found = discriminant(known, fit) if self.plan.classes and self._tells_classes else fit.weights
        chosen = _new(known.directions, self._promising(fit), self.plan.columns)
        gained = fit.energy - (before.solved().energy if before else 0.0)
        whole = not chosen.shape[1]
        return ServerState(
            self._rounded(found),
            state.velocity,
            {**known.tensors, ASKED: self._question(chosen, 0)},
            gain=0.0 if whole else gained / fit.energy if fit.energy > 0 else 1.0,
        )

    @property
    def _zeros(self) -> int:
        """Columns of the first question that are zeros: those of all outputs.

        Where the targets of two classes are each other's negatives, one of them tells both.
        """
        mirrored = self.plan.classes == 2 and self.plan.centre == Fraction(1, 2)
        return 1 if mirrored else self.plan.outputs

    @property
    def _tells_classes(self) -> bool:
        return self.plan.readout != "outputs"

    def _known(self, state: ServerState) -> Pooled | None:
        return Pooled(self.plan, state.memory) if GOALS in state.memory else None

    def _with(self, before: Pooled | None, asked: Int64Array, update: Update) -> Pooled:
        """What is known after one more sum."""
        change, outputs = update.change["output"], self.plan.outputs
        if before is None:
            goals, first = change[:, : self._zeros], self._zeros
            goals = goals if first == outputs else np.hstack([goals, -goals])
            directions, images = asked[:, :0], change[:, :0]
        else:
            goals, first = before.tensors[GOALS], 0
            directions, images = before.tensors[DIRECTIONS], before.tensors[IMAGES]
        shown = change.copy()
        shown[:, :outputs] -= goals
        new = [column for column in range(first, asked.shape[1]) if asked[:, column].any()]
        return Pooled(
            self.plan,
            {
                GOALS: np.ascontiguousarray(goals),
                DIRECTIONS: np.hstack([directions, asked[:, new]]),
                IMAGES: np.hstack([images, shown[:, new]]),
                ROWS: np.array([update.samples], dtype=np.int64),
            },
        )

    def _promising(self, fit: Solution) -> Iterator[FloatArray]:
        """Directions to ask next, (p,) each: the intercept, the gradient in parts, then single weights."""
        width, outputs = fit.left.shape
        axes = np.eye(width)
        yield axes[-1]
        parts = max(1, self.plan.columns // max(1, outputs - (outputs > 1)))
        place = np.arange(width) % parts
        for part in range(parts):
            for column in fit.left.T:
                yield np.where(place == part, column, 0.0)
        for index in np.argsort(-np.abs(fit.left).max(axis=1), kind="stable"):
            yield axes[index]

    def _question(self, chosen: FloatArray, first: int) -> Int64Array:
        """(p, columns) directions on the grid of weights, from column `first` on, zeros elsewhere."""
        asked = np.zeros((self.plan.shapes["output"][0], self.plan.columns), dtype=np.int64)
        scale = 2.0 ** (self.plan.weight_bits + LENGTH_BITS)
        asked[:, first : first + chosen.shape[1]] = np.rint(chosen * scale).astype(np.int64)
        return asked

    def _rounded(self, model: FloatArray) -> Weights:
        limit = _RANGE_USED * 2**RANGE_BITS
        most = float(np.abs(model).max())
        shrunk = model * (limit / most) if self.plan.classes and most > limit else model
        grid = np.rint(np.clip(shrunk, -limit, limit) * 2.0**self.plan.weight_bits)
        return Weights({"output": grid.astype(np.int64)}, self.plan.weight_bits)


def _new(span: FloatArray, candidates: Iterator[FloatArray] | FloatArray, most: int) -> FloatArray:
    """(p, up to most) orthonormal directions outside a span, of the first candidates that reach out of it."""
    basis = np.linalg.qr(span)[0]
    found: list[FloatArray] = []
    for candidate in candidates:
        if len(found) == most or basis.shape[1] == len(basis):
            break
        length = float(np.linalg.norm(candidate))
        rest = candidate - basis @ (basis.T @ candidate)
        rest -= basis @ (basis.T @ rest)
        outside = float(np.linalg.norm(rest))
        if length > 0 and outside > _NEW * length:
            found.append(rest / outside)
            basis = np.hstack([basis, found[-1][:, None]])
    return np.stack(found, axis=1) if found else np.zeros((len(span), 0))
