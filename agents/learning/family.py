"""A family of models as one object: all that the market asks of it, in plain text or on ciphertexts alike.

The class knows its plans' schema and makes a default plan. An object of it is bound to one plan: it draws the
first weights, publishes, trains, checks, sums and scores them. Nobody else asks what kind of plan it is.
`PlainFamily` (`families/gradient_descent.py`) and `EncryptedFamily` are the two kinds there are.

On ciphertexts the model owner alone makes `keys`: it keeps the secret part and publishes the other once,
before the couple is requested (the plan names its hash). Each cloud owner calls `train` with what is public,
the published weights and its subset; the model owner adds up the results of all subsets of a cohort and
decrypts nothing but the sum. Another library can take the place of the one that is used here.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, Protocol

import numpy as np
import numpy.typing as npt

from agents.learning.data.samples import FloatArray, Samples
from agents.learning.data.subset import Subset
from agents.learning.integers.aggregate import ServerState, strategy_of
from agents.learning.integers.span import Span
from agents.learning.integers.update import Update
from agents.learning.integers.weights import Weights
from agents.learning.plans.base import DescentPlan, Plan
from agents.learning.plans.encrypted import EncryptedPlan, ExactPlan
from agents.learning.plans.limits import DEFAULT_LIMITS, Limits
from agents.learning.privacy.maps import ShownMap

Sums = Literal["", "round", "dataset"]
"""What the model owner sees of results: sums over the whole dataset, sums over the subsets of a round, or,
with none of these, each subset's own."""


@dataclass(frozen=True)
class KeyPair:
    """A model owner's keys for one model.

    Attributes:
        secret: what `publish` and `update` need; never leaves the model owner, rests encrypted.
        public: what `train` needs, canonical bytes; published. Its SHA-256 is the plan's `encryption.keys`.
    """

    secret: bytes = field(repr=False)
    public: bytes


NO_KEYS = KeyPair(b"", b"")
"""Of a family in plain text."""


@dataclass(frozen=True)
class Cohort:
    """The subsets whose results only add up to something together.

    Attributes:
        label: names the sum; masks and all other randomness of a result are derived from it. Two jobs of one
            subset with the same label and the same encrypted weights give the same bytes.
        members: indices of the subsets, ascending; the job's own is among them.
    """

    label: bytes
    members: tuple[int, ...]


@dataclass(frozen=True)
class CiphertextKind:
    """Which ciphertexts a family computes on; empty and zero in plain text.

    Attributes:
        scheme: BFV or CKKS.
        degree: of the ring.
        modulus_bits: of the whole modulus, the keys' prime included.
    """

    scheme: str = ""
    degree: int = 0
    modulus_bits: int = 0


class Estimator(Protocol):
    """What is used of scikit-learn's estimators."""

    def fit(self, X: FloatArray, y: npt.NDArray[Any]) -> object:
        """Trains on (n, d) features and (n,) targets."""

    def score(self, X: FloatArray, y: npt.NDArray[Any]) -> float:
        """Accuracy, or R2, on (n, d) features and (n,) targets."""

    def predict(self, X: FloatArray) -> npt.NDArray[Any]:
        """(n,) classes or values of (n, d) features."""


class Classifier(Estimator, Protocol):
    """What is used of those that tell classes."""

    classes_: npt.NDArray[Any]

    def predict_proba(self, X: FloatArray) -> FloatArray:
        """(n, classes) chances of (n, d) features."""


