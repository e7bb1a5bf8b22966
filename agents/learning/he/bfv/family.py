"""Exact families: their ciphertexts hold whole numbers modulo a plaintext modulus."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable

from agents.core.errors import BadPlan
from agents.learning.data.samples import FloatArray, Samples
from agents.learning.he.bfv.cloud import BfvCloud
from agents.learning.he.bfv.matrix_product import BfvCircuit
from agents.learning.he.bfv.model import ExactModel
from agents.learning.he.bfv.packing import BfvPacking
from agents.learning.he.codec import ObjectCodec, ObjectForm
from agents.learning.he.composed import ComposedFamily
from agents.learning.he.key_holder import KeyHolder
from agents.learning.he.keys import KeyForm
from agents.learning.plans.encrypted import ExactPlan
from agents.learning.plans.limits import Limits
from agents.learning.privacy.maps import ShownMap, too_many_numbers


class ExactFamily(ComposedFamily):
    """A family on BFV.

    Args:
        plan: checked by `check_exact`.
        limits: what the agent is ready to work on.
        circuit: what it computes with.
        rows: of samples the (n, p) whole numbers in units of 2^-FEATURE_BITS that weights are multiplied by.
        maps_kept: encoded maps of so many subsets.
    """

    plan: ExactPlan
    cloud: BfvCloud
    model: ExactModel

    def __init__(
        self,
        plan: ExactPlan,
        limits: Limits,
        circuit: BfvCircuit,
        rows: Callable[[Samples], FloatArray],
        maps_kept: int,
    ) -> None:
        self.circuit, self.context = circuit, circuit.context
        model = ExactModel(plan, limits, circuit.budget, rows)
        form = _form(circuit)
        super().__init__(
            plan,
            limits,
            codec=ObjectCodec(self.context, form, plan.encryption.keys),
            key_holder=KeyHolder(self.context, form.keys, BfvPacking(plan, circuit)),
            cloud=BfvCloud(plan, circuit, model, maps_kept),
            model=model,
        )

    @property
    def shown_map(self) -> ShownMap:
        """See `Family.shown_map`: all of the plan but what is the model owner's own decides about it."""
        plan = self.plan
        facts = plan.model_dump(mode="json", exclude=set(_OF_THE_MODEL_OWNER))
        facts |= {"slope": str(plan.slope), "centre": str(plan.centre)}
        document = json.dumps(facts, sort_keys=True, separators=(",", ":")).encode()
        name = hashlib.sha256(b"holdfast map " + document).hexdigest()
        return ShownMap(name, self.width, plan.outputs, self.hidden)

    def singles_out(self, rows: int) -> str:
        """See `Family.singles_out`: of a map with too many numbers."""
        return too_many_numbers(rows, self.plan.features, self.shown_map)

    @property
    def width(self) -> int:
        """Weights of an output, the intercept's included."""
        return self.plan.shapes["output"][0]

    @property
    def hidden(self) -> int:
        """Random features; 0 where weights are of the columns themselves."""
        return 0


_OF_THE_MODEL_OWNER = ("version", "family", "rounds", "stop", "server", "encryption", "sums")
"""Fields of a plan that change nothing of a job's map."""


def check_exact(plan: ExactPlan, width: int, limits: Limits) -> None:
    """Checks what no exact family can do.

    Args:
        plan: of the family.
        width: p, weights of an output, the intercept's included.
        limits: what the agent is ready to work on.

    Raises:
        BadPlan: batches, a scale, or an output of more weights than the limits.
    """
    if plan.batch:
        raise BadPlan("plan: batch: training on ciphertexts takes all rows in each step: leave it at 0")
    if plan.encryption.scale_bits:
        raise BadPlan("plan: encryption: scale_bits is for approximate families: leave it at 0")
    if width > limits.width:
        raise BadPlan(
            f"plan: an output has {width} weights; this agent trains at most {limits.width} exactly: choose "
            "encrypted-features, which takes more columns, or leave some out"
        )


def _form(circuit: BfvCircuit) -> ObjectForm:
    """Weights are one ciphertext, results as many as the layout has blocks."""
    switching = {f"galois {element}": element for element in circuit.product.elements}
    return ObjectForm(
        KeyForm(len(circuit.context.primes), switching),
        inputs=(),
        results=circuit.layout.blocks,
        result_primes=circuit.budget.primes_left,
    )
