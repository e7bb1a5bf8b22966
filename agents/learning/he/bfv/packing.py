"""An exact family's weights in a plaintext, and its sums from others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from agents.learning.he.bfv.matrix_product import BfvCircuit
from agents.learning.he.key_holder import check_rows
from agents.learning.he.seal import Plaintext
from agents.learning.integers.update import Update
from agents.learning.integers.weights import MAX_SAMPLES, Weights
from agents.learning.plans.encrypted import ExactPlan


@dataclass(frozen=True)
class BfvPacking:
    """See `Packing`.

    Attributes:
        plan: of the family.
        circuit: with the encoding and the layout.
    """

    plan: ExactPlan
    circuit: BfvCircuit

    def pack(self, weights: Weights) -> list[Plaintext]:
        """One plaintext of the whole matrix."""
        numbers = self.circuit.layout.weights(weights.tensors["output"])
        return [self.circuit.encoding.encode(numbers)]

    def unpack(self, sums: Sequence[Plaintext], results: int) -> Update:
        """The sum of so many results, exact."""
        decoded = [self.circuit.encoding.decode(plaintext) for plaintext in sums]
        change, rows = self.circuit.layout.results(decoded)
        check_rows(rows, results * MAX_SAMPLES)
        return Update({"output": change}, rows, self.plan.fraction_bits)
