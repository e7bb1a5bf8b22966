"""Moments of rows: what is released of them, in one order, and what a model is solved from.

With u a unit row, of a classification uu' and (u, 1/2) times the indicator of the row's class; of numbers y
from -1 to 1 uu', uy, y/4 and u/4. All are summed over the rows and are whole numbers in units of
2^-MOMENT_BITS, so that one variance fits them all.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from agents.learning.data.samples import FloatArray, Int64Array, Samples
from agents.learning.integers.fixed import exact_matmul
from agents.learning.privacy.sensitivity import MOMENT_BITS, UNIT_BITS
from agents.learning.privacy.unit_rows import unit_numbers, unit_rows, with_intercept

_UNIT = 2.0**UNIT_BITS


@dataclass(frozen=True)
class MomentsForm:
    """Which moments there are.

    Attributes:
        columns: d. `classes`: 0 for a regression.
    """

    columns: int
    classes: int

    @property
    def size(self) -> int:
        """How many numbers are released."""
        d = self.columns
        return d * (d + 1) // 2 + ((d + 1) * self.classes if self.classes else 2 * d + 1)

    def variances(self, variance: int) -> list[int]:
        """Of the noise of each number: half of `variance` for the entries of uu' off its diagonal."""
        rows, columns = np.triu_indices(self.columns)
        found = np.where(rows == columns, 1, 2)
        products = [variance // int(divisor) for divisor in found]
        return products + [variance] * (self.size - len(products))

    def of(self, samples: Samples) -> Int64Array:
        """(size,) int64: the exact sums over these rows.

        Raises:
            OverflowError: so many rows that they would not be exact.
        """
        units = unit_rows(samples.features)
        rows = units.astype(np.float64)
        products = exact_matmul(rows.T, rows)[np.triu_indices(self.columns)]
        if self.classes:
            indicators = np.eye(self.classes)[samples.target] * _UNIT
            rest = [exact_matmul(with_intercept(units).T, indicators).ravel()]
        else:
            numbers = unit_numbers(samples.target).astype(np.float64)[:, None]
            quarter = np.full((len(samples), 1), _UNIT / 4)
            rest = [
                exact_matmul(rows.T, numbers).ravel(),
                exact_matmul(quarter.T, numbers).ravel(),
                exact_matmul(rows.T, quarter).ravel(),
            ]
        return np.concatenate([products, *rest]).astype(np.int64)

    def read(self, released: Int64Array, rows: int) -> Moments:
        """The moments of z = (u, 1/2) that released numbers say, in real units."""
        d = self.columns
        real = released.astype(np.float64) * 2.0**-MOMENT_BITS
        gram = np.zeros((d + 1, d + 1))
        gram[np.triu_indices(d)] = real[: d * (d + 1) // 2]
        rest = real[d * (d + 1) // 2 :]
        if self.classes:
            cross = rest.reshape(d + 1, self.classes)
            gram[:d, d] = cross[:d].sum(axis=1) / 2
        else:
            cross = np.append(rest[:d], 2 * rest[d])[:, None]
            gram[:d, d] = 2 * rest[d + 1 :]
        gram[d, d] = rows / 4
        return Moments(np.triu(gram) + np.triu(gram, 1).T, cross)


@dataclass(frozen=True)
class Moments:
    """Sums over rows z = (u, 1/2).

    Attributes:
        gram: (p, p) float64 of zz', symmetric. `cross`: (p, outputs) float64 of z times each output's goal.
    """

    gram: FloatArray
    cross: FloatArray

    def ridge(self, penalty: float) -> FloatArray:
        """(p, outputs) weights of least squares with a squared penalty, on the intercept too."""
        return _solved(self.gram, penalty, self.cross)

    def logistic(self, penalty: float) -> FloatArray:
        """(p, outputs) weights of logistic regression with the sigmoid 1/2 + z/4, penalised likewise."""
        halves = self.gram[:, -1:]  # of z / 2, which is z times the intercept
        return _solved(self.gram / 4, penalty, self.cross - halves)


def noise_penalty(deviation: float, columns: int) -> float:
    """The penalty that noise of this deviation asks for: s sqrt(2 p), from public numbers alone."""
    penalty: float = deviation * np.sqrt(2.0 * (columns + 1))
    return penalty


def _solved(gram: FloatArray, penalty: float, cross: FloatArray) -> FloatArray:
    """Weights w of (gram + penalty) w = cross, where noise has made no eigenvalue of gram negative."""
    values, vectors = np.linalg.eigh(gram)
    repaired = np.maximum(values, 0.0) + max(penalty, 1e-9)
    weights: FloatArray = vectors @ ((vectors.T @ cross) / repaired[:, None])
    return weights
