"""Linear, ridge and logistic models trained on BFV ciphertexts, exact.

The local steps are an affine map of the weights (`affine_map.py`), so a job is a product of one ciphertext
with a few polynomials made of the rows (`coefficient_layout.py`), and a sum.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any, Literal

from pydantic import Field

from agents.core.errors import BadPlan
from agents.learning.data.samples import FloatArray, Samples
from agents.learning.he.bfv.budget import Budget
from agents.learning.he.bfv.coefficient_layout import CoefficientLayout
from agents.learning.he.bfv.coefficient_product import CoefficientProduct
from agents.learning.he.bfv.family import ExactFamily, check_exact
from agents.learning.he.bfv.matrix_product import BfvCircuit, Encoding
from agents.learning.integers.design_matrix import design_matrix
from agents.learning.plans.base import PenalisedPlan
from agents.learning.plans.defaults import SOLVED, check_classes, never_early, safe_step, whole_clip
from agents.learning.plans.encrypted import Encryption, ExactPlan
from agents.learning.plans.limits import DEFAULT_LIMITS, Limits

LEAST_PLAIN_BITS = 16


class EncryptedLinearPlan(ExactPlan):
    """Least squares; of the classes' indicators for a classification. Exact."""

    family: Literal["encrypted-linear"] = "encrypted-linear"


class EncryptedRidgePlan(ExactPlan, PenalisedPlan):
    """Least squares with a squared penalty. Exact."""

    family: Literal["encrypted-ridge"] = "encrypted-ridge"


class EncryptedLogisticPlan(ExactPlan, PenalisedPlan):
    """Logistic regression with a linear sigmoid, 1/2 + z/4, an output for each class. Exact."""

    family: Literal["encrypted-logistic"] = "encrypted-logistic"
    classes: int = Field(ge=2, description="number of classes")
    slope = Fraction(1, 4)
    centre = Fraction(1, 2)


class LinearFamily(ExactFamily):
    """What the families of this file have in common.

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
        self.layout = CoefficientLayout(context.degree, width, plan.columns)
        if not self.layout.rows:
            raise BadPlan(
                f"plan: {plan.features} features times {plan.columns} columns do not fit"
                f" degree {context.degree}: choose encrypted-features, or leave some out"
            )
        product = CoefficientProduct(context, self.layout)
        circuit = BfvCircuit(budget, Encoding.of_coefficients(context), self.layout, product)

        def rows(samples: Samples) -> FloatArray:
            return design_matrix(samples.features, plan.clip)

        super().__init__(plan, limits, circuit, rows, maps_kept=4)


class EncryptedLinear(LinearFamily):
    """Least squares."""

    schema = EncryptedLinearPlan

    @classmethod
    def default_plan(cls, features: int, classes: int, rounds: int, seed: int) -> EncryptedLinearPlan:
        """See `Family.default_plan`."""
        del seed
        return EncryptedLinearPlan(**_default_fields(features, classes, rounds))


class EncryptedRidge(LinearFamily):
    """Least squares with a squared penalty."""

    schema = EncryptedRidgePlan

    @classmethod
    def default_plan(cls, features: int, classes: int, rounds: int, seed: int) -> EncryptedRidgePlan:
        """See `Family.default_plan`."""
        del seed
        fields = _default_fields(features, classes, rounds)
        return EncryptedRidgePlan(**fields, l2=Fraction(1, 1000))


class EncryptedLogistic(LinearFamily):
    """Logistic regression with a linear sigmoid."""

    schema = EncryptedLogisticPlan

    @classmethod
    def default_plan(cls, features: int, classes: int, rounds: int, seed: int) -> EncryptedLogisticPlan:
        """See `Family.default_plan`."""
        del seed
        check_classes(classes)
        fields = _default_fields(features, classes, rounds)
        return EncryptedLogisticPlan(**fields, l2=Fraction(1, 1000))


def _default_fields(features: int, classes: int, rounds: int) -> Any:
    """Fields of a default plan: sums are solved, of as many columns as cost little more than the outputs.

    A result may have a ciphertext for every 32 columns of the table. No row is cut: what is solved does not
    diverge. The step is small for that, so changes are in a finer unit than elsewhere.
    """
    clip, outputs = whole_clip(features), classes or 1
    width = features + 1
    encryption = _smallest_ring(width * (outputs + 1))
    columns = max(outputs, min(width + outputs, _columns(encryption.degree, width, outputs)))
    return {
        "features": features,
        "classes": classes,
        "weight_bits": 16,
        "fraction_bits": 20,
        "local_steps": 1,
        "step": safe_step(clip),
        "clip": clip,
        "rounds": rounds,
        "stop": never_early(classes),
        "server": SOLVED,
        "probes": columns - outputs,
        "readout": "discriminant" if classes else "outputs",
        "encryption": encryption,
    }


def _columns(degree: int, width: int, outputs: int) -> int:
    """The most columns of which a result takes no more ciphertexts than it may."""
    layout = CoefficientLayout(degree, width, outputs)
    if not layout.rows:  # the outputs alone are too many: whoever makes a family of such a plan says so
        return outputs
    rows = -(-width // max(layout.blocks, -(-width // 32)))
    return (degree - width) // (width * rows)


def _smallest_ring(places: int) -> Encryption:
    """BFV in the smallest ring that has so many places."""
    degree = next((degree for degree in (8192, 16384) if places <= degree), 32768)
    return Encryption(degree=degree, primes=(60, 60, 58, 40), plain_bits=59)
