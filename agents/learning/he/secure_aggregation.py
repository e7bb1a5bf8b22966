"""Masks that hide each result and cancel in the sum of its cohort.

Each pair of the cohort's subsets shares a stream that the lower adds and the higher subtracts, to every
number of the result. It is a one-time pad: to all others, the model owner included, each single result is
uniform, noise and all; only the cohort's sum, where the streams cancel, decrypts to anything.

Source: Bonawitz et al. 2017, without its recovery of masks: who does not answer is waited for instead.
"""

from __future__ import annotations

import numpy as np

from agents.core.errors import BadPlan
from agents.learning.data.subset import Subset
from agents.learning.family import Cohort, Sums
from agents.learning.he.randomness import Stream
from agents.learning.he.ring import Content, Residues, column, reduced
from agents.learning.plans.encrypted import EncryptedPlan


class JobStreams:
    """The streams of randomness of one job.

    Args:
        plan: says which sums there may be.
        subset: with its secret, and the seeds that it shares.
        cohort: whose sum the result becomes a part of.
        weights: SHA-256 of the encrypted weights' canonical bytes.

    Raises:
        BadPlan: the cohort is not one that the plan's sums allow, or the result would stay without a mask.
    """

    def __init__(self, plan: EncryptedPlan, subset: Subset, cohort: Cohort, weights: bytes) -> None:
        check_cohort(plan.sums, subset, cohort)
        self._subset, self._cohort = subset, cohort
        members = b"".join(member.to_bytes(2, "little") for member in cohort.members)
        self._where = (cohort.label, members, weights)

    def stream(self, purpose: str, index: int) -> Stream:
        """A stream that all replicas of this subset have, for one of the result's ciphertexts."""
        return Stream(self._subset.secret, purpose.encode(), *self._where, index.to_bytes(4, "little"))

    def masks(self, primes: tuple[int, ...], count: int, index: int) -> Residues:
        """(primes, count) uint64: the sum of this subset's parts of all pairs' streams.

        Over all members these add up to zero.
        """
        moduli = column(primes)
        total = np.zeros((len(primes), count), dtype=np.uint64)
        for partner in self._cohort.members:
            if partner == self._subset.index:
                continue
            seed = self._subset.pairs[partner]
            part = Stream(seed, b"mask", *self._where, index.to_bytes(4, "little")).residues(primes, count)
            total += part if self._subset.index < partner else moduli - part
            total = reduced(total, moduli)
        return total


def check_cohort(sums: Sums, subset: Subset, cohort: Cohort) -> None:
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
    if sums == "dataset" and len(members) != known:
        raise BadPlan(
            f"the plan's sums are over the dataset's {known} subsets, the cohort has {len(members)}"
        )


def mask(content: Content, all_primes: tuple[int, ...], streams: JobStreams, index: int) -> None:
    """Adds this subset's parts of all pairs' streams, in place.

    Args:
        content: of one of the result's ciphertexts.
        all_primes: of the ring, at least as many as the content has.
        streams: of this job.
        index: of this ciphertext in the result.
    """
    size, count, degree = content.residues.shape
    primes = all_primes[:count]
    masks = streams.masks(primes, size * degree, index).reshape(count, size, degree).swapaxes(0, 1)
    content.residues[:] = reduced(content.residues + masks, column(primes))
