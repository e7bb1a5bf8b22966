"""Linear, ridge and logistic models trained on BFV ciphertexts, exact.

The local steps are an affine map of the weights (`affine_map.py`), so a job is a product of one ciphertext
with a few polynomials made of the rows (`coefficient_layout.py`), and a sum.
"""

from __future__ import annotations

from agents.core.errors import BadPlan
from agents.learning.data.samples import FloatArray, Samples
from agents.learning.he.bfv.budget import Budget
from agents.learning.he.bfv.coefficient_layout import CoefficientLayout
from agents.learning.he.bfv.coefficient_product import CoefficientProduct
from agents.learning.he.bfv.family import ExactFamily, check_exact
from agents.learning.he.bfv.matrix_product import BfvCircuit, Encoding
from agents.learning.integers.design_matrix import design_matrix
from agents.learning.plans.encrypted import ExactPlan
from agents.learning.plans.limits import DEFAULT_LIMITS, Limits

LEAST_PLAIN_BITS = 16


class LinearFamily(ExactFamily):
    """The plans `encrypted-linear`, `encrypted-ridge` and `encrypted-logistic`.

    Raises:
        BadPlan: the model is too large for the degree, or as `check_exact` and `Budget` say.
    """

    layout: CoefficientLayout

    def __init__(self, plan: ExactPlan, limits: Limits = DEFAULT_LIMITS) -> None:
        bits, width = plan.encryption.plain_bits, plan.features + 1
        if bits < LEAST_PLAIN_BITS:
            raise BadPlan(f"plan: encryption: plain_bits is {bits}: at least {LEAST_PLAIN_BITS} are needed")
        check_exact(plan, width, limits)
        budget = Budget.of(plan, 2**bits)
        context = budget.context
        self.layout = CoefficientLayout(context.degree, width, plan.outputs)
        if not self.layout.rows:
            raise BadPlan(
                f"plan: {plan.features} features times {plan.outputs} outputs do not fit"
                f" degree {context.degree}"
            )
        product = CoefficientProduct(context, self.layout)
        circuit = BfvCircuit(budget, Encoding.of_coefficients(context), self.layout, product)

        def rows(samples: Samples) -> FloatArray:
            return design_matrix(samples.features, plan.clip)

        super().__init__(plan, limits, circuit, rows, maps_kept=4)
