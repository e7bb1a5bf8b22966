"""How well a model fits rows that nobody may see: from moments of held-out rows, with noise.

These rows are in no subset, so nobody is in both releases and their budgets do not add up; a person with
rows in either is covered too, since k^2 + (r - k)^2 is at most r^2. The squared error of any weights follows
from these numbers, and so does how far the noise may have moved it.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

import numpy as np

from agents.core.errors import BadObject
from agents.learning.data.canonical import pack, unpack
from agents.learning.data.samples import FloatArray, Int64Array, Samples
from agents.learning.privacy.discrete_gaussian import discrete_gaussians
from agents.learning.privacy.moments import MomentsForm
from agents.learning.privacy.sensitivity import MOMENT_BITS, UNIT_BITS
from agents.learning.privacy.unit_rows import unit_numbers

MAX_ROWS = 2**31


@dataclass(frozen=True)
class HeldOut:
    """Moments of held-out rows, with noise.

    Attributes:
        form: of the moments.
        numbers: (form.size,) int64, of a regression with a quarter of the sum of y^2 after them.
        rows: how many.
        variance: of the noise.
    """

    form: MomentsForm
    numbers: Int64Array
    rows: int
    variance: int

    @classmethod
    def release(cls, form: MomentsForm, rows: Samples, variance: int, key: bytes) -> HeldOut:
        """The moments of these rows, with noise of this variance from this key."""
        exact, variances = form.of(rows), form.variances(variance)
        if not form.classes:
            numbers = unit_numbers(rows.target)
            squares = int((numbers * numbers).sum()) << MOMENT_BITS - 2 * UNIT_BITS
            exact, variances = np.append(exact, squares // 4), [*variances, variance]
        noise = discrete_gaussians(key, b"held out", variances)
        return cls(form, exact + noise, len(rows), variance)

    def explained(self, weights: FloatArray) -> tuple[float, float]:
        """The share of the squared error about the mean that a model takes away, and the noise's deviation.

        Args:
            weights: (p, outputs) of rows (u, 1/2), for the classes' indicators or for y.
        """
        moments = self.form.read(self.numbers[: self.form.size], self.rows)
        sums = 2 * moments.cross[-1]  # of each output
        total = float(self.rows if self.form.classes else self.numbers[-1] * 4 * 2.0**-MOMENT_BITS)
        about_the_mean = max(total - float((sums**2).sum()) / self.rows, 1e-9)
        error = total - 2 * float((weights * moments.cross).sum())
        error += float((weights * (moments.gram @ weights)).sum())
        ratio = error / about_the_mean
        return 1 - ratio, self._moved(weights, ratio, sums / self.rows) / about_the_mean

    def _moved(self, weights: FloatArray, ratio: float, means: FloatArray) -> float:
        """The deviation of the error less `ratio` times that about the mean, of the noise alone.

        Both are sums of the released numbers times factors, once the square of the mean is taken for its
        tangent.
        """
        square, last = weights @ weights.T, -1
        products = float((square[:last, :last] ** 2).sum())
        if self.form.classes:
            factors = -2 * weights
            factors[:last] += square[:last, last:]
            factors[last] += 4 * ratio * means
            others = float((factors**2).sum())
        else:
            columns = [-2 * weights[:last, 0], 4 * square[:last, last]]
            others = float(sum((each**2).sum() for each in columns))
            others += float((-4 * weights[last, 0] + 8 * ratio * means[0]) ** 2) + (4 * (1 - ratio)) ** 2
        return sqrt(self.variance * (products + others)) * 2.0**-MOMENT_BITS

    def to_bytes(self) -> bytes:
        """Canonical bytes."""
        facts: dict[str, int | str | bool] = {
            "kind": "held out",
            "columns": self.form.columns,
            "classes": self.form.classes,
            "rows": self.rows,
            "variance": str(self.variance),
        }
        return pack({"numbers": self.numbers}, facts)

    @classmethod
    def from_bytes(cls, data: bytes, columns: int, classes: int) -> HeldOut:
        """Reads what a data owner published.

        Args:
            data: that `to_bytes` made.
            columns: of the dataset.
            classes: of it.

        Raises:
            BadObject: it is none, or for another dataset.
        """
        tensors, facts = unpack(data, "the held-out moments")
        form = MomentsForm(columns, classes)
        rows, variance = facts.get("rows"), facts.get("variance")
        named = (facts.get("kind"), facts.get("columns"), facts.get("classes"))
        numbers = tensors.get("numbers")
        if named != ("held out", columns, classes) or numbers is None or len(tensors) != 1:
            raise BadObject("the held-out moments: for another dataset: choose another one")
        if numbers.dtype != np.int64 or numbers.shape != (form.size + (not classes),):
            raise BadObject("the held-out moments: of another size: choose another dataset")
        if type(rows) is not int or not 1 <= rows <= MAX_ROWS:
            raise BadObject(f"the held-out moments: {rows} rows: choose another dataset")
        if not isinstance(variance, str) or not variance.isascii() or not variance.isdigit():
            raise BadObject("the held-out moments: noise without a variance: choose another dataset")
        if len(variance) > 25:
            raise BadObject("the held-out moments: noise beyond all measure: choose another dataset")
        return cls(form, numbers.astype(np.int64), rows, int(variance))
