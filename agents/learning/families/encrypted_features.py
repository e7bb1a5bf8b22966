"""A linear model of frozen random features, trained on BFV ciphertexts, exact.

The features are the same for all who have the plan (`random_features.py`). So only the last layer is trained,
and its local steps are an affine map again; but it is too wide for coefficients. Here numbers lie in slots:
diagonals of the factors times rotations of the weights, with two Galois keys (`diagonal_layout.py`).
"""

from __future__ import annotations

from fractions import Fraction
from math import ceil, sqrt
from typing import Literal

from pydantic import Field

from agents.core.errors import BadPlan
from agents.learning.families.random_features import RandomFeatures
from agents.learning.he.bfv.budget import Budget
from agents.learning.he.bfv.diagonal_layout import DiagonalLayout
from agents.learning.he.bfv.diagonal_product import DiagonalProduct
from agents.learning.he.bfv.family import ExactFamily, check_exact
from agents.learning.he.bfv.matrix_product import BfvCircuit, Encoding
from agents.learning.he.seal import batching_modulus
from agents.learning.plans.base import PenalisedPlan, Plan
from agents.learning.plans.defaults import SOLVED, never_early, safe_step
from agents.learning.plans.encrypted import Encryption, ExactPlan
from agents.learning.plans.limits import DEFAULT_LIMITS, Limits
from agents.learning.privacy.maps import widest

SLOTS = 8192
"""That default plans rotate: half of their ring's."""

MOST_HIDDEN = 400
"""Random features of a default plan."""


class EncryptedFeaturesPlan(ExactPlan, PenalisedPlan):
    """Least squares with a squared penalty, of frozen random features of the columns. Exact."""

    family: Literal["encrypted-features"] = "encrypted-features"
    hidden: int = Field(ge=1, description="random features; `clip` and `step` are for rows of these")
    seed: int = Field(ge=0, lt=2**63, description="of the random features")

    @property
    def shapes(self) -> dict[str, tuple[int, int]]:
        """A weight for each random feature and output."""
        return {"output": (self.hidden + 1, self.outputs)}


class FeaturesFamily(ExactFamily):
    """The plan `encrypted-features`.

    Raises:
        BadPlan: the model is too wide for the degree, or as `check_exact` and `Budget` say.
    """

    plan: EncryptedFeaturesPlan
    schema = EncryptedFeaturesPlan
    layout: DiagonalLayout

    @classmethod
    def default_plan(cls, features: int, classes: int, rounds: int, seed: int) -> EncryptedFeaturesPlan:
        """See `Family.default_plan`: as many random features as slots take, 400 at most."""
        plan = EncryptedFeaturesPlan(
            features=features,
            classes=classes,
            weight_bits=14,
            local_steps=1,
            step=Fraction(1, 2),
            clip=1,
            rounds=rounds,
            stop=never_early(classes),
            encryption=Encryption(degree=16384, primes=(60, 60, 60, 60, 60), plain_bits=50),
            fraction_bits=16,
            l2=Fraction(1, 1000),
            server=SOLVED,
            readout="discriminant" if classes else "outputs",
            hidden=1,
            seed=seed,
        )
        return _of_width(plan, min(MOST_HIDDEN, SLOTS // (2 * plan.outputs) - 1))

    @classmethod
    def fitted(cls, plan: Plan, rows: int) -> Plan:
        """See `Family.fitted`: no more random features than a data owner lets through."""
        assert isinstance(plan, EncryptedFeaturesPlan)
        width = widest(rows, plan.features, plan.outputs)
        return _of_width(plan, max(1, min(plan.hidden, width - 1)))

    def __init__(self, plan: EncryptedFeaturesPlan, limits: Limits = DEFAULT_LIMITS) -> None:
        modulus, width = batching_modulus(plan.encryption), plan.hidden + 1
        check_exact(plan, width, limits)
        budget = Budget.of(plan, modulus)
        context = budget.context
        self.layout = DiagonalLayout(context.degree, width, plan.columns)
        if not self.layout.fits:
            raise BadPlan(
                f"plan: {plan.hidden} hidden features times {plan.columns} columns do not fit"
                f" degree {context.degree}"
            )
        slots = Encoding.of_slots(context)
        product = DiagonalProduct(context, self.layout, slots)
        circuit = BfvCircuit(budget, slots, self.layout, product)
        features = RandomFeatures(plan.features, plan.hidden, plan.seed, plan.clip)
        super().__init__(plan, limits, circuit, features.rows, maps_kept=1)

    @property
    def hidden(self) -> int:
        """See `ExactFamily.hidden`."""
        return self.plan.hidden


def _of_width(plan: EncryptedFeaturesPlan, hidden: int) -> EncryptedFeaturesPlan:
    """The plan with so many random features, and as many columns a sum as the slots take."""
    clip, width = min(64, ceil(1.2 * sqrt(hidden))), hidden + 1
    columns = min(SLOTS // (2 * width), width + plan.outputs)
    wide = {"hidden": hidden, "clip": clip, "step": safe_step(clip), "probes": columns - plan.outputs}
    return plan.model_copy(update=wide)
