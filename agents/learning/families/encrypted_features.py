"""A linear model of frozen random features, trained on BFV ciphertexts, exact.

The features are ReLUs of random whole combinations of the columns (random kitchen sinks, Rahimi and Recht
2008), the same for all who have the plan. So only the last layer is trained, and its local steps are an
affine map again; but it is too wide for coefficients. Here numbers lie in slots: diagonals of the factors
times rotations of the weights, in baby steps and giant steps (Halevi and Shoup 2014), with two Galois keys.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from functools import cached_property
from hashlib import shake_256
from math import ceil, isqrt, log2, pi, sqrt
from typing import Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field

from agents.core.errors import BadPlan
from agents.learning.data.samples import FEATURE_BITS, FloatArray, Int64Array, Samples
from agents.learning.he.bfv import FRESH_NOISE, BfvFamily, BfvPublicKeys, Job
from agents.learning.he.seal import BatchEncoder, Ciphertext, Plaintext, batching_modulus
from agents.learning.integers.affine_map import AffineMap
from agents.learning.integers.design_matrix import design_matrix
from agents.learning.integers.fixed import exact_matmul
from agents.learning.plans.base import PenalisedPlan
from agents.learning.plans.defaults import never_early, safe_step
from agents.learning.plans.encrypted import Encryption, ExactPlan
from agents.learning.plans.limits import DEFAULT_LIMITS, Limits

DEVIATION = sqrt((2**16 - 1) / 12)
"""Of a signed byte, drawn evenly."""

MEAN, SPREAD = 1 / sqrt(2 * pi), sqrt((1 - 1 / pi) / 2)
"""Mean and deviation of the positive part of a standard normal number: what features are standardised by."""


class EncryptedFeaturesPlan(ExactPlan, PenalisedPlan):
    """Least squares with a squared penalty, of frozen random features of the columns. Exact."""

    family: Literal["encrypted-features"] = "encrypted-features"
    hidden: int = Field(ge=1, description="random features; `clip` and `step` are for rows of these")
    seed: int = Field(ge=0, lt=2**63, description="of the random features")

    @property
    def shapes(self) -> dict[str, tuple[int, int]]:
        """A weight for each random feature and output."""
        return {"output": (self.hidden + 1, self.outputs)}


class FeaturesFamily(BfvFamily):
    """Least squares of random features; see the module.

    Raises:
        BadPlan: the model is too wide for the degree, or as `BfvFamily` says.
    """

    plan: EncryptedFeaturesPlan
    schema = EncryptedFeaturesPlan
    jobs_kept = 1

    @classmethod
    def default_plan(cls, features: int, classes: int, rounds: int, seed: int) -> EncryptedFeaturesPlan:
        """See `Family.default_plan`: as many random features as slots take, 400 at most."""
        hidden = min(400, 8192 // (2 * (classes or 1)) - 1)
        clip = min(64, ceil(1.2 * sqrt(hidden)))
        return EncryptedFeaturesPlan(
            features=features,
            classes=classes,
            weight_bits=16,
            local_steps=2000,
            step=safe_step(clip),
            clip=clip,
            rounds=rounds,
            stop=never_early(classes),
            encryption=Encryption(degree=16384, primes=(60, 60, 60, 60, 60), plain_bits=50),
            fraction_bits=8,
            l2=Fraction(1, 1000),
            hidden=hidden,
            seed=seed,
        )

    def __init__(self, plan: EncryptedFeaturesPlan, limits: Limits = DEFAULT_LIMITS) -> None:
        super().__init__(plan, batching_modulus(plan.encryption), limits)
        self.row = self.context.degree // 2
        if 2 * self.width * plan.outputs > self.row:
            raise BadPlan(
                f"plan: {plan.hidden} hidden features times {plan.outputs} outputs do not fit"
                f" degree {self.context.degree}"
            )
        self.encoder = BatchEncoder(self.context.seal)
        self.baby_steps = isqrt(self.width - 1) + 1
        self.giant_steps = -(-self.width // self.baby_steps)

    @property
    def width(self) -> int:
        """The random features and the intercept."""
        return self.plan.hidden + 1

    # --- the features ---

    def rows(self, samples: Samples) -> FloatArray:
        """(n, hidden + 1): the random features, standardised, as a design matrix."""
        weights, offsets = self._combinations
        sums = exact_matmul(samples.features.astype(np.float64), weights) + offsets
        positive = np.maximum(sums, 0.0) / (DEVIATION * sqrt(self.plan.features))
        standard = np.rint((positive - MEAN * 2.0**FEATURE_BITS) / SPREAD)
        return design_matrix(standard.astype(np.int32), self.plan.clip)

    @cached_property
    def _combinations(self) -> tuple[FloatArray, FloatArray]:
        """(features, hidden) and (hidden,) whole numbers from the plan's seed."""
        rows, columns = self.plan.features, self.plan.hidden
        stream = shake_256(f"holdfast random features {self.plan.seed}".encode()).digest((rows + 1) * columns)
        drawn = np.frombuffer(stream, dtype=np.int8).reshape(rows + 1, columns).astype(np.float64)
        half_a_deviation = np.rint(drawn[-1] * sqrt(rows) * 2.0 ** (FEATURE_BITS - 1))
        return drawn[:-1], half_a_deviation

    # --- slots ---

    @property
    def elements(self) -> tuple[int, ...]:
        """Of the rotations by a baby step and by a giant step."""
        return tuple(sorted({pow(3, step, 2 * self.context.degree) for step in (1, self.baby_steps)}))

    @property
    def ciphertexts(self) -> int:
        """One, whatever the model."""
        return 1

    @cached_property
    def _places(self) -> Int64Array:
        """(width, outputs) slots of the weights: each column twice, so that rotations wrap around in it."""
        columns = np.arange(self.plan.outputs, dtype=np.int64) * 2 * self.width
        return np.arange(self.width, dtype=np.int64)[:, None] + columns

    @property
    def _carried(self) -> int:
        """The slot of the number of rows: in the second half, which carries nothing else."""
        return self.context.degree - 1

    def pack(self, weights: Int64Array) -> Int64Array:
        """Slots."""
        slots = np.zeros(self.context.degree, dtype=np.int64)
        slots[self._places] = weights
        slots[self._places + self.width] = weights
        return slots

    def plaintext(self, values: Int64Array) -> Plaintext:
        """The numbers are the slots."""
        plaintext = Plaintext()
        self.encoder.encode(values.tolist(), plaintext)
        return plaintext

    def values(self, plaintext: Plaintext) -> Int64Array:
        """The slots."""
        return np.array(self.encoder.decode_int64(plaintext), dtype=np.int64)

    def unused(self, index: int) -> npt.NDArray[np.bool_]:
        """All slots but the results'."""
        del index
        unused = np.ones(self.context.degree, dtype=np.bool_)
        unused[self._places] = False
        unused[self._carried] = False
        return unused

    def unpack(self, results: Sequence[Int64Array]) -> tuple[Int64Array, int]:
        """From the slots."""
        return results[0][self._places], int(results[0][self._carried])

    # --- the job ---

    def prepare(self, steps: AffineMap) -> Job:
        """A plaintext for each diagonal, turned back by what its giant step will turn it."""
        factors: list[Plaintext | None] = []
        places = np.arange(self.width)
        for number in range(self.width):
            diagonal = steps.factors[places, (places + number) % self.width]
            slots = np.zeros(self.context.degree, dtype=np.int64)
            slots[self._places] = diagonal[:, None]
            slots[: self.row] = np.roll(slots[: self.row], number - number % self.baby_steps)
            factors.append(self._multiplier(slots) if diagonal.any() else None)
        offsets = np.zeros(self.context.degree, dtype=np.int64)
        offsets[self._places] = steps.offsets
        offsets[self._carried] = steps.rows
        return Job(tuple(factors), (offsets,))

    def _multiplier(self, slots: Int64Array) -> Plaintext:
        """The plaintext of slots in NTT form."""
        plaintext, context = self.plaintext(slots), self.context
        context.evaluator.transform_to_ntt_inplace(plaintext, list(context.ids[len(context.primes)]))
        return plaintext

    def products(self, keys: BfvPublicKeys, weights: Ciphertext, job: Job) -> Iterator[Ciphertext]:
        """The factors times the weights of all outputs at once."""
        evaluator, turned = self.context.evaluator, [weights]
        current = Ciphertext()
        evaluator.transform_from_ntt(weights, current)
        for _ in range(1, self.baby_steps):
            evaluator.rotate_rows_inplace(current, 1, keys.galois)
            values = Ciphertext()
            evaluator.transform_to_ntt(current, values)
            turned.append(values)
        total: Ciphertext | None = None
        for giant in reversed(range(self.giant_steps)):
            if total is not None:
                evaluator.rotate_rows_inplace(total, self.baby_steps, keys.galois)
            part = self._inner(turned, job.factors[giant * self.baby_steps : (giant + 1) * self.baby_steps])
            if part is None:
                continue
            if total is None:
                total = part
            else:
                evaluator.add_inplace(total, part)
        yield total if total is not None else self.context.load(self.context.empty())

    def _inner(self, turned: Sequence[Ciphertext], factors: Sequence[Plaintext | None]) -> Ciphertext | None:
        """The sum of the products of one giant step; None if all factors are zero."""
        evaluator, total = self.context.evaluator, None
        for values, factor in zip(turned, factors, strict=False):
            if factor is None:
                continue
            product = Ciphertext()
            evaluator.multiply_plain(values, factor, product)
            if total is None:
                total = product
            else:
                evaluator.add_inplace(total, product)
        if total is not None:
            evaluator.transform_from_ntt_inplace(total)
        return total

    def noise_bits(self, steps: AffineMap) -> float:
        """Of fresh noise and that of rotations, times plaintexts as large as they can be."""
        del steps
        context = self.context
        switch = len(context.primes) * context.degree * FRESH_NOISE * max(context.primes)
        rotation = switch // context.all_primes[-1] + context.degree + 1
        turned = FRESH_NOISE + self.baby_steps * rotation
        products = self.width * context.degree * (context.plain_modulus // 2) * turned
        return log2(products + self.giant_steps * rotation)
