"""Who adds which noise to the moments of a subset, so that their sum over the dataset has the right one.

A draw is bound to the data owner's secret, all rows of the dataset, the map of rows to moments, the noise,
the number of subsets and the subset's place. Bound to less, two tables that differ in a row could have the
same noise, and their difference would be that row. Bound to more, as to a couple, each couple would see a
fresh draw, and the mean of many has little noise left.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable

import numpy as np

from agents.core.errors import BadPlan
from agents.learning.data.samples import Int64Array, Samples
from agents.learning.data.subset import SECRET_BYTES, SubsetNoise
from agents.learning.he.randomness import Stream, Words
from agents.learning.plans.noise import Noise
from agents.learning.privacy.discrete_gaussian import discrete_gaussians
from agents.learning.privacy.moments import MomentsForm
from agents.learning.privacy.sensitivity import UNIT_BITS

Derive = Callable[[bytes], bytes]
"""32 secret bytes of the data owner's for a purpose."""

_MAP = 1
"""The version of `unit_rows` and `MomentsForm`; a change of either is another map."""


def release_of(form: MomentsForm, noise: Noise, subsets: int) -> bytes:
    """32 public bytes that name a release: the map of rows to moments, the noise, how many subsets."""
    facts = {
        "map": _MAP,
        "columns": form.columns,
        "classes": form.classes,
        "unit": UNIT_BITS,
        "noise": noise.model_dump(mode="json"),
        "subsets": subsets,
    }
    document = json.dumps(facts, sort_keys=True, separators=(",", ":")).encode()
    return hashlib.sha256(b"holdfast release " + document).digest()


def deal(
    form: MomentsForm, noise: Noise, subsets: int, train: Samples, derive: Derive
) -> tuple[SubsetNoise, ...]:
    """What the data owner gives to each subset.

    Dealt noise is one draw for the sum, in shares that add up to it modulo 2^64: all but the last are
    uniform, and so are any that do not make up all of them. They hide what they are added to as masks do.
    Otherwise each subset gets a key that its own part is drawn from.

    Args:
        form: of the moments.
        noise: that the dataset is offered with.
        subsets: how many.
        train: all rows of the dataset.
        derive: the data owner's secret.
    """
    release = release_of(form, noise, subsets)
    rows = digest_of_rows(train)

    def key(place: bytes) -> bytes:
        return derive(b"holdfast/noise/%b/%b/%b" % (release.hex().encode(), rows.hex().encode(), place))

    if noise.mode != "dealt":
        return tuple(SubsetNoise(release, key(b"%d" % place)) for place in range(subsets))
    last = _words(discrete_gaussians(key(b"sum"), release, form.variances(noise.variance)))
    shares = []
    for place in range(subsets - 1):
        shares.append(Stream(key(b"%d" % place), b"share").words(form.size))
        last = last - shares[-1]
    return tuple(SubsetNoise(release, share.astype("<u8").tobytes()) for share in (*shares, last))


def noise_of(given: SubsetNoise | None, form: MomentsForm, noise: Noise, subsets: int) -> Int64Array:
    """(size,) int64 that a replica adds, modulo 2^64, to the moments of its rows.

    Args:
        given: that came with the subset.
        form: of the plan's moments.
        noise: that the plan names.
        subsets: of the dataset, how many.

    Raises:
        BadPlan: the subset has no noise, or noise for another release: nothing leaves it then.
    """
    if given is None:
        raise BadPlan("the subset came without noise: ask its data owner, or choose another family")
    if given.release != release_of(form, noise, subsets):
        raise BadPlan("the subset came with noise for other sums than the plan's")
    if noise.mode == "dealt":
        if len(given.secret) != 8 * form.size:
            raise BadPlan(f"the subset's noise has {len(given.secret)} bytes, its moments {8 * form.size}")
        return np.frombuffer(given.secret, dtype="<u8").astype(np.uint64).view(np.int64)
    if len(given.secret) != SECRET_BYTES:
        raise BadPlan(f"the subset's key for noise has {len(given.secret)} bytes, not {SECRET_BYTES}")
    return discrete_gaussians(given.secret, given.release, form.variances(noise.of_subset(subsets)))


def digest_of_rows(samples: Samples) -> bytes:
    """SHA-256 of all rows, whatever their order."""
    table = np.column_stack([samples.features, samples.target]).astype("<i4")
    rows = sorted(row.tobytes() for row in table)
    return hashlib.sha256(b"holdfast rows" + b"".join(rows)).digest()


def _words(values: Int64Array) -> Words:
    """The same numbers modulo 2^64."""
    words: Words = values.view(np.uint64)
    return words
