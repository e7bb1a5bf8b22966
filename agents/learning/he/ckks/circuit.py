"""What a family on CKKS computes: one step of gradient descent on ciphertexts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Protocol

import numpy as np

from agents.learning.data.samples import FloatArray, Samples
from agents.learning.he.ckks.arithmetic import Arithmetic, Diagonals
from agents.learning.he.ckks.model import Formulas, RealMatrices, real_rows
from agents.learning.he.ckks.result_slots import ResultSlots
from agents.learning.he.ckks.scheme import CkksScheme
from agents.learning.he.seal import Ciphertext, Plaintext

ROW_COUNT_FACTOR = 16
"""The number of rows is multiplied by this, so that it is exact in a sum over all subsets there can be."""


@dataclass(frozen=True, eq=False)
class EncodedSubset:
    """A subset's data, encoded for a plan; the same in all rounds.

    Attributes:
        forward: by (giant step, baby step), to be summed over features.
        backward: likewise, to be summed over rows.
        known: (ciphertexts, slots) what is known of a result without the weights.
        rows: of the data.
        targets: (rows, outputs) what the outputs should be.
        encoded: what else a circuit encodes, by names of its own.
    """

    forward: Diagonals
    backward: Diagonals
    known: FloatArray
    rows: int
    targets: FloatArray
    encoded: dict[str, Plaintext] = field(default_factory=dict)

    def once(self, name: str, encode: Callable[[], Plaintext]) -> Plaintext:
        """An encoding that is made in the first round only: in all others the scale is the same."""
        if name not in self.encoded:
            self.encoded[name] = encode()
        return self.encoded[name]


@dataclass(frozen=True)
class ResultBounds:
    """What the numbers of a result are not over, for weights in the family's range.

    Attributes:
        noise: root mean square of the noise in each slot.
        largest: magnitude of any slot, used or not.
    """

    noise: float
    largest: float


class StepCircuit(Protocol):
    """A family's circuit, for one plan."""

    @property
    def input_count(self) -> int:
        """Ciphertexts of the encrypted weights."""

    @property
    def results(self) -> ResultSlots:
        """Where the change is."""

    @property
    def rotations(self) -> tuple[int, ...]:
        """All that it makes."""

    @property
    def forward_factor(self) -> float:
        """What data are multiplied by in the first product."""

    @property
    def backward_factor(self) -> Fraction:
        """What data are multiplied by in the last product."""

    @property
    def bounds(self) -> ResultBounds:
        """Of results."""

    def spread(self, matrices: RealMatrices) -> list[FloatArray]:
        """(slots,) values of each ciphertext of the encrypted weights."""

    def evaluate(
        self, arithmetic: Arithmetic, weights: list[Ciphertext], data: EncodedSubset
    ) -> list[Ciphertext]:
        """A result's ciphertexts, with as many primes as the levels leave, not yet protected."""


def encode_subset(
    scheme: CkksScheme, formulas: Formulas, circuit: StepCircuit, samples: Samples
) -> EncodedSubset:
    """A subset's data as a circuit multiplies them."""
    rows, targets, layout = real_rows(scheme.plan, samples), formulas.targets(samples), scheme.layout
    forward = layout.towards_rows(rows * circuit.forward_factor)
    backward = layout.towards_features(rows * float(circuit.backward_factor))
    known = circuit.results.scatter(formulas.known_change(rows, targets))
    known[0][circuit.results.row_count] = ROW_COUNT_FACTOR * len(samples)
    primes, levels = scheme.context.primes, scheme.levels
    return EncodedSubset(
        _diagonals(scheme, forward, len(primes), float(primes[-1])),
        _diagonals(scheme, backward, levels.left, 2.0**levels.gradient_bits),
        known,
        len(rows),
        targets,
    )


def _diagonals(scheme: CkksScheme, diagonals: FloatArray, primes: int, scale: float) -> Diagonals:
    """Plaintexts of all (slots,) diagonals but those of zeros, each rotated back by its giant step."""
    layout, found = scheme.layout, Diagonals()
    for index, diagonal in enumerate(diagonals):
        giant, baby = divmod(index, layout.baby_steps)
        if diagonal.any():
            rotated = np.roll(diagonal, giant * layout.baby_steps * layout.stride)
            found[giant, baby] = scheme.plaintext(rotated, primes, scale)
    return found
