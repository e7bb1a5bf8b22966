"""Datasets as they are divided, couples with real keys, and the model owner's own software.

A model owner that follows no rules adds results up, relabels and decrypts them as it likes, and encrypts what
it likes: it has the secret key.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from math import frexp
from typing import Any

import numpy as np
import numpy.typing as npt

from agents.learning.data.prepare import Prepared, partition
from agents.learning.data.samples import FloatArray, Samples
from agents.learning.data.tables import load_table
from agents.learning.families.registry import family_of
from agents.learning.family import EncryptedFamily, Family, KeyPair
from agents.learning.he.bfv.family import ExactFamily
from agents.learning.he.ckks.family import ApproximateFamily
from agents.learning.he.ckks.model import RealMatrices, real_rows
from agents.learning.he.ring import Content, total
from agents.learning.plans.base import Plan
from agents.workers.data_owner import cut
from assurance.attack.attack import Stage
from assurance.attack.levels import SUBSETS, Level, agent_of
from testing.market_of_ciphertexts import EncryptedCouple, naming, some_weights

Numbers = npt.NDArray[Any]
"""(n,) int64 of exact families, float64 of approximate ones."""

OnCiphertexts = ExactFamily | ApproximateFamily

FLOOD = 1.5
"""In approximate families, six deviations of what hides the noise in a sum of a few."""

LARGEST_SLOT = 4.0
"""What an encoder of whole numbers in 64 bits takes at any scale."""

COUPLES_KEPT = 3


@cache
def prepared(stage: Stage) -> Prepared:
    """The stage's table, divided for a level without noise."""
    return partition(load_table(stage.table), stage.seed)


@cache
def parts(stage: Stage) -> tuple[Samples, ...]:
    """The rows of each skewed subset."""
    made, loaded = prepared(stage), load_table(stage.table)
    return tuple(made.train.take(rows) for rows in cut(loaded, made, SUBSETS, stage.seed))


@lru_cache(maxsize=COUPLES_KEPT)
def couple(stage: Stage, plan: Plan, level: Level = "dataset") -> EncryptedCouple:
    """A model owner of a plan with keys, and the subsets as the data owner's agent deals them at a level."""
    keys = family_of(plan).keys()
    family = family_of(naming(plan, keys))
    assert isinstance(family, EncryptedFamily)
    return EncryptedCouple(family, keys, agent_of(stage, level).subsets)


def composed(family: Family) -> OnCiphertexts:
    """An encrypted family with its parts."""
    assert isinstance(family, ExactFamily | ApproximateFamily)
    return family


# --- what it encrypts ---


@dataclass(frozen=True, eq=False)
class Probe:
    """Encrypted weights, and what each subset's rows make of them."""

    published: bytes
    truths: tuple[Numbers, ...]


def probe(stage: Stage, owner: EncryptedCouple) -> Probe:
    """Weights at random; in approximate families so large that what hides the noise is small beside them."""
    family = owner.family
    rows = [subset.samples for subset in owner.subsets]
    if isinstance(family, ApproximateFamily):
        rng = stage.rng("weights of a probe")
        largest = 100.0 if len(family.plan.shapes) == 1 else 1.5
        matrices = {name: rng.uniform(-largest, largest, shape) for name, shape in family.plan.shapes.items()}
        published = published_slots(owner, family.circuit.spread(matrices))
        return Probe(published, tuple(_real_change(family, matrices, samples) for samples in rows))
    weights = some_weights(family.plan, stage.seed)
    truths = tuple(_flat(family.local_update(weights, samples).change) for samples in rows)
    return Probe(family.encrypt(owner.keys, weights), truths)


def published_slots(owner: EncryptedCouple, values: Sequence[FloatArray]) -> bytes:
    """An encryption of any numbers in the slots of an approximate family's weights.

    Large ones are encrypted as small ones, and the ciphertexts doubled.
    """
    family, keys = owner.family, owner.keys
    assert isinstance(family, ApproximateFamily)
    scheme, primes = family.ckks, family.context.primes
    secret = family.codec.secret(keys.secret)
    contents = []
    for slots in values:
        doublings = max(0, frexp(float(np.abs(slots).max()) / LARGEST_SLOT)[1])
        plaintext = scheme.plaintext(slots / 2.0**doublings, len(primes), scheme.scale)
        content = family.context.encrypt(secret, plaintext)
        for _ in range(doublings):
            content = total([content, content], primes)
        contents.append(content)
    return published_contents(family, contents)


def published_contents(family: OnCiphertexts, contents: Sequence[Content]) -> bytes:
    """Any ciphertexts, in the form of encrypted weights."""
    return family.codec.write_weights([family.context.transformed(one, ntt=True) for one in contents])


# --- what it decrypts ---


def summed(family: OnCiphertexts, results: Sequence[bytes], less: Sequence[Content] = ()) -> list[Content]:
    """The sum of results, whatever they say of themselves, with more added to its first ciphertext."""
    read = [family.codec.result(result).ciphertexts for result in results]
    added = [list(parts) for parts in zip(*read, strict=True)]
    added[0] += less
    return [total(contents, family.context.primes) for contents in added]


def opened(
    family: EncryptedFamily, keys: KeyPair, results: Sequence[bytes], less: Sequence[Content] = ()
) -> Numbers:
    """What such a sum decrypts to: the numbers of all matrices, one after the other."""
    made = composed(family)
    secret = made.codec.secret(keys.secret)
    plaintexts = [made.context.decrypt(secret, content) for content in summed(made, results, less)]
    if isinstance(made, ExactFamily):
        blocks = [made.circuit.encoding.decode(plaintext) for plaintext in plaintexts]
        return _flat({"output": made.circuit.layout.results(blocks)[0]})
    decoded = [made.context.decode(plaintext) for plaintext in plaintexts]
    return _flat(made.circuit.results.gather(decoded))


def alike(found: Numbers, truth: Numbers) -> int:
    """How many numbers were recovered: equal ones, or of real numbers those within what hides the noise.

    A real number that is no larger than that is not counted: zero would be as good a guess.
    """
    if np.issubdtype(truth.dtype, np.integer):
        return int((found == truth).sum())
    return int(((np.abs(found - truth) < FLOOD) & counted(truth)).sum())


def counted(truth: Numbers) -> npt.NDArray[np.bool_]:
    """Which numbers `alike` counts."""
    if np.issubdtype(truth.dtype, np.integer):
        return np.ones(truth.shape, dtype=np.bool_)
    found: npt.NDArray[np.bool_] = np.abs(truth) > 10 * FLOOD
    return found


def _real_change(family: ApproximateFamily, matrices: RealMatrices, samples: Samples) -> Numbers:
    rows, formulas = real_rows(family.plan, samples), family.model.formulas
    return _flat(formulas.change(matrices, rows, formulas.targets(samples)))


def _flat(change: Any) -> Numbers:
    return np.concatenate([change[name].ravel() for name in sorted(change)])
