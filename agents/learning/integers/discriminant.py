"""Scores of classes from a least-squares fit of their indicators: linear discriminants.

The largest output of such a fit is a poor guess: a class between two others is never the largest. But what
the fit leaves of a row is all that a linear discriminant needs of it, and means and scatter of the outputs in
each class follow from the pooled moments that the fit was made of. So the scores are log-probabilities up to
a constant, for classes of a normal form with one covariance, as frequent as in the data, or all alike.

Source: Hastie, Tibshirani and Buja 1994 (flexible discriminant analysis by optimal scoring).
"""

from __future__ import annotations

import numpy as np

from agents.learning.data.samples import FloatArray
from agents.learning.integers.pooled import Pooled, Solution

_FLAT = 1e-6
"""Directions with so small a share of the largest scatter tell no classes apart."""


def discriminant(pooled: Pooled, fit: Solution) -> FloatArray:
    """(p, classes) weights whose scores are log-probabilities, up to a constant for each row.

    Args:
        pooled: with the goals of the classes' indicators.
        fit: of these.
    """
    plan, rows = pooled.plan, pooled.rows
    slope, centre = float(plan.slope), float(plan.centre)
    products = pooled.goals / float(plan.step)
    counts = np.maximum(products[-1] + centre * rows, 1.0)
    shares = counts / counts.sum()
    # The outputs of a row add up to the same for all rows: that tells no classes apart.
    centred = np.eye(plan.classes) - 1 / plan.classes
    weights, images = fit.weights @ centred, fit.images @ centred
    # The mean of a fit with an intercept is that of its targets.
    mean = centred @ ((shares - centre) / slope)
    means = (weights.T @ products + centre * rows * mean[:, None]) / counts
    penalty = np.full((len(weights), 1), float(plan.decay / plan.slope) * rows)
    penalty[-1] = 0.0
    total = weights.T @ (images - penalty * weights) / rows
    within = (total + total.T) / 2 - (means * shares) @ means.T
    values, vectors = np.linalg.eigh(within)
    apart = values > _FLAT * max(float(np.trace(total)), _FLAT)
    inverse = (vectors[:, apart] / values[apart]) @ vectors[:, apart].T
    mixing = inverse @ means
    priors = np.full_like(shares, 1 / len(shares)) if plan.readout == "balanced" else shares
    scores: FloatArray = weights @ mixing
    scores[-1] += np.log(priors) - (means * mixing).sum(axis=0) / 2
    return scores
