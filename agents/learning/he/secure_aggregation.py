"""What every family does to a result before it leaves the cloud owner.

A product of a ciphertext and a plaintext gives the plaintext, which is made of the rows, to whoever divides
it by the ciphertext; the model owner gets it from the noise too. So:

1. `rerandomise` adds an encryption of zero that the model owner published, times a random ternary polynomial,
   and fresh errors: what everybody sees is as good as uniform. The zero's second polynomial is nobody's
   choice (`Context.common`): one that the model owner chose might blind nothing.
2. `rerandomise` also floods: a number far larger than the noise is added to it, so that the noise tells the
   model owner, who has the secret key, nothing. The family then switches to a smaller modulus, which takes
   most of the flood away.
3. `fill` adds uniform numbers to the places of a plaintext that carry no result: they hold partial sums.
4. `mask`: each pair of the cohort's subsets shares a stream that the lower adds and the higher subtracts, to
   every number of the result. It is a one-time pad: to all others, the model owner included, each single
   result is uniform, noise and all; only the cohort's sum, where the streams cancel, decrypts to anything.

All of it is derived from the subset's secrets, the cohort and the encrypted weights and nothing else, so all
replicas of a subset make the same bytes, and one that repeats a job gives nothing new away.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from agents.core.errors import BadPlan
from agents.learning.data.samples import Int64Array
from agents.learning.data.subset import Subset
from agents.learning.family import Cohort
from agents.learning.he.randomness import Stream
from agents.learning.he.seal import Ciphertext, Content, Context, Residues
from agents.learning.plans.encrypted import EncryptedPlan

STATISTICAL_BITS = 40
"""A flood hides noise that is smaller by so many bits, and by the bits of the number of coefficients."""


class Secrets:
    """The streams of one job.

    Args:
        plan: says which sums there may be.
        subset: with its secret, and the seeds that it shares.
        cohort: whose sum the result becomes a part of.
        encrypted: canonical bytes of the encrypted weights.

    Raises:
        BadPlan: the cohort is not one that the plan's sums allow, or the result would stay without a mask.
    """

    def __init__(self, plan: EncryptedPlan, subset: Subset, cohort: Cohort, encrypted: bytes) -> None:
        check_cohort(plan, subset, cohort)
        self._subset, self._cohort = subset, cohort
        members = b"".join(member.to_bytes(2, "little") for member in cohort.members)
        self._where = (cohort.label, members, hashlib.sha256(encrypted).digest())

    def stream(self, purpose: str, index: int) -> Stream:
        """A stream that all replicas of this subset have, for one of the result's ciphertexts."""
        return Stream(self._subset.secret, purpose.encode(), *self._where, index.to_bytes(4, "little"))

    def masks(self, primes: tuple[int, ...], count: int, index: int) -> Residues:
        """(primes, count) uint64: the sum of this subset's parts of all pairs' streams.

        Over all members these add up to zero.
        """
        moduli = _column(primes)
        total = np.zeros((len(primes), count), dtype=np.uint64)
        for partner in self._cohort.members:
            if partner == self._subset.index:
                continue
            seed = self._subset.pairs[partner]
            part = Stream(seed, b"mask", *self._where, index.to_bytes(4, "little")).residues(primes, count)
            total += part if self._subset.index < partner else moduli - part
            total = _reduced(total, moduli)
        return total


def check_cohort(plan: EncryptedPlan, subset: Subset, cohort: Cohort) -> None:
    """Checks that a result would be hidden in its cohort's sum.

    A dataset of one subset has no sum to hide in: its only subset's results go out as they are, re-randomised
    and flooded. Its data owner knows that when it divides the data.

    Raises:
        BadPlan: no seeds to make masks of; members that are not ascending subsets of this dataset with this
            one among them; fewer than two of several, or not all where the plan's sums are over the dataset.
    """
    members, known = cohort.members, len(subset.pairs)
    if not known:
        raise BadPlan("the subset came without the seeds that hide a result among others: ask its data owner")
    if list(members) != sorted(set(members)) or subset.index not in members:
        raise BadPlan(f"the cohort {members} is not one of subset {subset.index}")
    if members[0] < 0 or members[-1] >= known:
        raise BadPlan(f"the cohort {members} is not of a dataset of {known} subsets")
    if known > 1 and len(members) == 1:
        raise BadPlan(f"the cohort has only subset {subset.index}: its result would not be hidden in a sum")
    if plan.sums == "dataset" and len(members) != known:
        raise BadPlan(
            f"the plan's sums are over the dataset's {known} subsets, the cohort has {len(members)}"
        )


