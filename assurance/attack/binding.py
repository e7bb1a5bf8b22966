"""The one place here that makes the streams of a job by hand: what colluding replicas can make of a mask."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from agents.learning.data.canonical import digest
from agents.learning.data.subset import Subset
from agents.learning.family import Cohort
from agents.learning.he.ring import Content
from agents.learning.he.secure_aggregation import JobStreams
from assurance.attack.scenes import OnCiphertexts


def against_masks(
    family: OnCiphertexts, subset: Subset, partners: Sequence[Subset], cohort: Cohort, published: bytes
) -> list[Content]:
    """What takes those masks out of a subset's first ciphertext that it has in common with these partners.

    What a partner adds for the two of them is the opposite of what the subset does.

    Args:
        family: of the plan.
        subset: whose result is to be opened.
        partners: whose replicas tell what they have.
        cohort: of the sum.
        published: the encrypted weights.
    """
    context, form = family.context, family.codec.form
    primes = context.all_primes[: form.result_primes]
    found = []
    for partner in partners:
        streams = JobStreams(family.plan, family.sums, partner, cohort, digest(published))
        two = tuple(sorted((subset.index, partner.index)))
        streams._cohort = replace(cohort, members=two)  # the streams are named, and are those of the whole
        masks = streams.masks(primes, 2 * context.degree, 0)
        residues = masks.reshape(len(primes), 2, context.degree).swapaxes(0, 1)
        found.append(Content(np.ascontiguousarray(residues), ntt=form.result_scales))
    return found
