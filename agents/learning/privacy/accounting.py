"""Accounts of privacy, in rho of zero-concentrated differential privacy.

Noise of variance v on a whole number that one person changes by at most c costs rho = c^2 / (2 v). The costs
of several numbers add up, and of several releases too, whatever was chosen after seeing the earlier ones
(Bun and Steinke 2016; for the discrete Gaussian, Canonne, Kamath and Steinke 2020). An epsilon and a delta
are what a rho comes to in the end, and are worked out once, from the sum.

Who releases something works in whole numbers and fractions only: a budget is a fraction, a variance an
even whole number. The conversions to and from epsilon are for the data owner, who chooses a budget, and for
readers.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import exp, log, log1p, sqrt

from agents.core.errors import BadInput

LEAST_DELTA_DIGITS = 5
"""Delta is 10^-5 or less."""

RHO_UNIT = 10**6
"""Budgets are whole millionths."""


@dataclass(frozen=True)
class Release:
    """Numbers that are shown with noise.

    Attributes:
        name: for messages.
        sensitivity_squared: the most that another row in the place of one can change them: the sum of the
            squared changes, where a change counts twice if its noise has half the variance.
        variance: of the noise.
    """

    name: str
    sensitivity_squared: Fraction
    variance: int

    @property
    def rho(self) -> Fraction:
        """What it costs."""
        return self.sensitivity_squared / (2 * self.variance)


@dataclass(frozen=True)
class Account:
    """A budget for the lifetime of some people's data, and what was spent of it.

    Attributes:
        budget: rho.
        releases: so far.
    """

    budget: Fraction
    releases: tuple[Release, ...] = ()

    @property
    def spent(self) -> Fraction:
        """The rho of all releases together."""
        return sum((release.rho for release in self.releases), Fraction(0))

    def after(self, release: Release) -> Account:
        """The account after one more release.

        Raises:
            BadInput: the budget does not last.
        """
        if self.spent + release.rho > self.budget:
            raise BadInput(
                f"{release.name} would cost rho {float(release.rho):.4f}, and of {float(self.budget):.4f}"
                f" only {float(self.budget - self.spent):.4f} are left: add more noise, or do without"
            )
        return Account(self.budget, (*self.releases, release))


def variance_for(sensitivity_squared: Fraction, rho: Fraction) -> int:
    """The least even whole number that costs at most rho as a variance."""
    halves = sensitivity_squared / (4 * rho)
    return 2 * max(1, -(-halves.numerator // halves.denominator))


def delta_digits(rows: int) -> int:
    """The digits of delta for a dataset of so many rows: delta is 10^-digits.

    It is the largest power of ten that is at most 1 / (100 rows), and at most 10^-5. A delta of 1 / rows
    would allow to show a person's row whole to everybody.
    """
    return max(LEAST_DELTA_DIGITS, len(str(100 * rows - 1)))


def delta_of(rho: float, epsilon: float) -> float:
    """The least delta for which rho is (epsilon, delta)-differential privacy.

    The minimum over orders a > 1 of exp((a - 1) (a rho - epsilon)) / (a - 1) (1 - 1/a)^a: Canonne, Kamath and
    Steinke 2020, corollary 13. Its logarithm has a single minimum, which is bisected.
    """
    low, high = log(1e-9), log(1e9)  # of a - 1
    while high - low > 1e-13:
        middle = (low + high) / 2
        order = 1 + exp(middle)
        if (2 * order - 1) * rho - epsilon + log1p(-1 / order) > 0:
            high = middle
        else:
            low = middle
    beyond = exp(low)
    exponent = beyond * ((1 + beyond) * rho - epsilon) + _log_rest(beyond)
    return exp(min(exponent, 0.0))


def epsilon_of(rho: float, delta: float) -> float:
    """The least epsilon for which rho is (epsilon, delta)-differential privacy.

    Raises:
        BadInput: rho or delta is not above 0, or delta is not under 1.
    """
    _check(rho, delta)
    low, high = 0.0, rho + 2 * sqrt(rho * log(1 / delta))  # the simple conversion, which is never less
    while high - low > 1e-12 * high:
        middle = (low + high) / 2
        low, high = (middle, high) if delta_of(rho, middle) > delta else (low, middle)
    return high


def rho_for(epsilon: float, delta: float) -> Fraction:
    """The largest rho, in whole millionths, that is (epsilon, delta)-differential privacy.

    Raises:
        BadInput: epsilon or delta is not above 0, or delta is not under 1.
    """
    _check(epsilon, delta)
    low, high = 0, RHO_UNIT
    while delta_of(high / RHO_UNIT, epsilon) <= delta:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if delta_of(middle / RHO_UNIT, epsilon) <= delta else (low, middle)
    return Fraction(low, RHO_UNIT)


def noise_factor(epsilon: float, delta: float) -> float:
    """Deviation of the noise over the sensitivity."""
    return 1 / sqrt(2 * float(rho_for(epsilon, delta)))


def _log_rest(beyond: float) -> float:
    """Log of (1 - 1/a)^a / (a - 1) at a - 1 = beyond."""
    order = 1 + beyond
    return order * (log(beyond) - log1p(beyond)) - log(beyond)


def _check(positive: float, delta: float) -> None:
    if not positive > 0 or not 0 < delta < 1:
        raise BadInput("epsilon and rho are above 0, and delta is between 0 and 1")
