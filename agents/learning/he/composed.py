"""A family that is put together of its parts: what `EncryptedFamily` promises, in canonical bytes.

Here bytes become typed objects, once, and objects bytes again. The two sides see nothing but the objects.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from agents.learning.data.samples import FloatArray, Samples
from agents.learning.data.subset import Subset
from agents.learning.family import Cohort, EncryptedFamily, KeyPair
from agents.learning.he.codec import ObjectCodec
from agents.learning.he.key_holder import KeyHolder
from agents.learning.he.keys import PublicKeys
from agents.learning.he.objects import EncryptedResult, EncryptedWeights
from agents.learning.he.recent import Latest
from agents.learning.integers.update import Update
from agents.learning.integers.weights import Weights
from agents.learning.plans.encrypted import EncryptedPlan
from agents.learning.plans.limits import Limits


class CloudSide(Protocol):
    """The side of the cloud owner: it trains on ciphertexts, and no secret key comes here."""

    def check(self, subset: Subset, cohort: Cohort) -> None:
        """Refuses a job before keys and weights are read.

        Raises:
            BadPlan: the plan is for other data than this subset's, or the result would not be hidden.
        """

    def train(
        self, keys: PublicKeys, weights: EncryptedWeights, subset: Subset, cohort: Cohort
    ) -> EncryptedResult:
        """A job that was checked.

        Raises:
            BadPlan: the numbers would overflow, or the noise budget would not last.
            BadObject: nothing can be computed with these weights and keys.
        """


class PlainModel(Protocol):
    """The same model without encryption."""

    def update(self, weights: Weights, samples: Samples) -> Update:
        """What decryption gives for one subset.

        Raises:
            BadPlan: the plan is for other data than these.
        """

    def scores(self, weights: Weights, samples: Samples) -> FloatArray:
        """(n, outputs) float64: scores of the classes, or values in standard deviations of the target.

        Raises:
            BadPlan: the plan is for other data than these.
        """


class ComposedFamily(EncryptedFamily):
    """A family of these parts.

    Args:
        plan: checked against its schema.
        limits: what the agent is ready to work on.
        codec: of the plan's objects.
        key_holder: the model owner's side.
        cloud: the cloud owner's.
        model: what is trained, without encryption.
    """

    def __init__(
        self,
        plan: EncryptedPlan,
        limits: Limits,
        *,
        codec: ObjectCodec,
        key_holder: KeyHolder,
        cloud: CloudSide,
        model: PlainModel,
    ) -> None:
        super().__init__(plan, limits)
        self.codec, self.key_holder, self.cloud, self.model = codec, key_holder, cloud, model
        self._weights: Latest[EncryptedWeights] = Latest()

    # --- model owner ---

    def keys(self) -> KeyPair:
        """See `Family.keys`."""
        secret, published = self.key_holder.new_keys()
        return KeyPair(self.codec.write_secret(secret), self.codec.write_public(published))

    def check_weights(self, weights: Weights) -> None:
        """See `Family.check_weights`."""
        self.key_holder.packing.pack(weights)

    def encrypt(self, keys: KeyPair, weights: Weights) -> bytes:
        """See `EncryptedFamily.encrypt`.

        Raises:
            BadPlan: the weights are outside the range that the family's circuit is made for.
        """
        secret = self.codec.secret(keys.secret)
        return self.codec.write_weights(self.key_holder.encrypt(secret, weights))

    def decrypt(self, keys: KeyPair, results: Sequence[bytes]) -> Update:
        """See `EncryptedFamily.decrypt`."""
        read = [self.codec.result(result) for result in results]
        return self.key_holder.decrypt(self.codec.secret(keys.secret), read)

    # --- cloud owner ---

    def check_published(self, published: bytes) -> None:
        """See `Family.check_published`."""
        self._weights.get(published, self.codec.weights)

    def train(self, public: bytes, published: bytes, subset: Subset, cohort: Cohort) -> bytes:
        """See `Family.train`."""
        self.cloud.check(subset, cohort)
        weights = self._weights.get(published, self.codec.weights)
        keys = self.codec.public(public)
        return self.codec.write_result(self.cloud.train(keys, weights, subset, cohort))

    # --- anybody ---

    def check_result(self, result: bytes) -> None:
        """See `Family.check_result`."""
        self.codec.result(result)

    def local_update(self, weights: Weights, samples: Samples) -> Update:
        """See `Family.local_update`."""
        return self.model.update(weights, samples)

    def scores(self, weights: Weights, samples: Samples) -> FloatArray:
        """See `Family.scores`."""
        return self.model.scores(weights, samples)
