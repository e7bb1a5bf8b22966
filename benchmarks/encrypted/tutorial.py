"""The peer: encrypted logistic regression as TenSEAL's tutorial on training writes it.

Written for this benchmark, after the library's tutorial on training with encrypted data: its parameters, its
sigmoid of degree 3, rows and weights as `CKKSVector`, one row after the other. Its rows are encrypted before
the clock starts. It protects nothing else: no re-randomisation, no flood, no masks, and two runs give
different bytes, so that replicas could not be compared.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import tenseal as ts

from agents.learning.data.samples import FloatArray

SIGMOID = (0.5, 0.197, 0.0, -0.004)
"""Coefficients of 1, z, z^2, z^3: close to the sigmoid on [-5, 5]."""


@dataclass(frozen=True)
class Parameters:
    """Of CKKS."""

    degree: int
    prime_bits: tuple[int, ...]
    scale_bits: int

    def context(self) -> ts.Context:
        """A context with the keys that the regression needs."""
        made = ts.context(ts.SCHEME_TYPE.CKKS, self.degree, -1, list(self.prime_bits))
        made.global_scale = 2.0**self.scale_bits
        made.generate_galois_keys()
        return made


TUTORIAL = Parameters(8192, (40, 21, 21, 21, 21, 21, 21, 40), 21)
"""The tutorial's own. Fast, and so coarse that single entries of a gradient come out wrong."""

PRECISE = Parameters(16384, (60, 40, 40, 40, 40, 40, 40, 60), 40)
"""Of the same depth, with enough bits that the result is right."""


class EncryptedLogisticRegression:
    """Logistic regression of one output, rows and weights encrypted.

    Args:
        context: with the secret key, which the tutorial's class needs to read and renew the weights.
    """

    def __init__(self, context: ts.Context) -> None:
        self._context = context

    def renew(self, weight: Sequence[float], bias: float) -> None:
        """Encrypts weights afresh: after one epoch no more multiplications are possible."""
        self.weight = ts.ckks_vector(self._context, list(weight))
        self.bias = ts.ckks_vector(self._context, [bias])

    def encrypted(self, rows: FloatArray) -> list[ts.CKKSVector]:
        """(n, d) rows, each a vector."""
        return [ts.ckks_vector(self._context, list(row)) for row in rows]

    def epoch(self, rows: Sequence[ts.CKKSVector], labels: FloatArray, step: float, decay: float) -> None:
        """One step of gradient descent over all rows.

        Args:
            rows: encrypted, one at least.
            labels: (n,) 0 or 1.
            step: size of the step.
            decay: of the weights, a factor of their own.
        """
        errors = [
            (row.dot(self.weight) + self.bias).polyval(list(SIGMOID)) - [float(label)]
            for row, label in zip(rows, labels, strict=True)
        ]
        total, total_bias = rows[0] * errors[0], errors[0]
        for row, error in zip(rows[1:], errors[1:], strict=True):
            total, total_bias = total + row * error, total_bias + error
        factor = step / len(rows)
        self.weight -= total * factor + self.weight * (step * decay)
        self.bias -= total_bias * factor

    def read(self) -> tuple[list[float], list[float]]:
        """Weights and bias, decrypted."""
        return self.weight.decrypt(), self.bias.decrypt()
