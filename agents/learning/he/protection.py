"""What every result goes through before it leaves the cloud owner, whatever its family.

A product of a ciphertext and a plaintext gives the plaintext, which is made of the rows, to whoever divides
it by the ciphertext; the model owner gets it from the noise too. So:

1. `rerandomise` adds an encryption of zero that the model owner published, times a random ternary polynomial,
   and fresh errors: what everybody sees is as good as uniform (`zero.py`).
2. `rerandomise` also floods (noise flooding, or smudging): a number far larger than the noise is added to it,
   so that the noise tells the model owner, who has the secret key, nothing. The family then switches to a
   smaller modulus, which takes most of the flood away.
3. `fill` adds random numbers where a plaintext carries no result: partial sums are there.
4. `mask` (`secure_aggregation.py`): only the sum of a whole cohort decrypts to anything.

All of it is derived from the subset's secrets, the cohort and the encrypted weights and nothing else, so all
replicas of a subset make the same bytes, and one that repeats a job gives nothing new away.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from agents.learning.data.samples import Int64Array
from agents.learning.he.plaintexts import multiplier, residues
from agents.learning.he.randomness import Stream
from agents.learning.he.ring import Content, Residues, column, reduced
from agents.learning.he.seal import Ciphertext, Context
from agents.learning.he.secure_aggregation import JobStreams

STATISTICAL_BITS = 40
"""A uniform flood hides noise that is smaller by so many bits, and by those of the number of coefficients."""


@dataclass(frozen=True)
class Flood:
    """How large a flood is, and how it is distributed.

    Attributes:
        bits: its numbers are uniform below 2^bits; `flood_hides` says when that is enough.
        irwin_hall: they are centred sums of three of these instead (`Stream.irwin_hall`), which hide as much
            with half the bits: for where there is room for a small flood only.
    """

    bits: int
    irwin_hall: bool = False

    def draw(self, stream: Stream, primes: tuple[int, ...], count: int) -> Residues:
        """(primes, count) residues of (count,) whole numbers."""
        if self.irwin_hall:
            return stream.irwin_hall(self.bits, primes, count)
        return stream.flood(self.bits, primes, count)


def rerandomise(
    context: Context, result: Ciphertext, zero: Ciphertext, streams: JobStreams, index: int, flood: Flood
) -> None:
    """Adds zero times a ternary polynomial, fresh errors and the flood, in place.

    Args:
        context: of the parameters.
        result: two polynomials, in NTT form or not; of BFV they are coefficients afterwards.
        zero: a published encryption of zero in NTT form, of scale 1, with as many primes left.
        streams: of this job.
        index: of this ciphertext in the result.
        flood: that is to hide the noise.
    """
    primes, evaluator = context.all_primes[: result.coeff_modulus_size()], context.evaluator
    ternary = streams.stream("multiplier", index).ternary(context.degree)
    blind = Ciphertext()
    evaluator.multiply_plain(zero, multiplier(context, ternary, len(primes), result.scale), blind)
    if not result.is_ntt_form():
        evaluator.transform_from_ntt_inplace(blind)
    evaluator.add_inplace(result, blind)
    if context.plain_modulus and result.is_ntt_form():
        evaluator.transform_from_ntt_inplace(result)
    errors = streams.stream("errors", index)
    noise = np.stack([residues(context, errors.small(context.degree), len(primes)) for _ in range(2)])
    noise[0] += flood.draw(streams.stream("flood", index), primes, context.degree)
    added = context.load(Content(reduced(noise, column(primes)), ntt=False, scale=result.scale))
    if result.is_ntt_form():
        evaluator.transform_to_ntt_inplace(added)
    evaluator.add_inplace(result, added)


def flood_hides(context: Context, noise_bits: float, flood_bits: int) -> bool:
    """Whether noise below 2^noise_bits in each coefficient vanishes in a uniform flood below 2^flood_bits.

    The statistical distance is at most degree * 2^(noise_bits - flood_bits), to be below 2^-STATISTICAL_BITS.
    """
    return flood_bits >= noise_bits + (context.degree - 1).bit_length() + STATISTICAL_BITS


def fill(
    values: Int64Array, unused: npt.NDArray[np.bool_], modulus: int, streams: JobStreams, index: int
) -> None:
    """Puts uniform numbers below the plaintext modulus where a result carries nothing, in place.

    Args:
        values: (degree,) numbers that are to be added to a result.
        unused: (degree,) where it carries nothing.
        modulus: of the plaintexts.
        streams: of this job.
        index: of the ciphertext in the result.
    """
    uniform = streams.stream("unused", index).below(modulus, int(unused.sum()))
    values[unused] = uniform.astype(np.int64)
