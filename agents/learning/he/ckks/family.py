"""Approximate families: their ciphertexts hold real numbers."""

from __future__ import annotations

from agents.learning.he.ckks.circuit import StepCircuit
from agents.learning.he.ckks.cloud import CkksCloud
from agents.learning.he.ckks.model import Formulas, RealModel
from agents.learning.he.ckks.packing import CkksPacking
from agents.learning.he.ckks.scheme import CkksScheme
from agents.learning.he.codec import ObjectCodec, ObjectForm
from agents.learning.he.composed import ComposedFamily
from agents.learning.he.key_holder import KeyHolder
from agents.learning.he.keys import KeyForm
from agents.learning.he.seal import RELINEARISATION
from agents.learning.plans.encrypted import ApproximatePlan
from agents.learning.plans.limits import Limits


class ApproximateFamily(ComposedFamily):
    """A family on CKKS.

    Args:
        scheme: of the plan.
        limits: what the agent is ready to work on.
        formulas: what is trained.
        circuit: the same on ciphertexts.

    Raises:
        BadPlan: too little headroom for the flood.
    """

    plan: ApproximatePlan
    cloud: CkksCloud
    model: RealModel

    def __init__(self, scheme: CkksScheme, limits: Limits, formulas: Formulas, circuit: StepCircuit) -> None:
        self.ckks, self.circuit, self.context = scheme, circuit, scheme.context
        form, model = _form(scheme, circuit), RealModel(scheme.plan, limits, formulas)
        super().__init__(
            scheme.plan,
            limits,
            codec=ObjectCodec(self.context, form, scheme.plan.encryption.keys),
            key_holder=KeyHolder(self.context, form.keys, CkksPacking(scheme, formulas, circuit)),
            cloud=CkksCloud(scheme, circuit, model),
            model=model,
        )
        self.cloud.check_headroom(2)

    def singles_out(self, rows: int) -> str:
        """See `Family.singles_out`: gradients of degree three are moments of degree four.

        Weights in one row's slots alone make the sum one of single rows; with well-formed ones an iteration
        finds outlying rows within a few dozen sums.
        """
        del rows
        return "its gradients are not linear in the weights"


def _form(scheme: CkksScheme, circuit: StepCircuit) -> ObjectForm:
    """Keys for relinearisation and, called turns, for each rotation; results of one prime."""
    rotations = sorted(set(circuit.rotations))
    elements = {f"turn {steps}": pow(3, steps, 2 * scheme.context.degree) for steps in rotations}
    return ObjectForm(
        KeyForm(scheme.levels.left, {"relin": RELINEARISATION} | elements),
        inputs=(circuit.input_count,),
        results=circuit.results.ciphertexts,
        result_primes=1,
        scale=scheme.scale,
        result_scales=True,
    )
