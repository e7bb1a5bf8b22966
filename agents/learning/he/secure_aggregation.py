"""Masks that hide each result and cancel in the sum of its cohort.

Each pair of the cohort's subsets agrees on a stream (`mask_keys.py`) that the lower adds and the higher
subtracts, to every number of the result. It is a one-time pad: to all others, the model owner included, each
single result is uniform, noise and all; only the cohort's sum, where the streams cancel, comes to anything.

Source: Bonawitz et al. 2017, without its recovery of masks: who does not answer is waited for instead.
"""

from __future__ import annotations

import numpy as np

from agents.core.derivation import digest_of
from agents.core.errors import BadPlan
from agents.learning.data.mask_keys import MaskKeys, pair_seed
from agents.learning.data.subset import Subset
from agents.learning.family import Cohort, Sums
from agents.learning.he.randomness import Stream, Words
from agents.learning.he.ring import Content, Residues, column, reduced
from agents.learning.plans.base import Plan


class JobStreams:
    """The streams of randomness of one job.

    All of them are bound to the sum: its label (market, chain, couple), its members, the plan, the keys that
    the plan names, the published weights. Those that only this subset's replicas have are bound to the subset
    as well. With any of these another, they are others, and nothing cancels that was not to.

    Args:
        plan: of the job.
        sums: that the plan allows.
        subset: with its secret and its mask keys.
        cohort: whose sum the result becomes a part of.
        weights: SHA-256 of the published weights' canonical bytes.

    Raises:
        BadPlan: the cohort is not one that the sums allow, or the result would stay without a mask.
    """

    def __init__(self, plan: Plan, sums: Sums, subset: Subset, cohort: Cohort, weights: bytes) -> None:
        self._keys = check_cohort(sums, subset, cohort)
        self._subset, self._cohort = subset, cohort
        members = b"".join(member.to_bytes(2, "little") for member in cohort.members)
        named = plan.keys_named.encode()
        self._sum = digest_of(b"holdfast masks", cohort.label, members, plan.digest(), named, weights)
        self._own = digest_of(self._sum, subset.digest())
        self._seeds: dict[int, bytes] = {}

    def stream(self, purpose: str, index: int) -> Stream:
        """A stream that all replicas of this subset have, for one of the result's ciphertexts."""
        return Stream(self._subset.secret, purpose.encode(), self._own, index.to_bytes(4, "little"))

    def masks(self, primes: tuple[int, ...], count: int, index: int) -> Residues:
        """(primes, count) uint64: the sum of this subset's parts of all pairs' streams.

        Over all members these add up to zero.
        """
        moduli = column(primes)
        total = np.zeros((len(primes), count), dtype=np.uint64)
        for partner in self._partners:
            part = self._pair(partner, index).residues(primes, count)
            total += part if self._subset.index < partner else moduli - part
            total = reduced(total, moduli)
        return total

    def words(self, count: int) -> Words:
        """(count,) uint64: the same of whole numbers modulo 2^64, for a result that is no ciphertext."""
        total = np.zeros(count, dtype=np.uint64)
        for partner in self._partners:
            part = self._pair(partner, 0).words(count)
            total = total + part if self._subset.index < partner else total - part
        return total

    @property
    def _partners(self) -> tuple[int, ...]:
        return tuple(member for member in self._cohort.members if member != self._subset.index)

    def _pair(self, partner: int, index: int) -> Stream:
        """A stream that this subset has in common with another one, and with nobody else."""
        if partner not in self._seeds:
            self._seeds[partner] = pair_seed(self._keys, self._subset.index, partner, self._sum)
        return Stream(self._seeds[partner], b"mask", index.to_bytes(4, "little"))


def check_cohort(sums: Sums, subset: Subset, cohort: Cohort) -> MaskKeys:
    """Checks that a result would be hidden in its cohort's sum.

    A dataset of one subset has no sum to hide in: its only subset's results go out as they are, re-randomised
    and flooded. Its data owner knows that when it divides the data.

    Returns:
        the keys that hide it.

    Raises:
        BadPlan: no keys to make masks of; members that are not ascending subsets of this dataset with this
            one among them; fewer than two of several, or not all where the plan's sums are over the dataset.
    """
    if subset.keys is None:
        raise BadPlan("the subset came without the keys that hide a result among others: ask its data owner")
    members, known = cohort.members, len(subset.keys.public)
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
    return subset.keys


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
