"""The cloud owner's side of exact families: a product of encrypted weights and a subset's affine map."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from agents.learning.data.samples import Int64Array
from agents.learning.data.subset import Subset
from agents.learning.family import Cohort
from agents.learning.he.bfv.matrix_product import BfvCircuit, Factors
from agents.learning.he.bfv.model import ExactModel, samples_digest
from agents.learning.he.keys import PublicKeys
from agents.learning.he.objects import EncryptedResult, EncryptedWeights
from agents.learning.he.protection import Flood, fill, rerandomise
from agents.learning.he.recent import Recent
from agents.learning.he.ring import Content
from agents.learning.he.seal import Ciphertext, refusing
from agents.learning.he.secure_aggregation import JobStreams, check_cohort, mask
from agents.learning.integers.affine_map import AffineMap
from agents.learning.plans.encrypted import ExactPlan


@dataclass(frozen=True, eq=False)
class EncodedMap:
    """What a subset's rows come to, for any weights.

    Attributes:
        factors: plaintexts in the product's order.
        offsets: (degree,) int64 for each ciphertext of the result: what is added to it.
    """

    factors: Factors
    offsets: tuple[Int64Array, ...]


class BfvCloud:
    """See `CloudSide`. Between jobs it keeps what the latest subsets' rows come to.

    Args:
        plan: of the family.
        circuit: what it computes with.
        model: with each subset's affine map.
        maps_kept: encoded maps of so many subsets: they are large.
    """

    def __init__(self, plan: ExactPlan, circuit: BfvCircuit, model: ExactModel, maps_kept: int) -> None:
        self._plan, self.circuit, self._model = plan, circuit, model
        self._maps: Recent[EncodedMap] = Recent(maps_kept)

    def check(self, subset: Subset, cohort: Cohort) -> None:
        """Refuses a job before keys and weights are read."""
        self._model.check_fit(subset.samples)
        check_cohort(self._plan.sums, subset, cohort)

    def train(
        self, keys: PublicKeys, weights: EncryptedWeights, subset: Subset, cohort: Cohort
    ) -> EncryptedResult:
        """A job that was checked."""
        steps, circuit = self._model.steps(subset.samples), self.circuit
        self._model.check_range(steps, len(cohort.members))
        circuit.budget.check_flood(circuit.product.noise_bits(steps.factors))
        encoded = self._maps.get(samples_digest(subset.samples), lambda: self.encoded(steps))
        streams = JobStreams(self._plan, self._plan.sums, subset, cohort, weights.digest)
        with refusing():
            contents = tuple(
                self.protected(product, keys.zero, encoded.offsets[index], streams, index)
                for index, product in enumerate(self.products(keys, weights, encoded))
            )
        return EncryptedResult(contents, cohort, subset.index)

    def encoded(self, steps: AffineMap) -> EncodedMap:
        """A subset's affine map, encoded."""
        circuit = self.circuit
        offsets = tuple(circuit.layout.offsets(steps.offsets, steps.rows))
        return EncodedMap(circuit.product.encode(steps.factors), offsets)

    def products(
        self, keys: PublicKeys, weights: EncryptedWeights, encoded: EncodedMap
    ) -> Iterator[Ciphertext]:
        """The result's ciphertexts before offsets and protection."""
        (content,) = weights.ciphertexts
        return self.circuit.product.multiply(keys, self.circuit.context.load(content), encoded.factors)

    def protected(
        self, result: Ciphertext, zero: Ciphertext, offsets: Int64Array, streams: JobStreams, index: int
    ) -> Content:
        """The result as it leaves the cloud owner."""
        context, budget, encoding = self.circuit.context, self.circuit.budget, self.circuit.encoding
        rerandomise(context, result, zero, streams, index, Flood(budget.flood_bits))
        added = offsets.copy()
        fill(added, self.circuit.layout.unused(index), context.plain_modulus, streams, index)
        context.evaluator.add_plain_inplace(result, encoding.encode(added))
        for _ in range(len(context.primes) - budget.primes_left):
            context.evaluator.mod_switch_to_next_inplace(result)
        content = context.content(result)
        mask(content, context.all_primes, streams, index)
        return content