class Family(ABC):
    """One family of models, for one plan.

    Attributes:
        schema: the class of its plans.
        encrypted: whether cloud owners train on ciphertexts. Then there are keys, and `sums` is not empty.
        learns_once: whether the first sum is all there is to learn, and training ends with it.

    Args:
        plan: checked against the schema.
        limits: what the agent is ready to work on.

    Raises:
        BadPlan: nothing can be trained with these numbers.
    """

    schema: ClassVar[type[Plan]]
    encrypted: ClassVar[bool]
    learns_once: ClassVar[bool] = False

    def __init__(self, plan: Plan, limits: Limits = DEFAULT_LIMITS) -> None:
        self.plan = plan
        self.limits = limits

    # --- of all plans ---

    @classmethod
    def name(cls) -> str:
        """What plans call it."""
        return str(cls.schema.model_fields["family"].default)

    @classmethod
    def fitted(cls, plan: Plan, rows: int) -> Plan:
        """A default plan made to fit a dataset of so many rows: the same, unless a family says otherwise."""
        del rows
        return plan

    @classmethod
    @abstractmethod
    def default_plan(cls, features: int, classes: int, rounds: int, seed: int) -> Plan:
        """A plan that converges on skewed subsets, for those who do not want to choose.

        Args:
            features: columns of the data.
            classes: number of classes; 0 for a regression.
            rounds: the most rounds.
            seed: of what is drawn at random, in families in which something is.

        Raises:
            BadPlan: the family is not for such data, or has no default for them.
        """

    # --- of this plan ---

    @property
    def sums(self) -> Sums:
        """What the model owner sees of results."""
        return ""

    def singles_out(self, rows: int) -> str:
        """Why a sum over the dataset may give single rows away; empty if it is not known to.

        Nobody can check what a model owner encrypts: one that follows no rules sums what it likes.

        Args:
            rows: of the dataset, that are trained on.
        """
        del rows
        return "" if self.shown_map else "its sums are not those of an affine map of the weights"

    @property
    def shown_map(self) -> ShownMap | None:
        """What a sum over the dataset tells, whatever is encrypted; None if it may be more than a map."""
        return None

    @property
    def ciphertext(self) -> CiphertextKind:
        """Which ciphertexts cloud owners compute on."""
        return CiphertextKind()

    def initial_weights(self) -> Weights:
        """The weights before the first round: zeros, where a family draws none."""
        tensors = {name: np.zeros(shape, dtype=np.int64) for name, shape in self.plan.shapes.items()}
        return Weights(tensors, self.plan.weight_bits)

    def initial_state(self) -> ServerState:
        """What the model owner begins with."""
        return ServerState.initial(self.initial_weights())

    @abstractmethod
    def scores(self, weights: Weights, samples: Samples) -> FloatArray:
        """(n, classes) float64 scores, or (n, 1) values in standard deviations of the target.

        Raises:
            BadPlan: the plan is for other data than these, or there are more rows than the limits allow.
        """

    @abstractmethod
    def local_update(self, weights: Weights, samples: Samples) -> Update:
        """What one training job comes to, all of it in the clear.

        On ciphertexts it is what `update` gives for one subset: the same arithmetic on plain integers. Equal
        bit for bit for exact families; for approximate ones, within their stated precision.

        Raises:
            BadPlan: the plan is for other data, or there are more rows than the limits allow.
        """

    def peer(self) -> Estimator:
        """scikit-learn's own estimator of the same kind: the linear one, where a family names no other."""
        # Imported here: whoever only trains does without scikit-learn.
        from sklearn.linear_model import LogisticRegression, Ridge

        found: Estimator = LogisticRegression(max_iter=10_000) if self.plan.classes else Ridge()
        return found

    # --- model owner ---

    @abstractmethod
    def aggregate(self, state: ServerState, update: Update) -> ServerState:
        """The state after an update."""

    @abstractmethod
    def keys(self) -> KeyPair:
        """Fresh keys, from the operating system's randomness; `NO_KEYS` in plain text."""

    def check_weights(self, weights: Weights) -> None:
        """Checks that weights can be published: any can, unless a family says otherwise.

        Raises:
            BadPlan: they are outside the range that the family is made for.
        """
        del weights

    @abstractmethod
    def publish(self, keys: KeyPair, weights: Weights) -> bytes:
        """What cloud owners are given of the weights: their SHA-256 is the model hash on chain.

        Canonical bytes of the weights, or of a fresh encryption.

        Raises:
            BadPlan: no such weights can be encrypted.
        """

    @property
    def carries_on(self) -> bool:
        """Whether a sum that is not whole goes on in the next round, with the same weights."""
        return self.sums == "dataset"

    def members(self, drawn: Sequence[int], subsets: int) -> tuple[int, ...]:
        """Whose results add up with those of a round.

        Args:
            drawn: the subsets of the round, ascending.
            subsets: of the dataset, how many.
        """
        return tuple(range(subsets)) if self.carries_on else tuple(drawn)

    @abstractmethod
    def is_whole(self, found: Collection[int], members: Sequence[int]) -> bool:
        """Whether results of the subsets found make new weights, of all these that may add to it."""

    @abstractmethod
    def update(self, weights: Weights, keys: KeyPair, results: Sequence[bytes]) -> Update:
        """What results that are whole come to, in any order.

        Args:
            weights: that they were trained from.
            keys: of the plan.
            results: canonical bytes, one for each subset.

        Raises:
            BadObject: one is not canonical or not of this plan, or they do not add up to anything.
        """

    # --- cloud owner ---

    @abstractmethod
    def check_published(self, published: bytes) -> None:
        """Checks the form of published weights.

        Raises:
            BadObject: not canonical, or not of this plan.
        """

    @abstractmethod
    def train(self, public: bytes, published: bytes, subset: Subset, cohort: Cohort) -> bytes:
        """A cloud owner's job: canonical bytes whose SHA-256 all honest replicas of the subset agree on.

        Args:
            public: the public part of the keys; empty in plain text.
            published: the weights of the round.
            subset: to train on.
            cohort: whose sum the result becomes a part of; nothing depends on it where there are no sums.

        Raises:
            BadPlan: the plan is for other data than this subset's; the keys are not those that the plan
                names; the noise budget would not last.
            BadObject: the published weights are not canonical, or not of this plan; or nothing can be
                computed with them and these keys.
        """

    # --- anybody ---

    @abstractmethod
    def check_result(self, result: bytes) -> None:
        """Checks the form of a result.

        Raises:
            BadObject: not canonical, or not of this plan.
        """


