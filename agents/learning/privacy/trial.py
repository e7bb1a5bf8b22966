"""A trial on the data owner's own rows: what its promise costs, and what exposed rows give away.

It is for its owner's eyes and is not published: scores of rows are made of rows.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np

from agents.learning.data.prepare import Prepared
from agents.learning.data.samples import FEATURE_BITS, TARGET_BITS, FloatArray, Samples
from agents.learning.data.subset import SubsetNoise
from agents.learning.evaluate import score
from agents.learning.families.moments import MomentsFamily
from agents.learning.integers.aggregate import ServerState
from agents.learning.plans.noise import Noise

_PENALTY = 1.0


@dataclass(frozen=True)
class Trial:
    """Scores on rows that nobody is shown: accuracy, or R2 for a regression.

    Attributes:
        metric: ``accuracy`` or ``R2``.
        everything: of least squares on all training rows, without noise.
        exposed_rows: how many rows a model owner is shown whole.
        exposed: of the same on these rows alone; None if there are none.
        noisy: of a model from the moments with noise; None where there is none.
    """

    metric: str
    everything: float
    exposed_rows: int
    exposed: float | None = None
    noisy: float | None = None

    def to_json(self) -> str:
        """What `from_json` reads."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Trial:
        """What was kept."""
        return cls(**json.loads(text))


def try_out(
    prepared: Prepared, noise: Noise | None = None, dealt: Sequence[SubsetNoise | None] = ()
) -> Trial:
    """The trial of a dataset as it is offered.

    Args:
        prepared: its rows.
        noise: at level private.
        dealt: each subset's part of it.
    """
    train, shown, test = prepared.train, prepared.validation, prepared.test
    return Trial(
        metric="accuracy" if train.classes else "R2",
        everything=_least_squares(train, test),
        exposed_rows=len(shown),
        exposed=_least_squares(shown, test) if len(shown) else None,
        noisy=None if noise is None else _with_noise(train, test, noise, dealt),
    )


def _with_noise(train: Samples, test: Samples, noise: Noise, dealt: Sequence[SubsetNoise | None]) -> float:
    """What the model owner will make of the sum."""
    columns = train.features.shape[1]
    plan = MomentsFamily.default_plan(columns, train.classes, 1, 0).with_noise(noise)
    family = MomentsFamily(plan)
    update = family.noisy(train, dealt)
    state = family.aggregate(ServerState.initial(family.initial_weights()), update)
    return score(plan, state.weights, test)


def _least_squares(train: Samples, test: Samples) -> float:
    """With a small penalty, in the rows' own unit."""
    rows, goals = _rows(train), _goals(train)
    gram = rows.T @ rows + _PENALTY * np.eye(rows.shape[1])
    found = _rows(test) @ np.linalg.solve(gram, rows.T @ goals)
    if train.classes:
        return float((found.argmax(axis=1) == test.target).mean())
    truth = _goals(test)
    spread = float(((truth - truth.mean()) ** 2).sum())
    return 1 - float(((truth - found) ** 2).sum()) / spread if spread else 0.0


def _rows(samples: Samples) -> FloatArray:
    features = samples.features.astype(np.float64) * 2.0**-FEATURE_BITS
    return np.column_stack([features, np.ones(len(samples))])


def _goals(samples: Samples) -> FloatArray:
    if samples.classes:
        return np.eye(samples.classes)[samples.target]
    numbers: FloatArray = samples.target[:, None].astype(np.float64) * 2.0**-TARGET_BITS
    return numbers
