"""What all parts of one approximate family share: parameters, levels, the layout of slots, headroom."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from agents.core.errors import BadPlan
from agents.learning.data.samples import FloatArray
from agents.learning.he.ckks.encoder import encode
from agents.learning.he.ckks.headroom import Headroom
from agents.learning.he.ckks.levels import Levels
from agents.learning.he.ckks.slot_layout import SlotLayout
from agents.learning.he.plaintexts import multiplier
from agents.learning.he.seal import Context, Plaintext
from agents.learning.plans.encrypted import ApproximatePlan

LEAST_STEP = Fraction(1, 2**14)
"""A smaller step would vanish in the rounding of encodings."""


@dataclass(frozen=True)
class CkksScheme:
    """The scheme of one plan.

    Attributes:
        plan: of the family.
        levels: of its circuit.
        layout: of the slots, with one feature more than the model has: its slot carries the number of rows.
        context: of the plan's parameters.
        headroom: above the noise of a result.
    """

    plan: ApproximatePlan
    levels: Levels
    layout: SlotLayout
    context: Context
    headroom: Headroom

    @classmethod
    def of(
        cls,
        plan: ApproximatePlan,
        levels: Levels,
        *,
        columns: int,
        columns_inside: bool,
        headroom: type[Headroom] = Headroom,
    ) -> CkksScheme:
        """The scheme.

        Args:
            plan: of the family.
            levels: of its circuit.
            columns: of the first product.
            columns_inside: how the slots are laid out (`SlotLayout`).
            headroom: another kind of headroom, for tests in rings that have none.

        Raises:
            BadPlan: more than one local step, batches, or a tiny step; primes that do not fit the levels;
                more rows, features and columns than slots.
        """
        if plan.local_steps != 1 or plan.batch:
            raise BadPlan("plan: the depth of the ciphertexts allows one local step, of all rows")
        if plan.step < LEAST_STEP:
            raise BadPlan(f"plan: step {plan.step} is too small to be encoded: at least {LEAST_STEP}")
        levels.check(plan.encryption)
        slots, features = plan.encryption.degree // 2, plan.features + 2
        layout = SlotLayout.fit(slots, features, columns, plan.rows, columns_inside=columns_inside)
        context = Context("CKKS", plan.encryption)
        return cls(plan, levels, layout, context, headroom(context, plan.encryption, levels))

    @property
    def scale(self) -> float:
        """Of the encrypted weights."""
        return 2.0**self.plan.encryption.scale_bits

    @property
    def row_count(self) -> int:
        """The slot of a result's first ciphertext that carries the number of rows: the spare feature's."""
        return int(self.layout.weight_slots(self.plan.features + 2, 1)[-1, 0])

    def plaintext(self, values: FloatArray, primes: int, scale: float) -> Plaintext:
        """The encoding of (slots,) float64 values, for ciphertexts of so many primes."""
        return multiplier(self.context, encode(values, scale), primes, scale)
