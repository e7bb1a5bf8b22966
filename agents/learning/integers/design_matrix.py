"""The matrix that training and prediction multiply: rows cut to a norm, with a column for the intercept."""

from __future__ import annotations

import numpy as np

from agents.learning.data.samples import FEATURE_BITS, FloatArray, Int32Array


def design_matrix(features: Int32Array, clip: int) -> FloatArray:
    """(n, d + 1) whole numbers in units of 2^-FEATURE_BITS.

    Rows longer than `clip` are scaled down to it, towards zero, so that a row's squared norm, the
    intercept's 1 included, is at most clip^2 + 1: the bound on the curvature behind the bound on the step
    size (`plans/base.py`).
    """
    rows = features.astype(np.float64)
    limit = float(clip << FEATURE_BITS)
    norm = np.sqrt((rows * rows).sum(axis=1, keepdims=True))
    cut = np.where(norm > limit, np.trunc(rows * limit / np.maximum(norm, 1.0)), rows)
    return np.hstack([cut, np.full((rows.shape[0], 1), 2.0**FEATURE_BITS)])
