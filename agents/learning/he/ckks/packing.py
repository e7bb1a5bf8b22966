"""An approximate family's weights in plaintexts, and its sums from others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from agents.learning.he.ckks.circuit import ROW_COUNT_FACTOR, StepCircuit
from agents.learning.he.ckks.model import Formulas, real_weights, whole_change
from agents.learning.he.ckks.scheme import CkksScheme
from agents.learning.he.key_holder import check_rows
from agents.learning.he.seal import Plaintext
from agents.learning.integers.update import Update
from agents.learning.integers.weights import Weights


@dataclass(frozen=True)
class CkksPacking:
    """See `Packing`.

    Attributes:
        scheme: of the family.
        formulas: with the range of weights.
        circuit: with the slots of weights and results.
    """

    scheme: CkksScheme
    formulas: Formulas
    circuit: StepCircuit

    def pack(self, weights: Weights) -> list[Plaintext]:
        """A plaintext for each of the circuit's inputs."""
        matrices = real_weights(weights)
        self.formulas.check_range(matrices)
        primes, scale = len(self.scheme.context.primes), self.scheme.scale
        return [self.scheme.plaintext(values, primes, scale) for values in self.circuit.spread(matrices)]

    def unpack(self, sums: Sequence[Plaintext], results: int) -> Update:
        """The sum of so many results.

        Each number of the change has an error of the deviation PRECISION (`headroom.py`) times the root of
        the number of results; the number of rows is exact.
        """
        decoded = [self.scheme.context.decode(plaintext) for plaintext in sums]
        rows = round(float(decoded[0][self.circuit.results.row_count]) / ROW_COUNT_FACTOR)
        check_rows(rows, results * self.scheme.plan.rows)
        return Update(whole_change(self.scheme.plan, self.circuit.results.gather(decoded)), rows)