class DescentFamily(Family):
    """A family that is trained by gradient descent, round after round."""

    plan: DescentPlan

    def aggregate(self, state: ServerState, update: Update) -> ServerState:
        """As the plan's server does."""
        return strategy_of(self.plan).aggregate(state, update)


class EncryptedFamily(DescentFamily):
    """A family that is trained on ciphertexts.

    Raises:
        BadPlan: the plan's numbers could overflow the plaintext space, or leave too little noise budget.
    """

    plan: EncryptedPlan
    encrypted = True

    def initial_state(self) -> ServerState:
        """See `Family.initial_state`."""
        state, span = super().initial_state(), self._span
        return state if span is None else span.initial(state.weights)

    def aggregate(self, state: ServerState, update: Update) -> ServerState:
        """As the plan's server does."""
        span = self._span
        return super().aggregate(state, update) if span is None else span.aggregate(state, update)

    @property
    def _span(self) -> Span | None:
        """Where sums are solved."""
        return Span(self.plan) if isinstance(self.plan, ExactPlan) and self.plan.solves else None

    @property
    def sums(self) -> Sums:
        """As the plan says."""
        return self.plan.sums

    @property
    def ciphertext(self) -> CiphertextKind:
        """As the plan says."""
        encryption = self.plan.encryption
        return CiphertextKind(encryption.scheme, encryption.degree, sum(encryption.primes))

    @abstractmethod
    def encrypt(self, keys: KeyPair, weights: Weights) -> bytes:
        """A fresh encryption of the weights, in canonical bytes."""

    @abstractmethod
    def decrypt(self, keys: KeyPair, results: Sequence[bytes]) -> Update:
        """The sum of one cohort's results, one for each member, in any order.

        Raises:
            BadObject: a result is not canonical or not of this plan, or they are not a whole cohort of one
                label (the masks do not cancel).
        """

    def publish(self, keys: KeyPair, weights: Weights) -> bytes:
        """A fresh encryption."""
        return self.encrypt(keys, weights)

    def is_whole(self, found: Collection[int], members: Sequence[int]) -> bool:
        """Every subset of the cohort has one: nothing else decrypts."""
        return bool(found) and set(found) == set(members)

    def update(self, weights: Weights, keys: KeyPair, results: Sequence[bytes]) -> Update:
        """The sum, decrypted."""
        del weights
        return self.decrypt(keys, results)
