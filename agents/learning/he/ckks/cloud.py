"""The cloud owner's side of approximate families, and how their results are protected.

A result is one ciphertext or a few, whose slots hold parts of the subset's change in real units and, in one
slot, its number of rows. Before it leaves the cloud owner it goes through these steps:

1. It is re-randomised and flooded (`protection.py`). CKKS keeps noise and message in the same number, so the
   flood costs precision, and the modulus leaves room for far less of it than the exact families have. It has
   an Irwin-Hall distribution, which hides as much with half the bits (`headroom.py`).
2. The modulus is switched: one prime is left.
3. Slots that carry no result hold sums over parts of the rows. Numbers far larger than these are added.
4. Each pair of subsets adds and subtracts a stream that is uniform modulo that prime: to the model owner a
   single result is uniform; it can decode nothing but the cohort's sum.

What is left to an honest but curious model owner is the sum and, with the probability that
`Headroom.distance` bounds, what noise and unused slots of that sum tell. The formulas for noise hold for
encryptions of weights in the range that the key holder checks. A model owner who encrypts something else is
not bound by them: it may learn more of the sum than its used slots say, yet nothing of a single result.

Every number that decides a byte at a cloud owner is a whole number, or a float that comes from additions,
subtractions, multiplications and divisions alone.
"""

from __future__ import annotations

import numpy as np

from agents.core.errors import BadPlan
from agents.learning.data.samples import FloatArray, Samples
from agents.learning.data.subset import Subset
from agents.learning.family import Cohort
from agents.learning.he.ckks.arithmetic import Arithmetic
from agents.learning.he.ckks.circuit import EncodedSubset, StepCircuit, encode_subset
from agents.learning.he.ckks.model import RealModel
from agents.learning.he.ckks.scheme import CkksScheme
from agents.learning.he.keys import PublicKeys
from agents.learning.he.objects import EncryptedResult, EncryptedWeights
from agents.learning.he.protection import rerandomise
from agents.learning.he.recent import Recent
from agents.learning.he.ring import Content
from agents.learning.he.seal import Ciphertext, refusing
from agents.learning.he.secure_aggregation import JobStreams, check_cohort, mask

SUBSETS_KEPT = 2
"""Encoded subsets that are kept from round to round: they are large."""


class CkksCloud:
    """See `CloudSide`.

    Args:
        scheme: of the family.
        circuit: what it computes.
        model: with the family's formulas.
    """

    def __init__(self, scheme: CkksScheme, circuit: StepCircuit, model: RealModel) -> None:
        self._scheme, self._circuit, self._model = scheme, circuit, model
        self._subsets: Recent[EncodedSubset] = Recent(SUBSETS_KEPT)

    def check(self, subset: Subset, cohort: Cohort) -> None:
        """Refuses a job before keys and weights are read."""
        plan, rows = self._scheme.plan, len(subset.samples)
        self._model.check_fit(subset.samples)
        if rows > plan.rows:
            raise BadPlan(f"the plan has room for {plan.rows} rows, the subset has {rows}")
        check_cohort(plan.sums, subset, cohort)
        self.check_headroom(len(cohort.members))

    def check_headroom(self, members: int) -> None:
        """Checks that a sum over so many subsets fits and tells nothing but itself.

        Raises:
            BadPlan: it could overflow, or be less precise than its flood, or tell too much.
        """
        bounds, ciphertexts = self._circuit.bounds, self._circuit.results.ciphertexts
        self._scheme.headroom.check(bounds.noise, bounds.largest, ciphertexts, members)

    def train(
        self, keys: PublicKeys, weights: EncryptedWeights, subset: Subset, cohort: Cohort
    ) -> EncryptedResult:
        """A job that was checked."""
        plan = self._scheme.plan
        streams = JobStreams(plan, plan.sums, subset, cohort, weights.digest)
        encoded = self._subsets.get(subset.digest(), lambda: self.encoded(subset.samples))
        with refusing():
            contents = tuple(
                self.protected(result, keys.zero, encoded.known[index], streams, index, len(cohort.members))
                for index, result in enumerate(self.evaluated(keys, weights, encoded))
            )
        return EncryptedResult(contents, cohort, subset.index)

    def encoded(self, samples: Samples) -> EncodedSubset:
        """A subset's data, encoded."""
        return encode_subset(self._scheme, self._model.formulas, self._circuit, samples)

    def evaluated(
        self, keys: PublicKeys, weights: EncryptedWeights, encoded: EncodedSubset
    ) -> list[Ciphertext]:
        """The result's ciphertexts before protection."""
        arithmetic = Arithmetic(self._scheme.context, self._scheme.layout, keys)
        inputs = [self._scheme.context.load(content) for content in weights.ciphertexts]
        return self._circuit.evaluate(arithmetic, inputs, encoded)

    def protected(
        self,
        result: Ciphertext,
        zero: Ciphertext,
        known: FloatArray,
        streams: JobStreams,
        index: int,
        members: int,
    ) -> Content:
        """One of the result's ciphertexts as it leaves the cloud owner.

        Args:
            result: with as many primes as the levels leave; overwritten.
            zero: that the model owner published.
            known: (slots,) what is added to its used slots.
            streams: of this job.
            index: of this ciphertext in the result.
            members: of the cohort.
        """
        scheme = self._scheme
        context, headroom = scheme.context, scheme.headroom
        rerandomise(context, result, zero, streams, index, headroom.flood)
        for _ in range(scheme.levels.left - 1):
            context.evaluator.rescale_to_next_inplace(result)
        filler = streams.stream("unused", index).irwin_hall_integers(
            headroom.filler_bits(members), known.size
        )
        values = np.where(self._circuit.results.used[index], known, filler.astype(np.float64))
        context.evaluator.add_plain_inplace(result, scheme.plaintext(values, 1, result.scale))
        content = context.content(result)
        mask(content, context.all_primes, streams, index)
        return content
