"""A wide matrix product in one ciphertext, in baby steps and giant steps (`diagonal_layout.py`)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import log2

from agents.learning.data.samples import Int64Array
from agents.learning.he.bfv.budget import FRESH_NOISE
from agents.learning.he.bfv.diagonal_layout import DiagonalLayout
from agents.learning.he.bfv.matrix_product import Encoding, Factors, zeros
from agents.learning.he.keys import PublicKeys
from agents.learning.he.seal import Ciphertext, Context, GaloisKeys


@dataclass(frozen=True)
class DiagonalProduct:
    """See `MatrixProduct`.

    Attributes:
        context: of BFV.
        layout: of the slots.
        encoding: of slots.
    """

    context: Context
    layout: DiagonalLayout
    encoding: Encoding

    @property
    def elements(self) -> tuple[int, ...]:
        """Of the rotations by a baby step and by a giant step."""
        steps = (1, self.layout.baby_steps)
        return tuple(sorted({pow(3, step, 2 * self.context.degree) for step in steps}))

    def noise_bits(self, factors: Int64Array) -> float:
        """Of fresh noise and that of rotations, times plaintexts as large as they can be."""
        del factors
        context, layout = self.context, self.layout
        switch = len(context.primes) * context.degree * FRESH_NOISE * max(context.primes)
        rotation = switch // context.all_primes[-1] + context.degree + 1
        rotated = FRESH_NOISE + layout.baby_steps * rotation
        products = layout.p * context.degree * (context.plain_modulus // 2) * rotated
        return log2(products + layout.giant_steps * rotation)

    def encode(self, factors: Int64Array) -> Factors:
        """A plaintext for each diagonal."""
        context, primes = self.context, len(self.context.primes)
        return [
            context.transform_plaintext(self.encoding.encode(slots), primes) if slots.any() else None
            for slots in self.layout.diagonals(factors)
        ]

    def multiply(self, keys: PublicKeys, weights: Ciphertext, factors: Factors) -> Iterator[Ciphertext]:
        """The product of all outputs at once."""
        evaluator, baby_steps = self.context.evaluator, self.layout.baby_steps
        rotated = self._rotated(weights, keys.galois)
        total: Ciphertext | None = None
        for giant in reversed(range(self.layout.giant_steps)):
            if total is not None:
                evaluator.rotate_rows_inplace(total, baby_steps, keys.galois)
            part = self._inner(rotated, factors[giant * baby_steps : (giant + 1) * baby_steps])
            if part is None:
                continue
            if total is None:
                total = part
            else:
                evaluator.add_inplace(total, part)
        yield total if total is not None else zeros(self.context)

    def _rotated(self, weights: Ciphertext, galois: GaloisKeys) -> list[Ciphertext]:
        """The weights rotated by each baby step, in NTT form."""
        evaluator, rotated, current = self.context.evaluator, [weights], Ciphertext()
        evaluator.transform_from_ntt(weights, current)
        for _ in range(1, self.layout.baby_steps):
            evaluator.rotate_rows_inplace(current, 1, galois)
            values = Ciphertext()
            evaluator.transform_to_ntt(current, values)
            rotated.append(values)
        return rotated

    def _inner(self, rotated: Sequence[Ciphertext], factors: Factors) -> Ciphertext | None:
        """The sum of the products of one giant step; None if all factors are zero."""
        evaluator = self.context.evaluator
        total: Ciphertext | None = None
        for values, factor in zip(rotated, factors, strict=False):
            if factor is None:
                continue
            product = Ciphertext()
            evaluator.multiply_plain(values, factor, product)
            if total is None:
                total = product
            else:
                evaluator.add_inplace(total, product)
        if total is not None:
            evaluator.transform_from_ntt_inplace(total)
        return total
