"""A linear model of frozen random features, trained on BFV ciphertexts, exact.

The features are the same for all who have the plan (`random_features.py`). So only the last layer is trained,
and its local steps are an affine map again; but it is too wide for coefficients. Here numbers lie in slots:
diagonals of the factors times rotations of the weights, with two Galois keys (`diagonal_layout.py`).
"""

from __future__ import annotations

from agents.core.errors import BadPlan
from agents.learning.families.random_features import RandomFeatures
from agents.learning.he.bfv.budget import Budget
from agents.learning.he.bfv.diagonal_layout import DiagonalLayout
from agents.learning.he.bfv.diagonal_product import DiagonalProduct
from agents.learning.he.bfv.family import ExactFamily, check_exact
from agents.learning.he.bfv.matrix_product import BfvCircuit, Encoding
from agents.learning.he.seal import batching_modulus
from agents.learning.plans.encrypted import EncryptedFeaturesPlan
from agents.learning.plans.limits import DEFAULT_LIMITS, Limits


class FeaturesFamily(ExactFamily):
    """The plan `encrypted-features`.

    Raises:
        BadPlan: the model is too wide for the degree, or as `check_exact` and `Budget` say.
    """

    plan: EncryptedFeaturesPlan
    layout: DiagonalLayout

    def __init__(self, plan: EncryptedFeaturesPlan, limits: Limits = DEFAULT_LIMITS) -> None:
        modulus, width = batching_modulus(plan.encryption), plan.hidden + 1
        check_exact(plan, width, limits)
        budget = Budget.of(plan, modulus)
        context = budget.context
        self.layout = DiagonalLayout(context.degree, width, plan.outputs)
        if not self.layout.fits:
            raise BadPlan(
                f"plan: {plan.hidden} hidden features times {plan.outputs} outputs do not fit"
                f" degree {context.degree}"
            )
        slots = Encoding.of_slots(context)
        product = DiagonalProduct(context, self.layout, slots)
        circuit = BfvCircuit(budget, slots, self.layout, product)
        features = RandomFeatures(plan.features, plan.hidden, plan.seed, plan.clip)
        super().__init__(plan, limits, circuit, features.rows, maps_kept=1)
