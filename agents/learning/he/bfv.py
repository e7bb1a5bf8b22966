"""What the exact families have in common: BFV ciphertexts of whole numbers modulo a plaintext modulus.

A family says how weights lie in a plaintext, which products a job computes and where their results lie. Keys,
checks, protection and sums are here, once.
"""

from __future__ import annotations

import hashlib
from abc import abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import log2, prod

import numpy as np
import numpy.typing as npt

from agents.core.errors import BadObject, BadPlan
from agents.learning.data.samples import FloatArray, Int64Array, Samples
from agents.learning.data.split import MAX_SUBSETS
from agents.learning.data.subset import Subset
from agents.learning.families import affine
from agents.learning.family import Cohort, EncryptedFamily, KeyPair
from agents.learning.he.headers import check_shapes, check_whole, cohort_facts, read_cohort
from agents.learning.he.recent import Recent
from agents.learning.he.seal import (
    Ciphertext,
    Content,
    Context,
    GaloisKeys,
    Plaintext,
    Residues,
    refusing,
)
from agents.learning.he.secure_aggregation import Secrets, add, fill, flood_hides, mask, rerandomise
from agents.learning.integers.affine_map import AffineMap, local_map
from agents.learning.integers.fixed import RANGE_BITS
from agents.learning.integers.update import Update
from agents.learning.integers.weights import MAX_SAMPLES, Weights
from agents.learning.plans.encrypted import ExactPlan
from agents.learning.plans.limits import DEFAULT_LIMITS, Limits, check_fit

FRESH_NOISE = 22
"""SEAL cuts errors at six deviations of 3.2, below 20; rounding of the message adds less than one."""

MARGIN_BITS = 2
"""The noise of a sum stays so far below what would change it."""

MOST_FLOOD_BITS = 160
"""As many as a stream gives."""

KEYS_KEPT, MAPS_KEPT = 2, 256


@dataclass(frozen=True, eq=False)
class BfvPublicKeys:
    """A model owner's published keys, loaded.

    Attributes:
        zero: an encryption of zero in NTT form.
        galois: for the rotations of this family; None if it has none.
    """

    zero: Ciphertext
    galois: GaloisKeys | None


@dataclass(frozen=True, eq=False)
class Job:
    """What a subset's rows come to, for any weights.

    Attributes:
        factors: plaintexts in NTT form, in the family's order; None for one that is zero.
        offsets: (degree,) int64 for each ciphertext of the result: what is added to it.
    """

    factors: tuple[Plaintext | None, ...]
    offsets: tuple[Int64Array, ...]


