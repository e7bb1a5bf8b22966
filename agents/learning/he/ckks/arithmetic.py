"""The arithmetic of approximate families on ciphertexts whose slots follow a layout."""

from __future__ import annotations

from dataclasses import dataclass

from agents.learning.he.ckks.slot_layout import SlotLayout
from agents.learning.he.keys import PublicKeys
from agents.learning.he.seal import Ciphertext, Context, Plaintext

Diagonals = dict[tuple[int, int], Plaintext]
"""Data by (giant step, baby step); diagonals of zeros are left out, for SEAL refuses them."""


@dataclass(frozen=True)
class Arithmetic:
    """What products and rotations need.

    Attributes:
        context: of the parameters.
        layout: of the slots.
        keys: of the model owner.
    """

    context: Context
    layout: SlotLayout
    keys: PublicKeys

    def times_data(self, factor: Ciphertext, data: Diagonals, *, rescale: bool) -> Ciphertext:
        """The sum of rotations of the factor times data.

        Baby steps rotate the factor, giant steps rotate sums of products (Halevi and Shoup 2014).
        """
        evaluator, stride = self.context.evaluator, self.layout.stride
        rotated = {baby: self.rotated(factor, baby * stride) for baby in sorted({b for _, b in data})}
        parts = []
        for giant in sorted({giant for giant, _ in data}):
            products = []
            for baby in sorted(b for g, b in data if g == giant):
                products.append(Ciphertext())
                evaluator.multiply_plain(rotated[baby], data[giant, baby], products[-1])
            part = self.total(products)
            if rescale:
                evaluator.rescale_to_next_inplace(part)
            parts.append(self.rotated(part, giant * self.layout.baby_steps * stride))
        return self.total(parts)

    def total(self, ciphertexts: list[Ciphertext]) -> Ciphertext:
        """The sum; the first one is overwritten."""
        for other in ciphertexts[1:]:
            self.context.evaluator.add_inplace(ciphertexts[0], other)
        return ciphertexts[0]

    def summed(self, ciphertext: Ciphertext, rotations: tuple[int, ...]) -> Ciphertext:
        """The sum over slots that these rotations, each twice the one before, bring together."""
        for rotation in rotations:
            rotated = self.rotated(ciphertext, rotation)
            self.context.evaluator.add_inplace(rotated, ciphertext)
            ciphertext = rotated
        return ciphertext

    def rotated(self, ciphertext: Ciphertext, rotation: int) -> Ciphertext:
        """Each slot moved so many slots to the front, cyclically."""
        if not rotation:
            return ciphertext
        rotated = Ciphertext()
        self.context.evaluator.rotate_vector(ciphertext, rotation, self.keys.galois, rotated)
        return rotated

    def product(self, a: Ciphertext, b: Ciphertext) -> Ciphertext:
        """A product, two polynomials, one prime less."""
        product, evaluator = Ciphertext(), self.context.evaluator
        if a is b:
            evaluator.square(a, product)
        else:
            evaluator.multiply(a, b, product)
        evaluator.relinearize_inplace(product, self.keys.relin)
        evaluator.rescale_to_next_inplace(product)
        return product

    def lowered(self, ciphertext: Ciphertext, primes: int) -> Ciphertext:
        """The same message with fewer primes."""
        lowered = Ciphertext()
        self.context.evaluator.mod_switch_to(ciphertext, list(self.context.ids[primes]), lowered)
        return lowered
