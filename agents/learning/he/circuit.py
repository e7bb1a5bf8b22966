"""The arithmetic of approximate families, step by step, on ciphertexts whose slots follow a layout."""

from __future__ import annotations

from dataclasses import dataclass

from agents.learning.he.seal import Ciphertext, Context, GaloisKeys, Plaintext, RelinKeys
from agents.learning.he.slot_layout import SlotLayout

Diagonals = dict[tuple[int, int], Plaintext]
"""Data by (giant step, baby step); steps whose data are zeros are left out, for SEAL refuses them."""


@dataclass(frozen=True)
class CkksPublicKeys:
    """What a cloud owner has of the model owner.

    Attributes:
        zero: an encryption of zero with the primes that are left of a result.
        relin: to make three polynomials two.
        galois: to rotate slots.
    """

    zero: Ciphertext
    relin: RelinKeys
    galois: GaloisKeys


@dataclass(frozen=True)
class Circuit:
    """What products and rotations need.

    Attributes:
        context: of the parameters.
        layout: of the slots.
        keys: of the model owner.
    """

    context: Context
    layout: SlotLayout
    keys: CkksPublicKeys

    def times_data(self, factor: Ciphertext, data: Diagonals, *, rescale: bool) -> Ciphertext:
        """Sums of turned factors times data: baby steps turn the factor, giant steps sums of products."""
        evaluator, stride = self.context.evaluator, self.layout.stride
        turned = {baby: self.turned(factor, baby * stride) for baby in sorted({b for _, b in data})}
        parts = []
        for giant in sorted({giant for giant, _ in data}):
            products = []
            for baby in sorted(b for g, b in data if g == giant):
                products.append(Ciphertext())
                evaluator.multiply_plain(turned[baby], data[giant, baby], products[-1])
            part = self.total(products)
            if rescale:
                evaluator.rescale_to_next_inplace(part)
            parts.append(self.turned(part, giant * self.layout.baby_steps * stride))
        return self.total(parts)

    def total(self, ciphertexts: list[Ciphertext]) -> Ciphertext:
        """The sum; the first one is overwritten."""
        for other in ciphertexts[1:]:
            self.context.evaluator.add_inplace(ciphertexts[0], other)
        return ciphertexts[0]

    def summed(self, ciphertext: Ciphertext, turns: tuple[int, ...]) -> Ciphertext:
        """The sum over a circle, or over the first part of one."""
        for turn in turns:
            turned = self.turned(ciphertext, turn)
            self.context.evaluator.add_inplace(turned, ciphertext)
            ciphertext = turned
        return ciphertext

    def turned(self, ciphertext: Ciphertext, turn: int) -> Ciphertext:
        """The slots moved round by so many places."""
        if not turn:
            return ciphertext
        turned = Ciphertext()
        self.context.evaluator.rotate_vector(ciphertext, turn, self.keys.galois, turned)
        return turned

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