class BfvFamily(EncryptedFamily):
    """A family whose ciphertexts hold whole numbers.

    Between jobs it keeps the loaded keys of the latest couples and what the latest subsets' rows come to.

    Args:
        plan: checked against its schema.
        limits: what the agent is ready to work on.
        plain_modulus: of the plaintexts.

    Raises:
        BadPlan: the numbers of the smallest job would overflow, or the parameters leave no noise budget.
    """

    plan: ExactPlan
    jobs_kept = 4

    def __init__(self, plan: ExactPlan, plain_modulus: int, limits: Limits = DEFAULT_LIMITS) -> None:
        super().__init__(plan, limits)
        if plan.batch:
            raise BadPlan("plan: batch: training on ciphertexts takes all rows in each step: leave it at 0")
        if plan.encryption.scale_bits:
            raise BadPlan("plan: encryption: scale_bits is for approximate families: leave it at 0")
        if self.width > limits.width:
            raise BadPlan(
                f"plan: an output has {self.width} weights; this agent trains at most {limits.width} exactly"
            )
        self.context = Context("BFV", plan.encryption, plain_modulus)
        self.left = self._primes_left()
        self.flood_bits = self._flood_bits()
        self._check_range(self.largest_weight << plan.fraction_bits, 1)
        self._keys: Recent[BfvPublicKeys] = Recent(KEYS_KEPT)
        self._maps: Recent[AffineMap] = Recent(MAPS_KEPT)
        self._jobs: Recent[Job] = Recent(self.jobs_kept)

    # --- what a family decides ---

    @property
    def elements(self) -> tuple[int, ...]:
        """Galois elements of the rotations that it uses: none."""
        return ()

    @property
    def width(self) -> int:
        """p: weights of an output, the intercept's included."""
        return self.plan.features + 1

    @property
    @abstractmethod
    def ciphertexts(self) -> int:
        """In a result."""

    @abstractmethod
    def pack(self, weights: Int64Array) -> Int64Array:
        """(degree,) int64: the places of a plaintext that hold the model's (p, outputs) weights."""

    @abstractmethod
    def plaintext(self, values: Int64Array) -> Plaintext:
        """The plaintext of (degree,) whole numbers."""

    @abstractmethod
    def values(self, plaintext: Plaintext) -> Int64Array:
        """(degree,) int64, between minus and plus half the plaintext modulus."""

    @abstractmethod
    def rows(self, samples: Samples) -> FloatArray:
        """(n, p) whole numbers in units of 2^-FEATURE_BITS that the weights are multiplied by."""

    @abstractmethod
    def noise_bits(self, steps: AffineMap) -> float:
        """Logarithm of a bound of the noise of the products with this map."""

    @abstractmethod
    def prepare(self, steps: AffineMap) -> Job:
        """The plaintexts of a map."""

    @abstractmethod
    def products(self, keys: BfvPublicKeys, weights: Ciphertext, job: Job) -> Iterator[Ciphertext]:
        """The result's ciphertexts before offsets and protection, of weights in NTT form."""

    @abstractmethod
    def unused(self, index: int) -> npt.NDArray[np.bool_]:
        """(degree,) whether a place of a result's ciphertext carries nothing."""

    @abstractmethod
    def unpack(self, results: Sequence[Int64Array]) -> tuple[Int64Array, int]:
        """The (p, outputs) change and the number of rows that the places of a result hold."""

    # --- model owner ---

    def keys(self) -> KeyPair:
        """Fresh keys."""
        secret = self.context.new_secret_key()
        public = {"zero": self.context.new_zero(secret)}
        for element, key in self.context.new_switching_keys(secret, self.elements).items():
            public[f"galois {element}"] = key
        return KeyPair(
            self.context.to_bytes("secret key", {"secret": secret[None]}, {}),
            self.context.to_bytes("public keys", public, {}),
        )

    def encrypt(self, keys: KeyPair, weights: Weights) -> bytes:
        """A fresh encryption of the weights."""
        plaintext = self.plaintext(self.pack(weights.tensors["output"]))
        content = self.context.encrypt(self._secret(keys), plaintext)
        values = self.context.transformed(content, ntt=True).residues
        return self.context.to_bytes("encrypted weights", {"weights": values}, {})

    def decrypt(self, keys: KeyPair, results: Sequence[bytes]) -> Update:
        """The sum of one cohort's results."""
        read = [self._result(result) for result in results]
        check_whole([(cohort, member) for _, cohort, member in read])
        secret = self._secret(keys)
        places = []
        for index in range(self.ciphertexts):
            parts = [Content(residues[index], ntt=False) for residues, _, _ in read]
            places.append(self.values(self.context.decrypt(secret, add(self.context, parts))))
        change, samples = self.unpack(places)
        if not 1 <= samples <= len(read) * MAX_SAMPLES:
            raise BadObject("the sum of the results does not decrypt: they are not of these keys and weights")
        return Update({"output": change}, samples, self.plan.fraction_bits)

    # --- cloud owner ---

    def check_published(self, published: bytes) -> None:
        """Checks the form of encrypted weights."""
        self.weights(published)

    def train(self, public: bytes, encrypted: bytes, subset: Subset, cohort: Cohort) -> bytes:
        """A cloud owner's job."""
        check_fit(self.plan, subset.samples, self.limits)
        secrets = Secrets(self.plan, subset, cohort, encrypted)
        keys, weights = self.public_keys(public), self.weights(encrypted)
        steps = self.steps(subset.samples)
        self._check_range(steps.largest(self.largest_weight), len(cohort.members))
        self._check_flood(self.noise_bits(steps))
        job = self._jobs.get(_name(subset.samples), lambda: self.prepare(steps))
        with refusing():
            parts = [
                self._protected(product, keys, job, secrets, index)
                for index, product in enumerate(self.products(keys, weights, job))
            ]
        facts = cohort_facts(cohort, subset.index)
        return self.context.to_bytes("encrypted result", {"result": np.stack(parts)}, facts)

    def _protected(
        self, result: Ciphertext, keys: BfvPublicKeys, job: Job, secrets: Secrets, index: int
    ) -> Residues:
        evaluator = self.context.evaluator
        rerandomise(self.context, result, keys.zero, secrets, index, self.flood_bits)
        places = job.offsets[index].copy()
        fill(places, self.unused(index), self.context.plain_modulus, secrets, index)
        evaluator.add_plain_inplace(result, self.plaintext(places))
        for _ in range(len(self.context.primes) - self.left):
            evaluator.mod_switch_to_next_inplace(result)
        content = self.context.content(result)
        mask(content, self.context, secrets, index)
        return content.residues

    # --- anybody ---

    def check_result(self, result: bytes) -> None:
        """Checks the form of a result."""
        self._result(result)

    def local_update(self, weights: Weights, samples: Samples) -> Update:
        """What `decrypt` gives for one subset."""
        check_fit(self.plan, samples, self.limits)
        steps = self.steps(samples)
        self._check_range(steps.largest(self.largest_weight), 1)
        change = steps.change(weights.tensors["output"])
        return Update({"output": change}, steps.rows, self.plan.fraction_bits)

    def steps(self, samples: Samples) -> AffineMap:
        """The plan's local steps on these samples, kept for the next round."""
        return self._maps.get(_name(samples), lambda: local_map(self.plan, self.rows(samples), samples))

    def scores(self, weights: Weights, samples: Samples) -> FloatArray:
        """(n, outputs) float64."""
        check_fit(self.plan, samples, self.limits)
        matrices = {name: matrix.astype(np.float64) for name, matrix in weights.tensors.items()}
        return affine.scores(self.plan, matrices, self.rows(samples))

    # --- refusals before any work ---

    @property
    def largest_weight(self) -> int:
        """The largest weight, in its unit: aggregation saturates there."""
        return int(2 ** (self.plan.weight_bits + RANGE_BITS))

    def _check_range(self, largest: int, members: int) -> None:
        """A sum of so many changes, of this size at most, must lie within half the plaintext modulus."""
        half = self.context.plain_modulus // 2
        if largest * members >= half:
            raise BadPlan(
                f"the sum over {members} subsets could reach 2^{log2(largest * members):.1f}, and the"
                f" plaintexts hold 2^{log2(half):.1f}: take fewer weight_bits or fraction_bits"
            )

    def _primes_left(self) -> int:
        """Of a result: as few as hold the sum of the most subsets with the rounding noise of each switch."""
        primes, degree = self.context.primes, self.context.degree
        noise = MAX_SUBSETS * (degree + 1)
        for count in range(1, len(primes)):
            if prod(primes[:count]) // (2 * self.context.plain_modulus) >= noise << MARGIN_BITS:
                return count
        raise BadPlan(
            f"plan: encryption: primes of {self.plan.encryption.primes} bits leave no noise budget"
            f" for plaintexts of {log2(self.context.plain_modulus):.0f} bits: take more, or fewer plain_bits"
        )

    def _flood_bits(self) -> int:
        """The flood takes all the noise budget that a sum of the most subsets leaves."""
        room = prod(self.context.primes) // (2 * self.context.plain_modulus * MAX_SUBSETS)
        return min(MOST_FLOOD_BITS, room.bit_length() - 1 - MARGIN_BITS)

    def _check_flood(self, noise_bits: float) -> None:
        """The noise of a product, and that of re-randomising it, must drown."""
        own = FRESH_NOISE * (2 * self.context.degree + 1)
        bits = log2(2.0**noise_bits + own)
        if not flood_hides(self.context, bits, self.flood_bits):
            raise BadPlan(
                f"the noise budget is too small: the noise has up to {bits:.0f} bits, the flood that is to"
                f" hide it {self.flood_bits}: take larger primes, fewer plain_bits or fewer fraction_bits"
            )

    # --- reading ---

    def _secret(self, keys: KeyPair) -> Residues:
        tensors, _ = self.context.from_bytes(keys.secret, "secret key", "the secret key")
        return tensors["secret"].reshape(-1, self.context.degree)

    def public_keys(self, public: bytes) -> BfvPublicKeys:
        """The published keys.

        Raises:
            BadPlan: not those that the plan names.
            BadObject: not canonical, or not of this plan.
        """
        name = hashlib.sha256(public).digest()
        if name.hex() != self.plan.encryption.keys:
            raise BadPlan("the published keys are not those that the plan names")
        return self._keys.get(name, lambda: self._loaded(public))

    def _loaded(self, public: bytes) -> BfvPublicKeys:
        what, degree, count = "the published keys", self.context.degree, len(self.context.primes)
        tensors, facts = self.context.from_bytes(public, "public keys", what)
        shapes: dict[str, tuple[int, ...]] = {"zero": (1, count, degree)}
        shapes |= {f"galois {element}": (count, 2, count + 1, degree) for element in self.elements}
        check_shapes(tensors, shapes, what)
        if facts:
            raise BadObject(f"{what}: not in the form of this plan's")
        galois = {element: tensors[f"galois {element}"] for element in self.elements}
        return BfvPublicKeys(
            self.context.zero(tensors["zero"]),
            self.context.galois_keys(galois) if galois else None,
        )

    def weights(self, encrypted: bytes) -> Ciphertext:
        """Encrypted weights, in NTT form.

        Raises:
            BadObject: not canonical, or not of this plan.
        """
        what = "the encrypted weights"
        tensors, facts = self.context.from_bytes(encrypted, "encrypted weights", what)
        check_shapes(tensors, {"weights": (2, len(self.context.primes), self.context.degree)}, what)
        if facts or not tensors["weights"][1].any():
            raise BadObject(f"{what}: not in the form of this plan's")
        return self.context.load(Content(tensors["weights"], ntt=True))

    def contents(self, result: bytes) -> list[Content]:
        """A result's ciphertexts.

        Raises:
            BadObject: not canonical, or not of this plan.
        """
        residues, _, _ = self._result(result)
        return [Content(part, ntt=False) for part in residues]

    def _result(self, result: bytes) -> tuple[Residues, Cohort, int]:
        """(ciphertexts, 2, primes, degree) residues, the cohort, and whose result it is."""
        what = "the encrypted result"
        tensors, facts = self.context.from_bytes(result, "encrypted result", what)
        check_shapes(tensors, {"result": (self.ciphertexts, 2, self.left, self.context.degree)}, what)
        cohort, member = read_cohort(facts, what)
        return tensors["result"], cohort, member


def _name(samples: Samples) -> bytes:
    """Tells samples of one form from others."""
    return hashlib.sha256(samples.features.tobytes() + samples.target.tobytes()).digest()
