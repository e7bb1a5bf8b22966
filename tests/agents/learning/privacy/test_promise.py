"""What epsilon and delta promise, tried: whoever knows all rows but one guesses which of two that one is.

The two are as far apart as rows can be, the guess is the best there is (the likelihood of what was released),
and the noise is that of a dataset at epsilon 4. Rho alone says how often the best guess is right.

Rules: N1, N3, N6.
"""

from __future__ import annotations

from math import sqrt
from statistics import NormalDist

import numpy as np
import pytest

from agents.learning.data.samples import FEATURE_LIMIT, Samples
from agents.learning.privacy.accounting import rho_for, variance_for
from agents.learning.privacy.discrete_gaussian import discrete_gaussians
from agents.learning.privacy.moments import MomentsForm
from agents.learning.privacy.offer import SUMMARY_SHARE
from agents.learning.privacy.sensitivity import moments_squared

TRIES = 4_000
AT_RIGHT_ANGLES = ([1, 0], [0, 1])


def guessed_right(rows: tuple[list[int], list[int]], classes: tuple[int, int]) -> tuple[float, float]:
    """How often the best guess is right, and how often the budget allows it to be."""
    form, share = MomentsForm(2, 2), (1 - SUMMARY_SHARE) * rho_for(4, 1e-5)
    variance = variance_for(moments_squared(2), share)
    one, other = (
        form.of(Samples(FEATURE_LIMIT * np.array([row], np.int32), np.array([label], np.int32), 2))
        for row, label in zip(rows, classes, strict=True)
    )
    variances = np.array(form.variances(variance), dtype=float)
    noise = discrete_gaussians(bytes(32), b"the promise", form.variances(variance) * TRIES)
    released = one + noise.reshape(TRIES, form.size)
    nearer = ((released - other) ** 2.0 - (released - one) ** 2.0) / variances
    return float((nearer.sum(axis=1) > 0).mean()), NormalDist().cdf(sqrt(float(share) / 2))


def test_the_best_guess_between_the_worst_two_rows_is_right_as_often_as_the_budget_says() -> None:
    found, allowed = guessed_right(AT_RIGHT_ANGLES, (0, 1))
    assert found == pytest.approx(allowed, abs=4 * 0.5 / sqrt(TRIES))
    assert allowed < 0.667


def test_between_rows_that_are_nearer_it_is_right_less_often() -> None:
    found, allowed = guessed_right(AT_RIGHT_ANGLES, (0, 0))
    assert 0.5 < found < allowed
