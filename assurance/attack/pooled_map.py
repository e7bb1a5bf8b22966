"""The pooled map of exact families (leak 3), and what it gives to somebody who knows all rows but one.

A result's numbers are rounded to a grid of the plaintext modulus. A message far finer than that grid is not
read by honest software, but a product carries it: with a constant in the place of weights each factor lies
bare below the grid, at a coefficient of its own, and whoever has the key reads it. A plan chooses its moduli.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from functools import partial
from math import log2, prod

import numpy as np

from agents.learning.data.samples import FEATURE_BITS, FloatArray, Int64Array
from agents.learning.families.encrypted_linear import LinearFamily
from agents.learning.he.ring import Content
from agents.learning.plans.encrypted import Encryption, ExactPlan
from assurance.attack import scenes
from assurance.attack.attack import Attack, Figure, Found, Stage
from assurance.attack.levels import agent_of, default_for
from testing.ciphertexts import lift, phase
from testing.market_of_ciphertexts import EncryptedCouple

FAMILIES = ("encrypted-linear", "encrypted-ridge", "encrypted-logistic")
ROOM_BITS = 3
"""That a factor stays below the grid."""

POOLED = (
    "At level `dataset` one crafted sum gives a model owner the whole pooled map: the sums over all rows of"
    " products of two columns."
)
ALL_BUT_ONE = "Somebody who knows all rows but one then has that one."
NO_SUBSETS = "At level `dataset` a model owner sees sums over all subsets, and of no subset its own."


def attacks() -> Iterator[Attack]:
    """The three linear families."""
    for kind, who, against, claim in (
        ("pooled-map", "a model owner", "the dataset", POOLED),
        ("all-rows-but-one", "a model owner who knows all rows but one", "that row", ALL_BUT_ONE),
        ("map-of-a-subset", "a model owner", "one subset", NO_SUBSETS),
    ):
        for name in FAMILIES:
            yield Attack(f"{kind}/{name}/dataset", who, against, claim, partial(PLAYS[kind], name=name))


def crafted_plan(stage: Stage, name: str) -> ExactPlan:
    """A plan of one step, as fine as plans may be, in a ring with more room than it needs."""
    plan = default_for(stage, name)
    assert isinstance(plan, ExactPlan)
    changes = {
        "local_steps": 1,
        "fraction_bits": 24,
        "sums": "dataset",
        "encryption": Encryption(degree=16384, primes=(60,) * 7, plain_bits=59),
    }
    return type(plan).model_validate(plan.model_dump() | changes)


class Crafted:
    """A crafted constant for one couple, and what sums of results show below the grid.

    Args:
        owner: of a `crafted_plan`.

    Attributes:
        family: with the model of the rows.
    """

    def __init__(self, owner: EncryptedCouple) -> None:
        self.owner, family = owner, owner.family
        assert isinstance(family, LinearFamily)
        self.family, context = family, family.context
        self.modulus = prod(context.primes[: family.circuit.budget.primes_left])
        largest = sum(
            int(np.abs(factors).max()) for factors in map(self.factors, range(len(self.owner.subsets)))
        )
        grid = self.modulus / context.plain_modulus
        self.kept = int(log2(grid)) - largest.bit_length() - ROOM_BITS
        self.shift = self.kept + round(log2(prod(context.primes) / self.modulus))

    def factors(self, subset: int) -> Int64Array:
        """(p, p) the truth of one subset."""
        return self.family.model.steps(self.owner.subsets[subset].samples).factors

    def offsets(self, subset: int) -> Int64Array:
        """(p, outputs) likewise."""
        return self.family.model.steps(self.owner.subsets[subset].samples).offsets

    def results(self) -> list[bytes]:
        """Of all subsets, for the constant."""
        context, codec = self.family.context, self.family.codec
        secret = codec.secret(self.owner.keys.secret)
        content = context.encrypt(secret, context.plaintext(np.zeros(context.degree, dtype=np.int64)))
        coefficients = context.transformed(content, ntt=False)
        for row, prime in enumerate(context.primes):
            value = int(coefficients.residues[0, row, 0]) + pow(2, self.shift, prime)
            coefficients.residues[0, row, 0] = value % prime
        return self.owner.results(scenes.published_contents(self.family, [coefficients]))

    def shown(self, results: Sequence[bytes]) -> tuple[Int64Array, Int64Array]:
        """(p, p) factors from below the grid, (p, outputs) offsets from above it."""
        family, layout = self.family, self.family.layout
        low, high = zip(*map(self._parted, scenes.summed(family, results)), strict=True)
        return _read(layout.p, layout.outputs, layout.rows, low), layout.results(list(high))[0]

    def _parted(self, content: Content) -> tuple[Int64Array, Int64Array]:
        """(degree,) what lies below the grid, in units of a factor, and what lies on it."""
        context, codec = self.family.context, self.family.codec
        modulus, t = self.modulus, context.plain_modulus
        phases = lift(context, phase(context, codec.secret(self.owner.keys.secret), content))
        on_grid = (2 * phases * t + modulus) // (2 * modulus)
        unit = t * (modulus << self.shift) // prod(context.primes)
        below = (2 * (phases * t - on_grid * modulus) + unit) // (2 * unit)
        high = (on_grid + t // 2) % t - t // 2
        return below.astype(np.int64), high.astype(np.int64)


def _read(p: int, outputs: int, rows: int, blocks: Sequence[Int64Array]) -> Int64Array:
    """(p, p) from the coefficients of each block, where the layout puts rows of factors backwards."""
    found = np.zeros((p, p), dtype=np.int64)
    for index in range(p):
        block, number = divmod(index, rows)
        start = number * p * outputs
        found[index] = blocks[block][start : start + p][::-1]
    return found


def pooled(stage: Stage, name: str) -> Found:
    """All factors and offsets of the whole dataset, from one sum."""
    crafted = Crafted(scenes.couple(stage, crafted_plan(stage, name)))
    everyone = range(len(crafted.owner.subsets))
    factors, offsets = crafted.shown(crafted.results())
    true_factors, true_offsets = (
        np.sum([of(subset) for subset in everyone], axis=0) for of in (crafted.factors, crafted.offsets)
    )
    refusal = agent_of(stage, "dataset").refusal(crafted.owner.family.plan)
    return Found(
        {
            "sums": 1,
            "factors": int((factors == true_factors).sum()),
            "of factors": true_factors.size,
            "offsets": int((offsets == true_offsets).sum()),
            "of offsets": true_offsets.size,
            "the agent": refusal or "let through",
        },
        {},
    )


def all_but_one(stage: Stage, name: str) -> Found:
    """Takes the products of all other rows away: what is left is the last one's."""
    crafted = Crafted(scenes.couple(stage, crafted_plan(stage, name)))
    factors, _ = crafted.shown(crafted.results())
    rows: FloatArray = np.vstack([crafted.family.model.rows(s.samples) for s in crafted.owner.subsets])
    real = rows * 2.0**-FEATURE_BITS
    plan = crafted.family.plan
    step: Fraction = plan.step * plan.slope
    products = factors[-1] / -float(step * 2**plan.fraction_bits)
    missing = products - (real[:-1].T @ real[:-1])[-1]
    error = np.abs(missing - real[-1])[:-1]
    figures: dict[str, Figure] = {
        "columns within 1/256 of a deviation": int((error < 2.0**-FEATURE_BITS).sum()),
        "of columns": error.size,
        "largest error in deviations": round(float(error.max()), 6),
    }
    return Found(figures, {})


def of_a_subset(stage: Stage, name: str) -> Found:
    """The same on one result, and on those of all subsets but one."""
    crafted = Crafted(scenes.couple(stage, crafted_plan(stage, name)))
    results = crafted.results()
    alone, _ = crafted.shown(results[:1])
    rest, _ = crafted.shown(results[1:])
    truth = crafted.factors(0)
    of_rest = np.sum([crafted.factors(subset) for subset in range(1, len(results))], axis=0)
    return Found(
        {
            "factors of one subset": int((alone == truth).sum()),
            "factors of all but one": int((rest == of_rest).sum()),
            "of factors": truth.size,
        },
        {"factors of one subset": 0.0, "factors of all but one": 0.0},
    )


PLAYS = {"pooled-map": pooled, "all-rows-but-one": all_but_one, "map-of-a-subset": of_a_subset}
