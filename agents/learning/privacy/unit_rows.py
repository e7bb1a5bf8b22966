"""Rows of norm at most 1, in whole numbers: what moments are made of."""

from __future__ import annotations

import numpy as np

from agents.learning.data.samples import FEATURE_BITS, TARGET_BITS, FloatArray, Int32Array, Int64Array
from agents.learning.privacy.sensitivity import UNIT_BITS


def unit_rows(features: Int32Array) -> Int64Array:
    """(n, d) whole numbers in units of 2^-UNIT_BITS: x / max(|x|, tau), towards zero, for tau = sqrt(d) / 2.

    Longer rows are cut to tau, and tau is their new unit. A row's squared norm is at most 4^UNIT_BITS,
    exactly.
    """
    x = features.astype(np.int64)
    squares = x * x
    longest = np.maximum(squares.sum(axis=1, keepdims=True), x.shape[1] * 4 ** (FEATURE_BITS - 1))
    quotients = (squares << 2 * UNIT_BITS) // longest
    sizes = np.sqrt(quotients.astype(np.float64)).astype(np.int64)  # exact: quotients are at most 2^24
    units: Int64Array = np.sign(x) * sizes
    return units


def with_intercept(units: Int64Array) -> FloatArray:
    """(n, d + 1) unit rows with an intercept of 1/2 after them, in the same units."""
    half = np.full((units.shape[0], 1), 2.0 ** (UNIT_BITS - 1))
    return np.hstack([units.astype(np.float64), half])


def unit_numbers(target: Int32Array) -> Int64Array:
    """(n,) targets of a regression in units of 2^-UNIT_BITS, towards zero and cut at -1 and 1."""
    limit = 1 << TARGET_BITS
    cut = np.clip(target.astype(np.int64), -limit, limit)
    numbers: Int64Array = np.sign(cut) * (np.abs(cut) >> TARGET_BITS - UNIT_BITS)
    return numbers