def rerandomise(
    context: Context,
    result: Ciphertext,
    zero: Ciphertext,
    secrets: Secrets,
    index: int,
    flood_bits: int,
    *,
    bell: bool = False,
) -> None:
    """Adds zero times a ternary polynomial, fresh errors and the flood, in place.

    Args:
        context: of the parameters.
        result: two polynomials, in NTT form or not.
        zero: a published encryption of zero in NTT form, of scale 1, with as many primes left.
        secrets: of this job.
        index: of this ciphertext in the result.
        flood_bits: the flood is uniform below 2^flood_bits; `flood_hides` says when that is enough.
        bell: the flood is around zero instead (`Stream.bell`): where there is room for a small one only.
    """
    primes, evaluator = context.all_primes[: result.coeff_modulus_size()], context.evaluator
    ternary = secrets.stream("multiplier", index).ternary(context.degree)
    blind = Ciphertext()
    evaluator.multiply_plain(zero, context.multiplier(ternary, len(primes), result.scale), blind)
    if not result.is_ntt_form():
        evaluator.transform_from_ntt_inplace(blind)
    evaluator.add_inplace(result, blind)
    errors = secrets.stream("errors", index)
    noise = np.stack([context.residues(errors.small(context.degree), len(primes)) for _ in range(2)])
    stream = secrets.stream("flood", index)
    noise[0] += (stream.bell if bell else stream.flood)(flood_bits, primes, context.degree)
    flood = context.load(Content(_reduced(noise, _column(primes)), ntt=False, scale=result.scale))
    if result.is_ntt_form():
        evaluator.transform_to_ntt_inplace(flood)
    evaluator.add_inplace(result, flood)


def flood_hides(context: Context, noise_bits: float, flood_bits: int) -> bool:
    """Whether noise below 2^noise_bits in each coefficient vanishes in the flood.

    The statistical distance is at most degree * 2^(noise_bits - flood_bits), to be below 2^-STATISTICAL_BITS.
    """
    return flood_bits >= noise_bits + (context.degree - 1).bit_length() + STATISTICAL_BITS


def fill(
    places: Int64Array, unused: npt.NDArray[np.bool_], modulus: int, secrets: Secrets, index: int
) -> None:
    """Puts uniform numbers below the plaintext modulus into the unused places, in place.

    Args:
        places: (degree,) numbers that are to be added to a result.
        unused: (degree,) which of them carry nothing.
        modulus: of the plaintexts.
        secrets: of this job.
        index: of the ciphertext in the result.
    """
    uniform = secrets.stream("unused", index).below(modulus, int(unused.sum()))
    places[unused] = uniform.astype(np.int64)


def mask(content: Content, context: Context, secrets: Secrets, index: int) -> None:
    """Adds this subset's parts of all pairs' streams, in place."""
    size, count, degree = content.residues.shape
    primes = context.all_primes[:count]
    masks = secrets.masks(primes, size * degree, index).reshape(count, size, degree).swapaxes(0, 1)
    content.residues[:] = _reduced(content.residues + masks, _column(primes))


def add(context: Context, contents: Sequence[Content]) -> Content:
    """The sum of ciphertexts of one form."""
    first = contents[0]
    moduli = _column(context.all_primes[: first.residues.shape[1]])
    total = first.residues
    for content in contents[1:]:
        total = _reduced(total + content.residues, moduli)
    return Content(total, first.ntt, first.scale)


def _column(primes: tuple[int, ...]) -> Residues:
    return np.array(primes, dtype=np.uint64)[:, None]


def _reduced(values: Residues, moduli: Residues) -> Residues:
    """Values below twice their modulus, modulo it: below it the difference wraps around to a huge number."""
    reduced: Residues = np.minimum(values, values - moduli)
    return reduced
