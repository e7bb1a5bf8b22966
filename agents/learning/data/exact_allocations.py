"""The exact decision whether both readings of the majority rule can hold, as a small integer program."""

from __future__ import annotations

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import coo_array, csr_array, eye_array, hstack, kron

from agents.learning.data.allocations import IntArray

LARGEST = 64
"""Classes times subsets up to which the program is tried; the flow rarely misses a larger split."""

NODES = 5_000
"""Branch-and-bound limit, counted rather than timed so that the answer is the same everywhere."""


def exact_counts(counts: IntArray, m: int, rng: np.random.Generator) -> IntArray | None:
    """(classes, m) shares for which both readings hold, or None: there are none, or the program is too large.

    Variables: x[c, s] rows of class c in subset s, and u[c, s] = 1 if subset s may hold class c.
    """
    classes, cells = counts.size, counts.size * m
    if cells > LARGEST or 2 * counts.max() > counts.sum():
        return None
    by_class, by_subset = kron(eye_array(classes), np.ones((1, m))), kron(np.ones((1, classes)), eye_array(m))
    none, identity = coo_array((m, cells)), eye_array(cells)
    others = kron(np.ones((classes, 1)), eye_array(m)) @ by_subset
    caps = np.repeat(counts // 2, m)
    constraints = [
        LinearConstraint(_wide(by_class, coo_array((classes, cells))), counts, counts),
        LinearConstraint(_wide(by_subset, none), 1, np.inf),
        LinearConstraint(_wide(none, by_subset), 0, classes - 1),
        LinearConstraint(_wide(identity, -1.0 * identity.multiply(caps[:, None])), -np.inf, 0),
        LinearConstraint(_wide(2.0 * identity - others, coo_array((cells, cells))), -np.inf, 0),
    ]
    bounds = Bounds(0, np.concatenate([caps, np.ones(cells)]))
    objective = rng.uniform(-1.0, 1.0, 2 * cells)
    solved = milp(
        objective,
        constraints=constraints,
        bounds=bounds,
        integrality=np.ones(2 * cells),
        options={"node_limit": NODES},
    )
    if solved.x is None:
        return None
    shares: IntArray = np.rint(solved.x[:cells]).astype(np.int64).reshape(classes, m)
    return shares


def _wide(left: coo_array, right: coo_array) -> csr_array:
    return csr_array(hstack([left, right]))
