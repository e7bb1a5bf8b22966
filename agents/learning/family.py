"""The seam of encrypted training: a family is a class with keys, encrypt, train and decrypt.

The model owner alone makes `keys`: it keeps the secret part and publishes the other once, before the couple
is requested (the plan names its hash). For each new set of weights it calls `encrypt`; each cloud owner calls
`train` with what is public, the encrypted weights and its subset; the model owner adds up the results of all
subsets of a cohort and decrypts nothing but the sum. Another library can take the place of the one that
is used here.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field

from agents.learning.data.samples import FloatArray, Samples
from agents.learning.data.subset import Subset
from agents.learning.integers.update import Update
from agents.learning.integers.weights import Weights
from agents.learning.plans.encrypted import EncryptedPlan
from agents.learning.plans.limits import DEFAULT_LIMITS, Limits


@dataclass(frozen=True)
class KeyPair:
    """A model owner's keys for one model.

    Attributes:
        secret: what `encrypt` and `decrypt` need; never leaves the model owner, rests encrypted.
        public: what `train` needs, canonical bytes; published. Its SHA-256 is the plan's `encryption.keys`.
    """

    secret: bytes = field(repr=False)
    public: bytes


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


class EncryptedFamily(ABC):
    """One family of models, trained on ciphertexts, for one plan.

    Args:
        plan: checked against its schema.
        limits: what the agent is ready to work on.

    Raises:
        BadPlan: its numbers could overflow the plaintext space, or leave too little noise budget.
    """

    def __init__(self, plan: EncryptedPlan, limits: Limits = DEFAULT_LIMITS) -> None:
        self.plan = plan
        self.limits = limits

    # --- model owner ---

    @abstractmethod
    def keys(self) -> KeyPair:
        """Fresh keys, from the operating system's randomness."""

    @abstractmethod
    def encrypt(self, keys: KeyPair, weights: Weights) -> bytes:
        """A fresh encryption of the weights, in canonical bytes: their SHA-256 is the model hash on chain."""

    @abstractmethod
    def decrypt(self, keys: KeyPair, results: Sequence[bytes]) -> Update:
        """The sum of one cohort's results, one for each member, in any order.

        Raises:
            BadObject: a result is not canonical or not of this plan, or they are not a whole cohort of one
                label (the masks do not cancel).
        """

    # --- cloud owner ---

    @abstractmethod
    def check_encrypted(self, encrypted: bytes) -> None:
        """Checks the form of encrypted weights.

        Raises:
            BadObject: not canonical, or not of this plan.
        """

    @abstractmethod
    def train(self, public: bytes, encrypted: bytes, subset: Subset, cohort: Cohort) -> bytes:
        """A cloud owner's job: canonical bytes whose SHA-256 all honest replicas of the subset agree on.

        Raises:
            BadPlan: the plan is for other data than this subset's; the keys are not those that the plan
                names; the noise budget would not last.
            BadObject: the encrypted weights are not canonical, or not of this plan; or nothing can be
                computed with them and these keys.
        """

    # --- anybody ---

    @abstractmethod
    def check_result(self, result: bytes) -> None:
        """Checks the form of a result.

        Raises:
            BadObject: not canonical, or not of this plan.
        """

    @abstractmethod
    def in_the_clear(self, weights: Weights, samples: Samples) -> Update:
        """What `decrypt` gives for one subset: the same arithmetic on plain integers.

        Equal bit for bit for exact families; for approximate ones, within their stated precision.
        """

    @abstractmethod
    def scores(self, weights: Weights, samples: Samples) -> FloatArray:
        """(n, outputs) float64: scores of the classes, or values in standard deviations of the target.

        Raises:
            BadPlan: the plan is for other data than these.
        """
